# shellcheck shell=bash disable=SC2016,SC2030,SC2031 # single quotes: for the inner shell; subshells: set for pytest only
# The test run: a bench, a site of its own with Redis of its own for each process, a browser, pytest. The web server,
# the workers and the SMTP sink are the tests' own affair.
#
# A run's folder in the bench, .crm_relations/test-PID, names its sites and the ports of its Redis before they are
# made: what a killed run left behind is taken away by the next one.

MOST_PROCESSES=8
TEST_DIR=""
TEST_SITES=()
TEST_CACHES=()
PYTEST_CODE=0
PYTEST_PID=""

# choose_processes: sets PROCESSES; a run of chosen tests is over before a second site is made
choose_processes() {
	local argument
	if [[ -z $PROCESSES ]]; then
		PROCESSES=$(nproc)
		PROCESSES=$((PROCESSES > 2 ? 2 : PROCESSES))
		for argument in "${ARGUMENTS[@]}"; do
			case $argument in
				-k* | -m* | --co | --collect-only | --deselect* | --ignore* | --lf | --ff) PROCESSES=1 ;;
				-*) ;;
				*) PROCESSES=1 ;; # a file, or the value of an option
			esac
		done
	elif ! [[ $PROCESSES =~ ^[1-9][0-9]?$ ]] || ((PROCESSES > MOST_PROCESSES)); then
		die "--processes $PROCESSES: give a number from 1 to $MOST_PROCESSES."
	fi
}

# --- is there a bench -----------------------------------------------------------------------------

# look_for_bench: makes the bench where that is possible; otherwise WHY_NO_BENCH says on one line why not
WHY_NO_BENCH=""
look_for_bench() {
	local -a options=(--bench-only --bench-dir "$BENCH_DIR")
	if [[ -n $REPLACE_APP ]]; then
		options+=(--replace-app)
	fi
	printf 'The bench: scripts/quickstart %s\n' "${options[*]}"
	if ! { "$ROOT/scripts/quickstart" "${options[@]}" </dev/null 2>&1 1>&3 3>&- | tee "$LOG.bench" >&2; } 3>&1; then
		WHY_NO_BENCH=$(sed -n 's/\x1b\[[0-9;]*m//g; s/^Error[^:]*: //p' "$LOG.bench" | tail -n 1)
		WHY_NO_BENCH=${WHY_NO_BENCH:-scripts/quickstart failed}
	fi
	rm -f "$LOG.bench"
}

# bench_owner: whose bench it is; empty for one's own
bench_owner() {
	if ((EUID == 0)); then
		stat -c %U "$BENCH_DIR/sites"
	fi
}

# --- with a site ----------------------------------------------------------------------------------

ensure_test_packages() {
	if env_python -c "import pytest, xdist, hypothesis, aiosmtpd, playwright" 2>/dev/null &&
		cmp -s "$BENCH_STATE/pyproject-test" "$APP_DIR/pyproject.toml"; then
		there "pytest, pytest-xdist, hypothesis, aiosmtpd, playwright"
		return
	fi
	must "Installing pytest, pytest-xdist, hypothesis, aiosmtpd, playwright" "Check the network and the Python package index." \
		install_in_env --editable "apps/crm_relations[test]"
	in_bench cp apps/crm_relations/pyproject.toml .crm_relations/pyproject-test
	done_now
}

find_chromium() {
	local name
	for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
		# on Ubuntu the distribution's `chromium-browser` only points at a snap
		if [[ -n $name ]] && command -v "$name" >/dev/null && (cd / && as_user "$name" --version) >/dev/null 2>&1; then
			command -v "$name"
			return
		fi
	done
	env_python -c 'from playwright.sync_api import sync_playwright
with sync_playwright() as p:
    print(p.chromium.executable_path)' 2>/dev/null | while read -r name; do [[ -x $name ]] && echo "$name"; done
}

install_chromium() {
	# shellcheck source=/dev/null
	if [[ $(. /etc/os-release && echo "${ID:-}") == debian ]]; then
		apt_install chromium
	else
		as_root "$BENCH_DIR/env/bin/python" -m playwright install-deps chromium &&
			env_python -m playwright install chromium
	fi
}

ensure_chromium() {
	local found
	found=$(find_chromium || true)
	if [[ -z $found ]] && can_be_root; then
		run "Installing Chromium" install_chromium || warn "Chromium could not be installed ($LOG)."
		found=$(find_chromium || true)
	fi
	if [[ -n $found ]]; then
		export CHROMIUM=$found
		there "$found"
	else
		unset CHROMIUM
		warn "there is no Chromium: the browser tests are skipped."
	fi
}

# start_test_redis: a cache for each process, and one queue, so that no worker of the bench takes a job; the tests
# open queues of their own
start_test_redis() {
	local number
	start_one_redis queue 15000
	export FRAPPE_REDIS_QUEUE=redis://127.0.0.1:$REDIS_PORT
	for ((number = 0; number < PROCESSES; number++)); do
		start_one_redis cache "$((REDIS_PORT + 1))"
		TEST_CACHES+=("redis://127.0.0.1:$REDIS_PORT")
	done
	export FRAPPE_REDIS_CACHE=${TEST_CACHES[0]}
}

# start_one_redis KIND FROM-PORT: sets REDIS_PORT
start_one_redis() {
	local waited
	REDIS_PORT=$(free_port "$2")
	in_bench bash -c 'echo "$1" >>"$2/ports"' _ "$REDIS_PORT" "$TEST_DIR"
	in_bench redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --daemonize yes --save "" --appendonly no \
		--dir "$TEST_DIR" --logfile "$TEST_DIR/redis_$REDIS_PORT.log" >>"$LOG" 2>&1 || true # whether it answers is asked below
	for ((waited = 0; waited < 50; waited++)); do
		redis_answers "$REDIS_PORT" && break
		sleep 0.2
	done
	redis_answers "$REDIS_PORT" || die "Redis does not start on port $REDIS_PORT." "Look at $TEST_DIR/redis_$REDIS_PORT.log."
	note "$1 on port $REDIS_PORT"
}

# take_away DIR: the Redis and the sites of a run, then its folder
take_away() {
	local dir=$1 port site code=0
	local -a ports=() sites=()
	mapfile -t ports < <(cat "$dir/ports" 2>/dev/null)
	mapfile -t sites < <(cat "$dir/sites" 2>/dev/null)
	for site in "${sites[@]}"; do
		# a site that was killed while it was made may have no configuration, and then has no database
		if [[ -f $BENCH_DIR/sites/$site/site_config.json ]]; then
			drop_site "$site" || code=1
		else
			in_bench rm -rf "sites/$site"
		fi
	done
	for port in "${ports[@]}"; do
		if redis-cli -h 127.0.0.1 -p "$port" config get dir 2>/dev/null | grep -qx "$dir"; then
			redis-cli -h 127.0.0.1 -p "$port" shutdown nosave >/dev/null 2>&1 || true
		fi
	done
	((code)) || in_bench rm -rf "$dir"
	return "$code"
}

# drop_stale_runs: of runs that were killed
drop_stale_runs() {
	local dir pid
	for dir in "$(readlink -f "$BENCH_STATE")"/test-*; do
		pid=${dir##*-}
		if [[ -d $dir && $pid =~ ^[0-9]+$ && ! -d /proc/$pid ]]; then
			run "Taking away what run $pid, which was killed, left behind" take_away "$dir" ||
				warn "a site of run $pid could not be dropped ($LOG)."
		fi
	done
}

make_test_site() {
	local site=$1
	new_site "$site" "$TEST_DIR/admin_password" --install-app crm_relations || return 1
	# the scheduler of a running bench goes over all sites; it must leave this one alone
	frappe_command --site "$site" set-config --parse pause_scheduler 1 || return 1
	frappe_command --site "$site" set-config --parse allow_tests 1 || return 1
	frappe_command --site "$site" execute crm_relations.demo.company.complete_setup
}

# copy_test_site FROM TO: in a tenth of the time that making it takes
copy_test_site() {
	(
		export BENCH_DIR SITE=$1
		export_db_admin
		env_python -m crm_relations.tests.support.machine.site_copy "$2"
	)
}

make_test_sites() {
	local number site
	for ((number = 0; number < PROCESSES; number++)); do
		site=crm-test-$$-$number.localhost
		in_bench bash -c 'echo "$1" >>"$2/sites"' _ "$site" "$TEST_DIR"
		if ((number == 0)); then
			must "Making $site with ERPNext, the German company and this app" "Look at the log above." make_test_site "$site"
		else
			must "Copying it to $site" "Look at the log above." copy_test_site "${TEST_SITES[0]}" "$site"
		fi
		TEST_SITES+=("$site")
	done
}

kept() { [[ -n ${KEEP_SITE:-} && ${KEEP_SITE:-} != 0 ]]; }

clean_up() {
	local waited
	for ((waited = 0; waited < 50; waited++)); do
		if [[ -z $PYTEST_PID ]] || ! kill -0 "$PYTEST_PID" 2>/dev/null; then
			break
		fi
		sleep 0.2
	done
	if kept; then
		in_bench rm -f "$TEST_DIR/sites"
	fi
	take_away "$TEST_DIR" >>"$LOG" 2>&1 </dev/null || warn "${TEST_SITES[*]} could not be dropped: see $LOG."
}

# export_db_admin: through the environment, which others cannot read
export_db_admin() {
	CRM_RELATIONS_DB_ROOT_USER=$(in_bench sed -n 's/^user = //p' "$DB_CNF")
	CRM_RELATIONS_DB_ROOT_PASSWORD=$(in_bench sed -n 's/^password = //p' "$DB_CNF")
	export CRM_RELATIONS_DB_ROOT_USER CRM_RELATIONS_DB_ROOT_PASSWORD
}

run_pytest() {
	local number
	local -a several=()
	if ((PROCESSES > 1)); then
		# a file's tests stay together and in their order; tests/support/machine/processes.py says which files come first
		several=(-n "$PROCESSES" --dist loadfile --no-loadscope-reorder --max-worker-restart 0)
	fi
	(
		cd "$APP_DIR"
		choose_data
		if [[ -n $DATA ]]; then
			CRM_RELATIONS_PIPELINE_DATA=$(demo_data)
			export CRM_RELATIONS_PIPELINE_DATA
		fi
		if as_user test -r "$ROOT/../shared/data/febrl/dataset1.csv"; then
			FEBRL_DATA=${FEBRL_DATA:-$(realpath "$ROOT/../shared/data/febrl")}
			export FEBRL_DATA
		fi
		if [[ -z ${CRM_RELATIONS_PUBLIC_DATA:-} ]] && as_user test -r "$ROOT/../shared/data" -a -x "$ROOT/../shared/data"; then
			CRM_RELATIONS_PUBLIC_DATA=$(realpath "$ROOT/../shared/data")
			export CRM_RELATIONS_PUBLIC_DATA
		fi
		export BENCH_DIR SITE=${TEST_SITES[0]} CRM_RELATIONS_REQUIRE_SITE=1 PYTHONDONTWRITEBYTECODE=1
		export_db_admin
		for ((number = 1; number < PROCESSES; number++)); do
			export "CRM_RELATIONS_PROCESS_$number=SITE=${TEST_SITES[number]} FRAPPE_REDIS_CACHE=${TEST_CACHES[number]}"
		done
		# bash lets what runs in the background ignore Ctrl-C; the tests' own processes must not
		as_user env --default-signal=INT "$BENCH_DIR/env/bin/python" -m pytest -p no:cacheprovider \
			"${several[@]}" "$@" </dev/null
	) &
	# in the background: a signal to this script ends the tests at once, and not after the last of them
	CHILD=$! PYTEST_PID=$!
	wait "$CHILD" || PYTEST_CODE=$?
	CHILD="" PYTEST_PID=""
}

test_on_site() {
	STEPS=5
	TEST_DIR=$(readlink -f "$BENCH_DIR")/.crm_relations/test-$$
	in_bench mkdir -p "$TEST_DIR"
	on_exit_do clean_up
	find_socket || die "MariaDB's socket is gone." "Start MariaDB: service mariadb start"
	step "The test packages"
	ensure_test_packages
	step "Chromium"
	ensure_chromium
	step "Redis for the tests"
	drop_stale_runs
	start_test_redis
	step "The test site"
	write_admin_password "$TEST_DIR/admin_password"
	make_test_sites
	step "pytest"
	run_pytest "${ARGUMENTS[@]}"
	if kept; then
		printf 'Kept: %s in %s\n' "${TEST_SITES[*]}" "$BENCH_DIR"
	fi
	EXPLAINED=by-its-output
	exit "$PYTEST_CODE"
}

# --- without a site -------------------------------------------------------------------------------

pure_python() {
	local candidate
	for candidate in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
		if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
			command -v "$candidate"
			return
		fi
	done
	return 1
}

# pure_requirements: the app's own packages and its test packages, as pyproject.toml names them
pure_requirements() {
	"$1" - "$ROOT/pyproject.toml" <<'PYTHON'
import sys
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib
with open(sys.argv[1], "rb") as file:
    project = tomllib.load(file)["project"]
print(*project["dependencies"], *project["optional-dependencies"]["test"], sep="\n")
PYTHON
}

make_pure_env() {
	"$1" -m venv --clear "$2" && "$2/bin/pip" --disable-pip-version-check install --quiet -r "$2.requirements"
}

test_without_site() {
	local python env why=$1
	python=$(pure_python) || die "there is no Python 3.10 or newer with venv here." "Install python3 and python3-venv."
	env=${XDG_CACHE_HOME:-$HOME/.cache}/crm_relations/test-env
	mkdir -p "$(dirname "$env")"
	pure_requirements "$python" >"$env.wanted"
	if ! cmp -s "$env.wanted" "$env.requirements" || ! "$env/bin/python" -c "import pytest, hypothesis, phonenumbers" 2>/dev/null; then
		cp "$env.wanted" "$env.requirements"
		must "Making a virtual environment for the tests that need no bench: $env" \
			"Check the network and the Python package index." make_pure_env "$python" "$env"
	fi
	(
		cd "$ROOT"
		unset BENCH_DIR SITE CRM_RELATIONS_REQUIRE_SITE
		PYTHONDONTWRITEBYTECODE=1 "$env/bin/python" -m pytest -p no:cacheprovider "${ARGUMENTS[@]}" </dev/null
	) || PYTEST_CODE=$?
	printf 'Not run (counted as skipped above): the tests marked `site`, which need a Frappe site.\n'
	printf 'Why: %s\n' "$why"
	EXPLAINED=by-its-output
	exit "$PYTEST_CODE"
}
