# shellcheck shell=bash
# What the user sees: numbered steps, progress of long commands, errors with a remedy. Owns the log file.

LOG=""
STEP=0
STEPS=0
STEP_TITLE=""
CHILD=""
CHANGES=0
EXPLAINED=""

if [[ -t 1 ]]; then
	BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
else
	BOLD="" DIM="" RED="" GREEN="" PLAIN=""
fi

# open_log NAME: everything that the commands print goes here; shown in part when one fails
open_log() {
	LOG=$(mktemp "${TMPDIR:-/tmp}/crm_relations-$1-XXXXXX.log")
	trap on_exit EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# on_exit_do COMMAND: a command for the end of the script, run before the log is closed
ON_EXIT=()
on_exit_do() { ON_EXIT+=("$1"); }

on_exit() {
	local code=$? command
	trap - EXIT INT TERM HUP
	if [[ -n $CHILD ]]; then
		kill_tree "$CHILD"
		CHILD=""
	fi
	for command in "${ON_EXIT[@]}"; do
		"$command" || true
	done
	case $code in
		0) rm -f "$LOG" ;;
		130 | 143)
			printf '\n%sInterrupted in step %s (%s). Run the same command again: it continues here.%s\n' \
				"$RED" "$STEP" "$STEP_TITLE" "$PLAIN" >&2
			printf 'Log: %s\n' "$LOG" >&2
			;;
		*)
			if [[ $EXPLAINED == by-its-output ]]; then
				rm -f "$LOG"
			elif [[ -z $EXPLAINED ]]; then
				printf '\n%sStopped unexpectedly in step %s (%s).%s Log: %s\n' "$RED" "$STEP" "$STEP_TITLE" "$PLAIN" "$LOG" >&2
			fi
			;;
	esac
	exit "$code"
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
