# shellcheck shell=bash
# What the user sees: numbered steps, progress of long commands, errors with a remedy. Owns the log file.
#
# No script that reads this file first ends without a word: whatever command fails unexpectedly, the user is told
# the step, the line, the command and what to do.

LOG=/dev/null # until open_log
STEP=0
STEPS=0
STEP_TITLE=""
CHILD=""
CHANGES=0
EXPLAINED=""
FAILED_CODE=""
FAILED_COMMAND=""
FAILED_PLACE=""

if [[ -t 1 ]]; then
	BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
else
	BOLD="" DIM="" RED="" GREEN="" PLAIN=""
fi

# note_failure COMMAND: remembers which command is about to end the script. Bash calls it for exactly the failures
# that `set -e` acts on; those that are handled (if, ||, !) never get here.
note_failure() {
	local code=$? depth
	if ((BASH_SUBSHELL)); then
		return # the failure reaches the main shell, if nothing there handles it
	fi
	FAILED_CODE=$code
	FAILED_COMMAND=$1
	FAILED_PLACE="${BASH_SOURCE[1]##*/}, line ${BASH_LINENO[0]}"
	for ((depth = 1; depth < ${#FUNCNAME[@]} - 1; depth++)); do
		FAILED_PLACE+=", called from ${BASH_SOURCE[depth + 1]##*/}, line ${BASH_LINENO[depth]}"
	done
}

set -E # functions and subshells keep the trap
trap 'note_failure "$BASH_COMMAND"' ERR
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# open_log NAME: everything that the commands print goes here; shown in part when one fails
open_log() { LOG=$(mktemp "${TMPDIR:-/tmp}/crm_relations-$1-XXXXXX.log"); }

# has_log: whether there is a log file
has_log() { [[ -f $LOG ]]; }

# on_exit_do COMMAND: a command for the end of the script, run before the log is closed
ON_EXIT=()
on_exit_do() { ON_EXIT+=("$1"); }

on_exit() {
	local code=$? command
	trap - EXIT ERR INT TERM HUP
	if [[ -n $CHILD ]]; then
		kill_tree "$CHILD"
		CHILD=""
	fi
	for command in "${ON_EXIT[@]}"; do
		"$command" || true
	done
	case $code in
		0) remove_log ;;
		130 | 143)
			printf '\n%sInterrupted%s. Run the same command again: it continues here.%s\n' "$RED" "$(in_step)" "$PLAIN" >&2
			tell_log
			;;
		*)
			if [[ $EXPLAINED == by-its-output ]]; then
				remove_log
			elif [[ -z $EXPLAINED ]]; then
				tell_failure "$code"
			fi
			;;
	esac
	exit "$code"
}

remove_log() {
	if has_log; then
		rm -f "$LOG"
	fi
}

tell_log() {
	if has_log; then
		printf 'Log: %s\n' "$LOG" >&2
	fi
}

in_step() { if ((STEP)); then printf ' in step %s (%s)' "$STEP" "$STEP_TITLE"; fi; }

# tell_failure CODE: of a command that was not expected to fail
tell_failure() {
	printf '\n%sError%s%s: stopped unexpectedly, with exit code %s.\n' "$RED" "$PLAIN" "$(in_step)" "$1" >&2
	if [[ -n $FAILED_COMMAND ]]; then
		printf '  Command: %s (exit code %s)\n  Place: %s\n' "$FAILED_COMMAND" "$FAILED_CODE" "$FAILED_PLACE" >&2
	fi
	if has_log && [[ -s $LOG ]]; then
		printf '  The last lines of the log (%s):\n' "$LOG" >&2
		tail -n 10 "$LOG" | tr '\r' '\n' | sed 's/^/  | /' >&2
	fi
	printf '  → Run the same command again: it continues where it stopped.\n' >&2
	printf '  → If it stops there again, see what that command says when you run it by itself, and report it with these lines.\n' >&2
}

kill_tree() {
	local child
	for child in $(ps -o pid= --ppid "$1" 2>/dev/null); do
		kill_tree "$child"
	done
	kill -TERM "$1" 2>/dev/null || true
}

step() {
	STEP=$((STEP + 1))
	STEP_TITLE=$1
	printf '%s[%s/%s] %s%s\n' "$BOLD" "$STEP" "$STEPS" "$1" "$PLAIN"
	printf '\n=== [%s/%s] %s\n' "$STEP" "$STEPS" "$1" >>"$LOG"
}

there() { printf '      %salready there%s%s\n' "$GREEN" "$PLAIN" "${1:+: $1}"; }
note() { printf '      %s\n' "$1"; }
done_now() {
	CHANGES=$((CHANGES + 1))
	printf '      %sdone%s%s\n' "$GREEN" "$PLAIN" "${1:+: $1}"
}
warn() { printf '      %sNote:%s %s\n' "$BOLD" "$PLAIN" "$1" >&2; }

# die MESSAGE [REMEDY…]: what is wrong, and what to do about it
die() {
	EXPLAINED=1
	printf '\n%sError%s%s: %s\n' "$RED" "$PLAIN" "${STEP_TITLE:+ in step $STEP ($STEP_TITLE)}" "$1" >&2
	shift
	while (($#)); do
		printf '  → %s\n' "$1" >&2
		shift
	done
	exit 1
}

# run WHAT COMMAND…: the command's output goes to the log, its progress to the screen; returns its exit code
run() {
	local what=$1 started=$SECONDS last=$SECONDS code=0 line begin
	shift
	printf '      %s …\n' "$what"
	printf -- '--- %s: %s\n' "$what" "$1" >>"$LOG"
	begin=$(($(stat -c %s "$LOG") + 1))
	"$@" </dev/null >>"$LOG" 2>&1 &
	CHILD=$!
	while kill -0 "$CHILD" 2>/dev/null; do
		sleep 0.5
		if ((SECONDS - last >= 15)); then
			last=$SECONDS
			line=$(tail -c "+$begin" "$LOG" | tail -c 400 | tr '\r' '\n' | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g' | grep -Ev '^((---|===).*|[[:space:]]*)$' | tail -n 1 | cut -c1-90) || true
			printf '      %s… %s s  %s%s\n' "$DIM" "$((SECONDS - started))" "${line:-at work}" "$PLAIN"
		fi
	done
	wait "$CHILD" || code=$?
	CHILD=""
	return "$code"
}

# must WHAT REMEDY COMMAND…: as run, and ends the script with the end of the log if the command fails
must() {
	local what=$1 remedy=$2
	shift 2
	if ! run "$what" "$@"; then
		printf '\n%sThe last lines of the log (%s):%s\n' "$BOLD" "$LOG" "$PLAIN" >&2
		tail -n 25 "$LOG" | tr '\r' '\n' | sed 's/^/  | /' >&2
		die "$what: failed." "$remedy" "Then run the same command again: it continues here."
	fi
}
