# shellcheck shell=bash disable=SC2016 # what stands in single quotes is for the inner shell
# The machine: operating system, rights, the unprivileged user, packages, Node, Python, MariaDB, ports, disk.

MIN_MARIADB="10.6"
DB_SOCKET=""

# --- rights ---------------------------------------------------------------------------------------

SUDO_WORKS=""

can_be_root() {
	if ((EUID == 0)); then
		return 0
	fi
	if [[ -z $SUDO_WORKS ]]; then
		SUDO_WORKS=no
		if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [[ -t 0 ]] && sudo -v; }; }; then
			SUDO_WORKS=yes
		fi
	fi
	[[ $SUDO_WORKS == yes ]]
}

# as_root COMMAND…: fd 9 is our lock; a service started here must not hold it
as_root() {
	if ((EUID == 0)); then
		"$@" 9>&-
	elif can_be_root; then
		sudo "$@" 9>&-
	else
		printf 'needs root: %s\n' "$*" >&2
		return 1
	fi
}

# as_user COMMAND…: as the unprivileged user that owns the bench, with a clean path and without the caller's
# Python; proxies and certificates of the environment stay
as_user() {
	local -a keep=(env -u XDG_CACHE_HOME -u XDG_CONFIG_HOME -u XDG_DATA_HOME -u XDG_RUNTIME_DIR -u TMPDIR
		-u PYENV_ROOT -u PYENV_VERSION -u VIRTUAL_ENV -u PYTHONPATH -u PYTHONHOME -u FRAPPE_SITE
		"HOME=$BENCH_HOME" "USER=$BENCH_USER" "LOGNAME=$BENCH_USER")
	if [[ $(id -un) == "$BENCH_USER" ]]; then
		"${keep[@]}" "PATH=$BENCH_ENV/bin:$PATH" "$@"
	else
		runuser -u "$BENCH_USER" -- "${keep[@]}" \
			"PATH=$BENCH_ENV/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$@"
	fi
}

# --- user -----------------------------------------------------------------------------------------

# home_of USER: the home directory; for a user that does not exist yet, the one that useradd will create
home_of() {
	local entry
	entry=$(getent passwd "$1" || true)
	if [[ -n $entry ]]; then
		cut -d: -f6 <<<"$entry"
	else
		printf '/home/%s\n' "$1"
	fi
}

# choose_user [NAME]: sets BENCH_USER, BENCH_HOME, BENCH_ENV and STATE_HOME; the user need not exist yet
choose_user() {
	local wanted=${1:-}
	if ((EUID == 0)); then
		BENCH_USER=${wanted:-frappe}
		if [[ $BENCH_USER == root ]]; then
			die "bench must not run as root." "Leave --user out (the user frappe is made), or name another user."
		fi
	else
		BENCH_USER=$(id -un)
		if [[ -n $wanted && $wanted != "$BENCH_USER" ]]; then
			die "--user $wanted: only root can set the bench up for another user." \
				"Run as root, or leave --user out: the bench then belongs to $BENCH_USER."
		fi
	fi
	BENCH_HOME=$(home_of "$BENCH_USER")
	STATE_HOME=$BENCH_HOME/.crm_relations
	BENCH_ENV=$STATE_HOME/bench-env
	DB_CNF=$STATE_HOME/db_admin.cnf
}

user_exists() { getent passwd "$BENCH_USER" >/dev/null; }

ensure_user() {
	if user_exists; then
		there "$BENCH_USER, home $BENCH_HOME"
	else
		must "Creating the user $BENCH_USER" "Create it by hand: useradd --create-home $BENCH_USER" \
			as_root useradd --create-home --shell /bin/bash "$BENCH_USER"
		done_now "user $BENCH_USER"
	fi
	(cd / && as_user mkdir -p -m 700 "$STATE_HOME") ||
		die "$BENCH_USER cannot make the folder $STATE_HOME." "See that $BENCH_HOME exists and belongs to $BENCH_USER."
}

# --- operating system, memory, disk, network ------------------------------------------------------

check_os() {
	local id="" version=""
	if [[ -r /etc/os-release ]]; then
		# shellcheck source=/dev/null
		id=$(. /etc/os-release && echo "${ID:-}")
		# shellcheck source=/dev/null
		version=$(. /etc/os-release && echo "${VERSION_ID:-}")
	fi
	case $id in
		debian | ubuntu) note "$id $version" ;;
		*)
			if command -v apt-get >/dev/null; then
				warn "$id $version is not tried; Debian 12 and 13 and Ubuntu 24.04 are."
			else
				die "This is ${id:-an unknown system} $version; the packages are named for Debian 12, Debian 13 and Ubuntu 24.04." \
					"With a bench of your own: bench get-app this checkout, then bench --site SITE install-app crm_relations."
			fi
			;;
	esac
}

check_memory() {
	local kb
	kb=$(awk '/^(MemTotal|SwapTotal):/ {sum += $2} END {print sum}' /proc/meminfo)
	if ((kb < 1800000)); then
		die "This machine has $((kb / 1024)) MB of memory and swap; building the desk needs about 2 GB." \
			"Add swap: fallocate -l 2G /swapfile && chmod 600 /swapfile && mkswap /swapfile && swapon /swapfile"
	fi
	note "memory and swap: $((kb / 1024)) MB"
}

# free_mb PATH: of the file system that PATH lies on or will lie on
free_mb() {
	local path=$1
	while [[ ! -e $path ]]; do
		path=$(dirname "$path")
	done
	df -Pk "$path" | awk 'NR == 2 {print int($4 / 1024)}'
}

# check_disk PATH MB [ELSE]: what to do about it but to make room
check_disk() {
	local free
	free=$(free_mb "$1")
	if ((free < $2)); then
		die "$1: $free MB are free, $2 MB are needed." "Make room on that disk${3:+, or $3}."
	fi
	note "free on the disk of $1: $free MB"
}

# check_source URL BRANCH: asks with git itself, so that the machine's own git settings count
check_source() {
	local code=0 answer
	answer=$(cd / && GIT_TERMINAL_PROMPT=0 timeout 90 git ls-remote --exit-code "$1" "refs/heads/$2" "refs/tags/$2" 2>&1 >/dev/null) || code=$?
	case $code in
		0) note "reachable: $1 ($2)" ;;
		2) die "$1 has no branch $2." "Choose another: --branch version-15 or --branch version-16." ;;
		124) die "$1 does not answer within 90 seconds." \
			"Check the network and the proxy (https_proxy), or name a mirror: --frappe-url, --erpnext-url." ;;
		*) die "$1 cannot be reached: $(printf '%s' "$answer" | tail -n 1)" \
			"Check the network, the name server and the proxy (https_proxy)." \
			"Or name a mirror: --frappe-url URL --erpnext-url URL (try: git ls-remote URL)." ;;
	esac
}

# --- ports ----------------------------------------------------------------------------------------

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

port_holder() {
	local line
	if command -v ss >/dev/null; then
		line=$({ as_root ss -Hltnp "sport = :$1" 2>/dev/null || ss -Hltnp "sport = :$1"; } 2>/dev/null | head -n 1) || line=""
		if [[ $line =~ users:\(\(\"([^\"]+)\",pid=([0-9]+) ]]; then
			printf '%s (process %s, user %s)' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" \
				"$(ps -o user= -p "${BASH_REMATCH[2]}" 2>/dev/null | tr -d ' ')"
			return
		fi
	fi
	printf 'another process'
}

# free_port FROM: the first port from there on that nobody listens on
free_port() {
	local port=$1
	while port_taken "$port"; do
		port=$((port + 1))
	done
	printf '%s' "$port"
}

# --- packages -------------------------------------------------------------------------------------

# The last line is for PDF: WeasyPrint's libraries, and fonts. Liberation Sans has the widths of Arial and Helvetica;
# DejaVu Sans has the letters that it lacks. shared/text/pdf.py names both.
PACKAGES=(git curl ca-certificates build-essential pkg-config python3 python3-dev python3-venv
	libmariadb-dev libffi-dev libssl-dev mariadb-server mariadb-client redis-server iproute2 procps
	libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-liberation fonts-dejavu-core)

missing_packages() {
	local package
	for package in "${PACKAGES[@]}"; do
		if [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
			printf '%s\n' "$package"
		fi
	done
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
			-o DPkg::Lock::Timeout=300 install "$@"
}

ensure_packages() {
	local -a missing
	mapfile -t missing < <(missing_packages)
	if ((${#missing[@]} == 0)); then
		there "${#PACKAGES[@]} packages"
		return
	fi
	need_root_for "installs ${missing[*]}"
	must "Installing ${missing[*]}" \
		"Check the network and the package mirrors (apt-get update), then: apt-get install ${missing[*]}" \
		apt_install "${missing[@]}"
	done_now "${#missing[@]} packages"
}

# need_root_for WHAT
need_root_for() {
	if ! can_be_root; then
		die "$BENCH_USER is not root and cannot use sudo; this step $1." \
			"Run it as root, or as a user with sudo (without a terminal: sudo without a password)."
	fi
}

# --- node -----------------------------------------------------------------------------------------

NODE_REQUIRED=18

node_major() { (cd / && as_user node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p'); }
yarn_version() { (cd / && as_user yarn --version 2>/dev/null | tail -n 1); }

ensure_node() {
	local major changed=""
	major=$(node_major || true)
	if [[ -z $major ]]; then
		need_root_for "installs nodejs and npm"
		must "Installing nodejs and npm" "Check the network and the package mirrors (apt-get update)." apt_install nodejs npm
		changed=1
		major=$(node_major || true)
	fi
	if ((${major:-0} < NODE_REQUIRED)); then
		die "Node ${major:-?} is here, $BRANCH of Frappe needs Node $NODE_REQUIRED or newer." \
			"Install it for all users (the packages of https://github.com/nodesource/distributions, or a newer distribution)."
	fi
	if [[ $(yarn_version || true) != 1.* ]]; then
		need_root_for "installs yarn"
		if ! command -v npm >/dev/null; then
			must "Installing npm" "Check the network and the package mirrors (apt-get update)." apt_install npm
		fi
		must "Installing yarn 1.22" "Check the network and npm's registry: npm view yarn version" \
			as_root npm install --global --no-fund --no-audit yarn@1.22.22
		changed=1
	fi
	if [[ -n $changed ]]; then
		done_now "node $(node_major), yarn $(yarn_version)"
	else
		there "node $major, yarn $(yarn_version)"
	fi
}

# --- python ---------------------------------------------------------------------------------------

PYTHON=""
PYTHON_REQUIRED=">=3.10"

# python_fits INTERPRETER SPECIFIER, e.g. ">=3.10,<3.15"
python_fits() {
	(cd / && as_user "$1" - "$2" >/dev/null 2>&1) <<'PYTHON'
import operator, re, sys
compare = {">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt}
for sign, version in re.findall(r"(>=|<=|<|>)\s*([0-9.]+)", sys.argv[1]):
    wanted = tuple(int(part) for part in version.split("."))
    if not compare[sign](tuple(sys.version_info[: len(wanted)]), wanted):
        sys.exit(1)
import ensurepip, venv
PYTHON
}

# choose_python [GIVEN]: an interpreter of the system, one that the unprivileged user can run
choose_python() {
	local candidate given=${1:-}
	local -a found=()
	if [[ -n $given ]]; then
		if [[ $given == */* ]] && ! python_fits "$given" "$PYTHON_REQUIRED"; then
			die "$given does not fit: $BRANCH needs Python $PYTHON_REQUIRED, with venv, readable for $BENCH_USER." \
				"Name another: --python PATH."
		fi
		PYTHON=$given
		return
	fi
	for candidate in /usr/bin/python3 /usr/bin/python3.14 /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11 /usr/bin/python3.10; do
		if [[ -x $candidate ]]; then
			if python_fits "$candidate" "$PYTHON_REQUIRED"; then
				PYTHON=$(readlink -f "$candidate")
				return
			fi
			found+=("$(basename "$(readlink -f "$candidate")")")
		fi
	done
	die "$BRANCH of Frappe needs Python $PYTHON_REQUIRED; this system has ${found[*]:-none}." \
		"Install one for all users and name it: --python /usr/bin/python3.N (with its -dev and -venv packages)," \
		"or let uv fetch one: --python 3.N"
}

# --- MariaDB --------------------------------------------------------------------------------------

find_socket() {
	local socket
	for socket in /run/mysqld/mysqld.sock /var/run/mysqld/mysqld.sock /tmp/mysql.sock; do
		if [[ -S $socket ]]; then
			DB_SOCKET=$socket
			return 0
		fi
	done
	return 1
}

mariadb_answers() { find_socket && mariadb-admin --no-defaults --socket="$DB_SOCKET" ping 2>&1 | grep -Eq 'is alive|Access denied'; }

start_mariadb() {
	if [[ -d /run/systemd/system ]]; then
		as_root systemctl start mariadb >>"$LOG" 2>&1 </dev/null
	else
		as_root service mariadb start >>"$LOG" 2>&1 </dev/null
	fi
}

ensure_mariadb_runs() {
	local waited
	if mariadb_answers; then
		return 0
	fi
	need_root_for "starts MariaDB"
	note "starting MariaDB"
	start_mariadb || true
	for ((waited = 0; waited < 60; waited++)); do
		if mariadb_answers; then
			CHANGES=$((CHANGES + 1))
			return 0
		fi
		sleep 1
	done
	die "MariaDB does not start." "Look at: service mariadb status; journalctl -u mariadb; /var/log/mysql/error.log; $LOG"
}

# sql_root: statements from stdin as MariaDB's administrator, without touching how that one logs in
sql_root() {
	if [[ -n ${CRM_RELATIONS_DB_ROOT_USER:-} ]]; then
		MYSQL_PWD=${CRM_RELATIONS_DB_ROOT_PASSWORD:-} mariadb --no-defaults --socket="$DB_SOCKET" \
			--user="$CRM_RELATIONS_DB_ROOT_USER" --batch --skip-column-names
	else
		as_root mariadb --socket="$DB_SOCKET" --batch --skip-column-names
	fi
}

# sql_admin: statements from stdin as our administrator; its password stays in the file
sql_admin() { (cd / && as_user mariadb --defaults-file="$DB_CNF" --batch --skip-column-names); }

db_admin_works() {
	(cd / && as_user test -r "$DB_CNF") && sql_admin 2>/dev/null <<<"SHOW GRANTS" | grep -q "ALL PRIVILEGES ON \*\.\*.*WITH GRANT OPTION"
}

new_password() { od -An -N"${1:-18}" -tx1 /dev/urandom | tr -d ' \n'; }

make_db_admin() {
	local name="crm_relations_$BENCH_USER" password
	password=$(new_password 24)
	sql_root <<SQL || return 1
CREATE OR REPLACE USER '$name'@'localhost' IDENTIFIED BY '$password';
GRANT ALL PRIVILEGES ON *.* TO '$name'@'localhost' WITH GRANT OPTION;
SQL
	(cd / && as_user bash -c 'umask 077; cat >"$1"' _ "$DB_CNF") <<CNF
[client]
user = $name
password = $password
socket = $DB_SOCKET
CNF
}

# set_character_set: what Frappe expects of the server; live, so that nobody's connections are cut
set_character_set() {
	local file=/etc/mysql/mariadb.conf.d/90-crm-relations.cnf
	as_root tee "$file" >/dev/null <<'CNF'
# Frappe needs utf8mb4; written by crm_relations' scripts/quickstart
[mysqld]
character-set-server = utf8mb4
collation-server = utf8mb4_unicode_ci

[mysql]
default-character-set = utf8mb4
CNF
	sql_root <<'SQL'
SET GLOBAL character_set_server = 'utf8mb4';
SET GLOBAL collation_server = 'utf8mb4_unicode_ci';
SQL
}

ensure_database() {
	local version settings before=$CHANGES
	ensure_mariadb_runs
	if ! db_admin_works; then
		if [[ -z ${CRM_RELATIONS_DB_ROOT_USER:-} ]]; then
			need_root_for "creates an administrator of its own in MariaDB"
		fi
		if ! make_db_admin 2>>"$LOG"; then
			die "MariaDB's administrator cannot log in over the socket ($(tail -n 1 "$LOG"))." \
				"Give one who may create users: CRM_RELATIONS_DB_ROOT_USER=… CRM_RELATIONS_DB_ROOT_PASSWORD=… $0"
		fi
		done_now "administrator crm_relations_$BENCH_USER, password in $DB_CNF (mode 600)"
	fi
	IFS=$'\t' read -r version settings < <(sql_admin <<<"SELECT SUBSTRING_INDEX(VERSION(), '-', 1), CONCAT(@@global.character_set_server, ' ', @@global.collation_server)") ||
		die "MariaDB does not answer the administrator in $DB_CNF." \
			"Try: mariadb --defaults-file=$DB_CNF -e 'SELECT 1'. If it is refused, remove that file and run the same command again."
	if [[ $(printf '%s\n' "$MIN_MARIADB" "$version" | sort -V | head -n 1) != "$MIN_MARIADB" ]]; then
		die "MariaDB $version runs here; $MIN_MARIADB or newer is needed." "Use MariaDB of Debian 12 or 13 or Ubuntu 24.04."
	fi
	if [[ $settings != "utf8mb4 utf8mb4_unicode_ci" ]]; then
		need_root_for "sets MariaDB's character set"
		set_character_set || die "MariaDB's character set could not be set." "Set character-set-server = utf8mb4 and restart it."
		done_now "character set utf8mb4"
	fi
	if ((CHANGES == before)); then
		there "MariaDB $version, socket $DB_SOCKET"
	fi
}
