# shellcheck shell=bash disable=SC2016 # what stands in single quotes is for the inner shell
# The test run: a bench, a site of its own with Redis of its own, a browser, pytest. The web server, the workers
# and the SMTP sink are the tests' own affair.

TEST_SITE=""
TEST_REDIS=()
PYTEST_CODE=0

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
	if env_python -c "import pytest, hypothesis, aiosmtpd, playwright" 2>/dev/null &&
		cmp -s "$BENCH_STATE/pyproject-test" "$APP_DIR/pyproject.toml"; then
		there "pytest, hypothesis, aiosmtpd, playwright"
		return
	fi
	must "Installing pytest, hypothesis, aiosmtpd, playwright" "Check the network and the Python package index." \
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

# start_test_redis: two of its own, so that no worker of the bench takes the tests' jobs
start_test_redis() {
	local port kind from=15000
	in_bench mkdir -p "$TEST_DIR"
	for kind in cache queue; do
		port=$(free_port "$from")
		in_bench redis-server --port "$port" --bind 127.0.0.1 --daemonize yes --save "" --appendonly no \
			--dir "$TEST_DIR" --logfile "$TEST_DIR/redis_$kind.log" >/dev/null
		for ((from = 0; from < 50; from++)); do
			redis_answers "$port" && break
			sleep 0.2
		done
		redis_answers "$port" || die "Redis does not start on port $port." "Look at $TEST_DIR/redis_$kind.log."
		TEST_REDIS+=("$port")
		from=$((port + 1))
	done
	export FRAPPE_REDIS_CACHE="redis://127.0.0.1:${TEST_REDIS[0]}" FRAPPE_REDIS_QUEUE="redis://127.0.0.1:${TEST_REDIS[1]}"
	note "cache on port ${TEST_REDIS[0]}, queue on port ${TEST_REDIS[1]}"
}

# drop_stale_sites: of runs that were killed; a kept site has lost its mark
drop_stale_sites() {
	local mark site pid
	for mark in "$BENCH_DIR"/sites/crm-test-*/.crm_relations_test; do
		if [[ -f $mark ]]; then
			pid=$(cat "$mark")
			site=$(basename "$(dirname "$mark")")
			if ! kill -0 "$pid" 2>/dev/null; then
				run "Dropping $site of a run that was killed" drop_site "$site" || warn "$site could not be dropped ($LOG)."
			fi
		fi
	done
}

make_test_site() {
	new_site "$TEST_SITE" "$TEST_DIR/admin_password" --install-app crm_relations || return 1
	in_bench bash -c 'echo "$1" >"$2"' _ "$$" "sites/$TEST_SITE/.crm_relations_test" || return 1
	# the scheduler of a running bench goes over all sites; it must leave this one alone
	frappe_command --site "$TEST_SITE" set-config --parse pause_scheduler 1 || return 1
	frappe_command --site "$TEST_SITE" set-config --parse allow_tests 1 || return 1
	frappe_command --site "$TEST_SITE" execute crm_relations.demo.company.complete_setup
}

clean_up() {
	local port
	if [[ -n $TEST_SITE && -d $BENCH_DIR/sites/$TEST_SITE ]]; then
		if [[ -n ${KEEP_SITE:-} && ${KEEP_SITE:-} != 0 ]]; then
			in_bench rm -f "sites/$TEST_SITE/.crm_relations_test"
		else
			drop_site "$TEST_SITE" >>"$LOG" 2>&1 </dev/null || warn "$TEST_SITE could not be dropped: see $LOG."
		fi
	fi
	for port in "${TEST_REDIS[@]}"; do
		redis-cli -h 127.0.0.1 -p "$port" shutdown nosave >/dev/null 2>&1 || true
	done
	in_bench rm -rf "$TEST_DIR"
}

run_pytest() {
	local user password
	user=$(in_bench sed -n 's/^user = //p' "$DB_CNF")
	password=$(in_bench sed -n 's/^password = //p' "$DB_CNF")
	(
		cd "$APP_DIR"
		# shellcheck disable=SC2030,SC2031 # for pytest only
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
		export BENCH_DIR SITE=$TEST_SITE CRM_RELATIONS_REQUIRE_SITE=1 PYTHONDONTWRITEBYTECODE=1 \
			CRM_RELATIONS_DB_ROOT_USER="$user" CRM_RELATIONS_DB_ROOT_PASSWORD="$password"
		as_user "$BENCH_DIR/env/bin/python" -m pytest -p no:cacheprovider "$@" </dev/null
	)
}

test_on_site() {
	STEPS=5
	TEST_SITE=crm-test-$$.localhost
	TEST_DIR=$BENCH_STATE/test-$$
	on_exit_do clean_up
	find_socket || die "MariaDB's socket is gone." "Start MariaDB: service mariadb start"
	step "The test packages"
	ensure_test_packages
	step "Chromium"
	ensure_chromium
	step "Redis for the tests"
	start_test_redis
	step "The test site $TEST_SITE"
	drop_stale_sites
	write_admin_password "$TEST_DIR/admin_password"
	must "Making $TEST_SITE with ERPNext, the German company and this app" "Look at the log above." make_test_site
	step "pytest"
	run_pytest "${ARGUMENTS[@]}" || PYTEST_CODE=$?
	if [[ -n ${KEEP_SITE:-} && ${KEEP_SITE:-} != 0 ]]; then
		printf 'Kept: %s in %s\n' "$TEST_SITE" "$BENCH_DIR"
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
	printf 'Not run (counted as skipped above): the tests of crm_relations/tests/site, which need a Frappe site.\n'
	printf 'Why: %s\n' "$why"
	EXPLAINED=by-its-output
	exit "$PYTEST_CODE"
}
