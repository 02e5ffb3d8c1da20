# shellcheck shell=bash
# The steps up to a bench that holds this app, in their order. `scripts/quickstart` goes on from there to a site.

frappe_missing() { ! frappe_ready && ! somebodys_bench; }

step_machine() {
	step "Looking at the machine"
	check_os
	if ((EUID != 0)) && ! can_be_root; then
		local -a missing
		mapfile -t missing < <(missing_packages)
		if ((${#missing[@]})) || ! [[ -r $DB_CNF ]]; then
			die "$(id -un) is not root and cannot use sudo." \
				"Run it as root, or as a user with sudo (without a terminal: sudo without a password)." \
				"Needed for: the packages ${missing[*]:-(all there)}, and an administrator in MariaDB."
		fi
	fi
	check_memory
	if frappe_missing; then
		check_disk "$BENCH_DIR" 6000 "choose another place: --bench-dir DIR"
		check_disk "$BENCH_HOME" 1500 "let another user own the bench: --user NAME"
		check_disk /var/lib/mysql 1000
	else
		check_disk "$BENCH_DIR" 500 "choose another place: --bench-dir DIR"
	fi
	if frappe_missing && port_taken "$PORT"; then
		die "port $PORT is held by $(port_holder "$PORT")." "Stop that, or choose another port: --port $(free_port $((PORT + 1)))"
	fi
	if frappe_missing && command -v git >/dev/null; then
		check_source "$FRAPPE_URL" "$BRANCH"
		check_source "$ERPNEXT_URL" "$BRANCH"
		SOURCES_CHECKED=1
	fi
}

step_user() {
	step "The user that owns the bench"
	ensure_user
	hold_lock
}

step_packages() {
	step "Packages: MariaDB, Redis, Python, build tools"
	ensure_packages
	if frappe_missing && [[ -z ${SOURCES_CHECKED:-} ]]; then
		check_source "$FRAPPE_URL" "$BRANCH"
		check_source "$ERPNEXT_URL" "$BRANCH"
	fi
}

step_node() {
	step "Node and yarn, Python"
	if frappe_missing; then
		read_requirements
		choose_python "$GIVEN_PYTHON"
		note "Python: $PYTHON"
	fi
	ensure_node
}

step_database() {
	step "MariaDB"
	ensure_database
}

step_bench_command() {
	step "The command bench"
	ensure_bench_command
}

step_frappe() {
	step "The bench and Frappe"
	ensure_bench
}

step_erpnext() {
	step "ERPNext"
	ensure_erpnext
}

step_own_bench() {
	step "The bench"
	ensure_own_bench
}

step_app() {
	step "This app in the bench"
	ensure_app
}

step_assets() {
	step "The desk's assets"
	ensure_assets
}

# prepare_machine: all that a bench of quickstart's own needs before Frappe is downloaded
prepare_machine() {
	step_machine
	step_user
	step_packages
	step_database
	step_bench_command
	step_node
}

# prepare_bench: a bench that quickstart makes, from the packages on; or somebody's own bench, as it is
prepare_bench() {
	if somebodys_bench; then
		step_machine
		step_user
		step_database
		step_own_bench
	else
		prepare_machine
		step_frappe
		step_erpnext
	fi
	step_app
	step_assets
}
