# shellcheck shell=bash disable=SC2016,SC2153 # single quotes: for the inner shell; PORT: set by quickstart
# The bench: the command `bench`, Frappe, ERPNext, this app in it, the assets. One function a step; each looks
# at what is there before it does anything.

# choose_bench DIR
choose_bench() {
	BENCH_DIR=$1
	BENCH_STATE=$BENCH_DIR/.crm_relations
	APP_DIR=$BENCH_DIR/apps/crm_relations
	APP_MARK=$APP_DIR/.crm_relations_copy
	if ((EUID == 0)) && [[ -d $BENCH_DIR/sites ]]; then
		# a bench that exists belongs to somebody already
		local owner
		owner=$(stat -c %U "$BENCH_DIR/sites")
		if [[ $owner != root && $owner != "$BENCH_USER" ]]; then
			choose_user "$owner"
		fi
	fi
}

in_bench() { (cd "$BENCH_DIR" && as_user "$@"); }
in_sites() { (cd "$BENCH_DIR/sites" && as_user "$@"); }
env_python() { in_sites ../env/bin/python "$@"; }

is_ours() { [[ -e $BENCH_STATE/made_by_quickstart ]]; }
# somebodys_bench: an admin's own bench with ERPNext; its packages, ports and settings are left alone
somebodys_bench() { ! is_ours && [[ -d $BENCH_DIR/apps/frappe/frappe && -d $BENCH_DIR/apps/erpnext/erpnext && -x $BENCH_DIR/env/bin/python ]]; }
has_sites() { compgen -G "$BENCH_DIR/sites/*/site_config.json" >/dev/null; }

# hold_lock: one run at a time; the commands of a run that was killed hold it until they end
hold_lock() {
	local file=$STATE_HOME/lock
	(cd / && as_user touch "$file")
	exec 9<>"$file"
	if ! flock -n 9; then
		note "another run, or a command of an interrupted one, is still at work; waiting for it"
		flock -w 1800 9 || die "another run is still at work after 30 minutes." "See: fuser -v $file"
	fi
}

# --- the command bench ----------------------------------------------------------------------------

bench_command_works() { (cd / && as_user "$BENCH_ENV/bin/bench" --version && as_user "$BENCH_ENV/bin/uv" --version && as_user "$BENCH_ENV/bin/honcho" version) >/dev/null 2>&1; }

make_bench_command() {
	local python
	python=$(readlink -f /usr/bin/python3)
	cd / && as_user "$python" -m venv --clear "$BENCH_ENV" &&
		as_user "$BENCH_ENV/bin/pip" --disable-pip-version-check install --quiet "frappe-bench>=5.25,<6" uv
}

ensure_bench_command() {
	if bench_command_works; then
		there "$BENCH_ENV"
		return
	fi
	must "Installing frappe-bench and uv into $BENCH_ENV" "Check the network and pip's package index: pip download frappe-bench" \
		make_bench_command
	done_now "$BENCH_ENV"
}

# --- what the branch needs ------------------------------------------------------------------------

# read_requirements: the branch itself says which Python and Node it needs
read_requirements() {
	local dir file_python file_node
	dir=$(cd / && as_user mktemp -d)
	if (cd / && as_user git clone --quiet --depth 1 --filter=blob:none --no-checkout --branch "$BRANCH" "$FRAPPE_URL" "$dir/frappe") >>"$LOG" 2>&1; then
		# git fetches the two files now: where that fails, the requirements known here are used
		file_python=$(cd "$dir/frappe" && as_user git show HEAD:pyproject.toml 2>>"$LOG" | sed -n 's/^requires-python *= *"\(.*\)".*/\1/p') || true
		file_node=$(cd "$dir/frappe" && as_user git show HEAD:package.json 2>>"$LOG" | tr -d ' \n' | sed -n 's/.*"engines":{[^}]*"node":"[^0-9]*\([0-9]*\).*/\1/p') || true
		PYTHON_REQUIRED=${file_python:-$PYTHON_REQUIRED}
		NODE_REQUIRED=${file_node:-$NODE_REQUIRED}
	fi
	rm -rf "$dir"
	note "$BRANCH needs Python $PYTHON_REQUIRED and Node $NODE_REQUIRED or newer"
}

# --- Frappe ---------------------------------------------------------------------------------------

frappe_ready() {
	[[ -d $BENCH_DIR/apps/frappe/node_modules && -f $BENCH_DIR/sites/apps.txt && -f $BENCH_DIR/Procfile ]] &&
		env_python -c "import frappe" >/dev/null 2>&1
}

write_ports() {
	local redis_cache redis_queue socketio
	redis_cache=$(free_port 13000)
	redis_queue=$(free_port 11000)
	socketio=$(free_port 9000)
	in_bench bash -c 'cat >sites/common_site_config.json' <<JSON
{
 "webserver_port": $PORT,
 "socketio_port": $socketio,
 "redis_cache": "redis://127.0.0.1:$redis_cache",
 "redis_queue": "redis://127.0.0.1:$redis_queue",
 "redis_socketio": "redis://127.0.0.1:$redis_cache"
}
JSON
}

make_bench() {
	(cd / && as_user mkdir -p "$BENCH_DIR") || return 1
	in_bench mkdir -p .crm_relations sites || return 1
	in_bench bash -c 'echo "made by scripts/quickstart of crm_relations" >.crm_relations/made_by_quickstart' || return 1
	write_ports || return 1
	(cd / && as_user bench --verbose init --ignore-exist --no-backups --skip-assets --python "$PYTHON" \
		--frappe-path "$FRAPPE_URL" --frappe-branch "$BRANCH" "$BENCH_DIR")
}

ensure_bench() {
	if frappe_ready; then
		there "$BENCH_DIR, Frappe $(app_version frappe)"
		return
	fi
	if [[ -e $BENCH_DIR ]] && [[ -n $(ls -A "$BENCH_DIR" 2>/dev/null) ]]; then
		if ! is_ours; then
			die "$BENCH_DIR is there, but it is not a working bench, and quickstart did not make it." \
				"Choose another place: --bench-dir DIR"
		fi
		if has_sites; then
			die "the bench $BENCH_DIR holds sites, but Frappe does not run in it." \
				"Repair it: cd $BENCH_DIR && $BENCH_ENV/bin/bench setup requirements"
		fi
		note "removing the half-made bench of an interrupted run"
		rm -rf "${BENCH_DIR:?}"/{apps,env,config,logs,sites,Procfile,patches.txt}
	elif [[ ! -d $BENCH_DIR ]] && ! (cd / && as_user mkdir -p "$BENCH_DIR") 2>>"$LOG"; then
		need_root_for "makes $BENCH_DIR for $BENCH_USER"
		as_root install -d -o "$BENCH_USER" -g "$(id -gn "$BENCH_USER")" "$BENCH_DIR"
	fi
	must "Getting Frappe ($BRANCH), its Python and Node packages" \
		"Check the network: $FRAPPE_URL, the Python package index and npm's registry." make_bench
	frappe_ready || die "bench init ended, but Frappe does not run in $BENCH_DIR." "Look at the end of $LOG."
	done_now "$BENCH_DIR, Frappe $(app_version frappe)"
}

ensure_own_bench() {
	if env_python -c "import frappe, erpnext.hooks" >>"$LOG" 2>&1; then
		there "$BENCH_DIR, Frappe $(app_version frappe), ERPNext $(app_version erpnext)"
	else
		die "Frappe or ERPNext does not run in $BENCH_DIR." "Repair it: cd $BENCH_DIR && bench setup requirements"
	fi
}

app_version() { env_python -c "import $1; print($1.__version__)" 2>/dev/null || echo "?"; }

# --- ERPNext --------------------------------------------------------------------------------------

erpnext_ready() {
	[[ -d $BENCH_DIR/apps/erpnext/node_modules ]] && grep -qx erpnext "$BENCH_DIR/sites/apps.txt" &&
		env_python -c "import erpnext.hooks" >/dev/null 2>&1
}

ensure_erpnext() {
	if erpnext_ready; then
		there "ERPNext $(app_version erpnext)"
		return
	fi
	if [[ -e $BENCH_DIR/apps/erpnext ]]; then
		if ! is_ours || [[ -n $(in_bench git -C apps/erpnext status --porcelain --untracked-files=no 2>/dev/null | grep -v '^ *D ' || true) ]]; then
			die "$BENCH_DIR/apps/erpnext is there, but does not run, and it is not quickstart's to remove." \
				"Repair it: cd $BENCH_DIR && $BENCH_ENV/bin/bench setup requirements erpnext"
		fi
		note "removing the half-made ERPNext of an interrupted run"
		rm -rf "${BENCH_DIR:?}/apps/erpnext"
	fi
	must "Getting ERPNext ($BRANCH)" "Check the network: $ERPNEXT_URL, the Python package index and npm's registry." \
		in_bench bench --verbose get-app --skip-assets --branch "$BRANCH" "$ERPNEXT_URL"
	erpnext_ready || die "bench get-app ended, but ERPNext does not run in $BENCH_DIR." "Look at the end of $LOG."
	done_now "ERPNext $(app_version erpnext)"
}

# --- this app -------------------------------------------------------------------------------------

# app_files: this checkout's files as they are now: tracked ones and new ones that are not ignored
app_files() {
	if git -c safe.directory='*' -C "$ROOT" rev-parse --git-dir >/dev/null 2>&1; then
		git -c safe.directory='*' -C "$ROOT" ls-files -z --cached --others --exclude-standard |
			(cd "$ROOT" && while IFS= read -r -d '' file; do [[ -f $file || -L $file ]] && printf '%s\0' "$file"; done; true)
	else
		(cd "$ROOT" && find . -type f -not -path '*/.git/*' -not -path '*/__pycache__/*' -not -path '*/node_modules/*' \
			-not -path '*.egg-info/*' -not -path '*/.*_cache/*' -not -path '*/public/dist/*' -not -name .crm_relations_copy -printf '%P\0')
	fi | LC_ALL=C sort -z -u
}

# tree_hash DIR LIST: one number for the content of these files in that folder
# a file that is missing there changes the number
tree_hash() { (cd "$1" && { xargs -0 -r sha256sum -- <"$2" 2>/dev/null || true; } | sha256sum | cut -c1-16); }

app_hash_in_bench() { [[ -f $APP_MARK ]] && sed -n 's/^hash=//p' "$APP_MARK"; }

copy_app() {
	local list=$1 hash=$2 new=$BENCH_STATE/app.new old=$BENCH_STATE/app.old
	in_bench rm -rf "$new" "$old"
	in_bench mkdir -p "$new"
	tar -C "$ROOT" --null -T "$list" -cf - | in_bench tar -C "$new" --no-same-owner -xf -
	in_bench bash -c 'printf "source=%s\nhash=%s\n" "$2" "$3" >"$1/.crm_relations_copy"' _ "$new" "$ROOT" "$hash"
	if [[ -e $APP_DIR || -L $APP_DIR ]]; then
		in_bench mv "$APP_DIR" "$old"
	fi
	in_bench mv "$new" "$APP_DIR"
	in_bench rm -rf "$old"
}

app_installed_in_env() {
	[[ -f $BENCH_STATE/pyproject ]] && cmp -s "$BENCH_STATE/pyproject" "$APP_DIR/pyproject.toml" &&
		env_python -c "import crm_relations, phonenumbers, sys; sys.exit(crm_relations.__file__ != '$APP_DIR/crm_relations/__init__.py')" 2>/dev/null
}

# install_in_env ARGUMENT…: into the bench's environment, with uv, or with pip where bench came without it
install_in_env() {
	if (cd / && as_user sh -c 'command -v uv') >/dev/null 2>&1; then
		in_bench uv pip install --quiet --python env/bin/python "$@"
	else
		in_bench env/bin/python -m pip install --quiet --disable-pip-version-check "$@"
	fi
}

install_app_in_env() {
	install_in_env --editable apps/crm_relations &&
		in_bench cp apps/crm_relations/pyproject.toml .crm_relations/pyproject
}

list_app() {
	in_sites bash -c '[ -z "$(tail -c 1 apps.txt)" ] || echo >>apps.txt; echo crm_relations >>apps.txt'
}

ensure_app() {
	local list hash here before=$CHANGES
	in_bench mkdir -p .crm_relations
	list=$(mktemp)
	app_files >"$list"
	hash=$(tree_hash "$ROOT" "$list")
	if [[ -e $APP_DIR ]]; then
		here=$(tree_hash "$APP_DIR" "$list")
	fi
	if [[ $(readlink -f "$APP_DIR" || true) == "$(readlink -f "$ROOT")" ]]; then
		note "the bench uses this checkout itself"
	elif [[ ${here:-} == "$hash" && $(app_files_in_copy) == "$(tr -cd '\0' <"$list" | wc -c)" ]]; then
		: # the same files, none more
	elif [[ ! -e $APP_DIR || -f $APP_MARK || -n ${REPLACE_APP:-} ]]; then
		copy_app "$list" "$hash" || die "the app could not be copied to $APP_DIR." "Look at the rights and the space there."
		done_now "copied $(tr -cd '\0' <"$list" | wc -c) files to $APP_DIR"
	else
		rm -f "$list"
		die "$APP_DIR is somebody's own checkout and differs from $ROOT." \
			"Run the command from that checkout, or put it aside, or overwrite it: --replace-app (or REPLACE_APP=1)."
	fi
	rm -f "$list"
	APP_HASH=$hash
	if ! app_installed_in_env; then
		must "Installing the app's Python packages" "Check the network and the Python package index." install_app_in_env
		done_now "Python packages"
	fi
	if ! grep -qx crm_relations "$BENCH_DIR/sites/apps.txt"; then
		list_app
		done_now "sites/apps.txt"
	fi
	if ((CHANGES == before)); then
		there "$APP_DIR"
	fi
}

# a copy of ours must hold nothing more than the checkout; somebody's own checkout may
app_files_in_copy() {
	if [[ -f $APP_MARK ]]; then
		(cd "$APP_DIR" && find . -type f,l -not -path '*/__pycache__/*' -not -path '*.egg-info/*' -not -path '*/.*_cache/*' \
			-not -path './.hypothesis/*' -not -path './build/*' -not -path './crm_relations/public/dist/*' -not -name .crm_relations_copy -printf '\0' | wc -c)
	else
		tr -cd '\0' <"$list" | wc -c
	fi
}

# --- assets ---------------------------------------------------------------------------------------

assets_ready() {
	env_python - >/dev/null 2>&1 <<'PYTHON'
import json, os, sys
with open("assets/assets.json") as file:
    bundles = json.load(file)
for name in ("desk.bundle.js", "frappe-web.bundle.js", "erpnext.bundle.js"):
    if not os.path.isfile("." + bundles[name]):
        sys.exit(1)
PYTHON
}

# own_assets_ready: the bundles of this app are there, and no older than their sources
own_assets_ready() {
	env_python -c 'import pathlib, sys
from crm_relations.setup import assets
sys.exit(bool(assets.stale(pathlib.Path("assets"))))' >/dev/null 2>&1
}

ensure_assets() {
	local changed="" link=$BENCH_DIR/sites/assets/crm_relations
	if ! assets_ready; then
		must "Building the desk's JavaScript and CSS" "If memory is short, add swap." frappe_command build --force
		assets_ready || die "bench build ended, but bundles are missing." "Look at the end of $LOG."
		changed=1
	fi
	if ! own_assets_ready; then
		must "Building the JavaScript and CSS of this app" "Look at the log above." frappe_command build --app crm_relations
		own_assets_ready || die "bench build ended, but bundles of this app are missing." "Look at the end of $LOG."
		changed=1
	fi
	if [[ $(readlink -f "$link" || true) != $(readlink -f "$APP_DIR/crm_relations/public") ]]; then
		in_sites ln -sfn "$APP_DIR/crm_relations/public" assets/crm_relations
		changed=1
	fi
	if [[ -n $changed ]]; then
		done_now "sites/assets"
	else
		there "sites/assets"
	fi
}

# --- settings of the bench ------------------------------------------------------------------------

# config_get KEY [DEFAULT]
config_get() {
	/usr/bin/python3 -I -c 'import json, sys
value = json.load(open(sys.argv[1])).get(sys.argv[2])
print(sys.argv[3] if value is None else value)' "$BENCH_DIR/sites/common_site_config.json" "$1" "${2:-}" 2>/dev/null || printf '%s' "${2:-}"
}

# edit_config STATEMENT ARGUMENT…: a Python statement on the dictionary `config`
edit_config() {
	in_sites /usr/bin/python3 -I -c 'import json, sys
with open("common_site_config.json") as file:
    config = json.load(file)
exec(sys.argv[1])
with open("common_site_config.json", "w") as file:
    json.dump(config, file, indent=1, sort_keys=True)' "$@"
}

# config_set KEY JSON-VALUE
config_set() { edit_config 'config[sys.argv[2]] = json.loads(sys.argv[3])' "$1" "$2"; }

# config_unset KEY
config_unset() { edit_config 'config.pop(sys.argv[2], None)' "$1"; }

# redis_port cache|queue
redis_port() { config_get "redis_$1" | sed -n 's/.*:\([0-9]*\).*/\1/p'; }

# set_web_port PORT: in the bench's configuration and in its Procfile; running services let go of the old one
set_web_port() {
	if [[ $(config_get webserver_port 8000) != "$1" ]]; then
		if port_taken "$1"; then
			die "port $1 is held by $(port_holder "$1")." "Stop that, or choose another port: --port $(free_port $(($1 + 1)))"
		fi
		if leader >/dev/null; then
			note "stopping the services on port $(config_get webserver_port 8000)"
			stop_bench_services
		fi
		config_set webserver_port "$1"
		in_bench sed -i "s/^\(web: bench serve.*--port\) *[0-9]*/\1 $1/" Procfile
		done_now "web port $1"
	fi
}
