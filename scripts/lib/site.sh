# shellcheck shell=bash disable=SC2016 # what stands in single quotes is for the inner shell
# The site: made with ERPNext, this app on it, the German company, the demo.

# frappe_command ARGUMENT…: one of Frappe's commands; @user, @password and @admin_password are filled in from
# the files of mode 600 without passing through the process list
frappe_command() {
	local -a files=()
	if (cd / && as_user test -r "$DB_CNF"); then
		files+=(--secrets "$DB_CNF")
	fi
	if [[ -n ${ADMIN_FILE:-} ]] && (cd / && as_user test -r "$ADMIN_FILE"); then
		files+=(--secrets "$ADMIN_FILE")
	fi
	env_python "$APP_DIR/scripts/lib/frappe_command.py" "${files[@]}" -- "$@"
}

# site_facts: sets FACTS, one word for each thing that is true of the site
site_facts() {
	FACTS=$(env_python "$APP_DIR/scripts/lib/site_facts.py" "$SITE" 2>>"$LOG") || FACTS=""
}

has_fact() { [[ " $FACTS " == *" $1 "* ]]; }

site_state() { cat "$BENCH_STATE/site-$SITE" 2>/dev/null || true; }
set_site_state() { in_bench bash -c 'echo "$1" >"$2"' _ "$1" "$BENCH_STATE/site-$SITE"; }

# new_site SITE ADMIN-FILE [ARGUMENT…]
new_site() {
	local site=$1
	ADMIN_FILE=$2
	shift 2
	frappe_command new-site "$site" --db-socket "$DB_SOCKET" --db-root-username @user --db-root-password @password \
		--admin-password @admin_password --install-app erpnext "$@"
}

drop_site() {
	local archive=$BENCH_STATE/dropped
	in_bench mkdir -p "$archive"
	frappe_command drop-site "$1" --db-root-username @user --db-root-password @password --no-backup --force \
		--archived-sites-path "$archive" || return 1
	in_bench rm -rf "$archive"
}

# write_admin_password FILE [PASSWORD]
write_admin_password() {
	in_bench bash -c 'umask 077; cat >"$1"' _ "$1" <<<"${2:-$(new_password 8)}"
}

ensure_site() {
	local -a force=()
	ADMIN_FILE=$BENCH_STATE/admin_password.$SITE
	if [[ -d $BENCH_DIR/sites/$SITE ]]; then
		case $(site_state) in
			making | setting-up)
				note "the site of an interrupted run is made anew"
				force=(--force)
				;;
			*)
				site_facts
				if has_fact erpnext; then
					there "$SITE"
					return
				fi
				die "the site $SITE is there, but ERPNext does not run on it." \
					"Look at $LOG and at $BENCH_DIR/sites/$SITE, or choose another name: --site NAME."
				;;
		esac
	fi
	set_site_state making
	write_admin_password "$ADMIN_FILE" "${ADMIN_PASSWORD:-}"
	must "Making the site $SITE with ERPNext" "Look at the log above; is MariaDB running?" \
		new_site "$SITE" "$ADMIN_FILE" "${force[@]}"
	set_site_state made
	done_now "$SITE"
}

install_app_on_site() { frappe_command --site "$SITE" install-app --force crm_relations; }
migrate_site() { frappe_command --site "$SITE" migrate; }

# ensure_app_on_site: installed, and migrated to the code that the bench holds now
MIGRATED=""
ensure_app_on_site() {
	local file=$BENCH_STATE/app-$SITE
	site_facts
	if has_fact crm_relations && [[ $(cat "$file" 2>/dev/null) == "$APP_HASH" ]]; then
		there "crm_relations $(app_version crm_relations)"
		return
	fi
	if has_fact crm_relations; then
		must "Migrating $SITE to this version" "Look at the log above." migrate_site
		# shellcheck disable=SC2034 # quickstart reads it
		MIGRATED=1
	else
		must "Installing crm_relations on $SITE" "Look at the log above." install_app_on_site
	fi
	in_bench bash -c 'echo "$1" >"$2"' _ "$APP_HASH" "$file"
	done_now "crm_relations $(app_version crm_relations)"
}

set_up_company() { frappe_command --site "$SITE" execute crm_relations.demo.company.complete_setup; }

ensure_company() {
	site_facts
	if has_fact company && has_fact setup_complete; then
		there "$(env_python -c 'from crm_relations.demo.company import COMPANY; print(COMPANY)')"
		return
	fi
	if [[ $(site_state) == made ]]; then
		set_site_state setting-up
	fi
	must "Setting up the German company (SKR04)" "Look at the log above." set_up_company
	set_site_state ready
	done_now "$(env_python -c 'from crm_relations.demo.company import COMPANY; print(COMPANY)')"
}

# sites_of_bench: the names, one a line
sites_of_bench() {
	local file
	for file in "$BENCH_DIR"/sites/*/site_config.json; do
		# those of a test run beside this are gone soon
		if [[ -f $file && $file != */crm-test-* ]]; then
			basename "$(dirname "$file")"
		fi
	done
}

# ensure_default_site: `bench serve` shows the default site under every host name. That is right for the only site
# of a bench (another machine reaches it by the machine's name). With several sites each must be served under its
# own name, so there is no default then; running services have read it and are started again.
ensure_default_site() {
	local default
	local -a sites
	if ! is_ours; then
		return
	fi
	default=$(config_get default_site)
	mapfile -t sites < <(sites_of_bench)
	if ((${#sites[@]} > 1)) && [[ -n $default ]]; then
		config_unset default_site
		if leader >/dev/null; then
			note "stopping the services: they show $default under every name"
			stop_bench_services
		fi
		done_now "each of the ${#sites[@]} sites is served under its own name"
	elif ((${#sites[@]} == 1)) && [[ -z $default ]]; then
		config_set default_site "\"$SITE\""
	fi
}

# --- demo -----------------------------------------------------------------------------------------

# run_demo FILE [OPTION…]: what it prints goes to the file
run_demo() {
	local file=$1
	shift
	frappe_command --site "$SITE" relations demo "$@" >"$file" || {
		cat "$file"
		return 1
	}
}

# choose_data: the export that lies beside the checkout, where none was named
choose_data() {
	local beside
	beside=$(realpath -m -- "$ROOT/../shared/data/maven_crm")
	if [[ -z $DATA && -r $beside/sales_pipeline.csv ]]; then
		DATA=$beside
	fi
}

demo_wanted() { printf 'deals=%s data=%s' "${DEALS:-default}" "${DATA:-generated}"; }

# demo_data: the folder as the unprivileged user can read it
demo_data() {
	if as_user test -r "$DATA" -a -x "$DATA"; then
		printf '%s' "$DATA"
	else
		in_bench rm -rf "$BENCH_STATE/data"
		in_bench mkdir -p "$BENCH_STATE/data"
		tar -C "$DATA" -cf - . | in_bench tar -C "$BENCH_STATE/data" --no-same-owner -xf -
		printf '%s' "$BENCH_STATE/data"
	fi
}

# ensure_demo_packages: the demo sends to a mail server of its own, which the app itself does not need
ensure_demo_packages() {
	if ! env_python -c "import aiosmtpd" 2>/dev/null; then
		must "Installing the demo's mail server (aiosmtpd)" "Check the network and the Python package index." \
			install_in_env --editable "apps/crm_relations[demo]"
	fi
}

ensure_demo() {
	local file=$BENCH_STATE/demo-$SITE said
	local -a options=()
	choose_data
	site_facts
	if has_fact campaign && [[ $(cat "$file" 2>/dev/null) == "$(demo_wanted)" ]]; then
		there "$(demo_wanted)"
		return
	fi
	if [[ -n $DEALS ]]; then
		options+=(--deals "$DEALS")
	fi
	if [[ -n $DATA ]]; then
		options+=(--data "$(demo_data)")
	fi
	said=$(mktemp)
	note "data: ${DATA:-generated}"
	ensure_demo_packages
	must "Running the demo: from the contact to the balance sheet" "Look at the log above." run_demo "$said" "${options[@]}"
	# the stations; the statement, which comes after an empty line, is printed at the end of all
	sed '/^$/,$d; s/^/      /' "$said"
	rm -f "$said"
	in_bench bash -c 'echo "$1" >"$2"' _ "$(demo_wanted)" "$file"
	done_now "$(demo_wanted)"
}
