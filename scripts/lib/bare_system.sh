# shellcheck shell=bash disable=SC2153 # in capitals: the options that scripts/try-bare-machine reads
# Bare systems for scripts/try-bare-machine: made with debootstrap, entered with namespaces of their own.

title_of() {
	case $1 in
		bookworm) printf 'Debian 12 (bookworm)' ;;
		trixie) printf 'Debian 13 (trixie)' ;;
		noble) printf 'Ubuntu 24.04 (noble)' ;;
	esac
}

words_for() { if [[ $1 == root ]]; then printf 'as root'; else printf 'as a user with sudo'; fi; }

mirror_of() { if [[ $1 == noble ]]; then printf '%s' "$UBUNTU_MIRROR"; else printf '%s' "$DEBIAN_MIRROR"; fi; }

# check_tools: rights, namespaces, and the programs, which are installed where they are missing
check_tools() {
	local -a missing=()
	if ((EUID != 0)); then
		die "a bare system can be made by root only." "Run it as root: sudo scripts/try-bare-machine"
	fi
	command -v debootstrap >/dev/null || missing+=(debootstrap)
	command -v wget >/dev/null || command -v curl >/dev/null || missing+=(wget)
	if ((${#missing[@]})); then
		must "Installing ${missing[*]}" "Install by hand, from Debian's or Ubuntu's packages: ${missing[*]}" \
			bash -c 'apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"' _ "${missing[@]}"
	fi
	unshare --mount --uts --ipc --pid --fork --kill-child true 2>>"$LOG" ||
		die "this machine allows no new namespaces ($(tail -n 1 "$LOG"))." \
			"Run it on a machine of its own, or in a container with the capability SYS_ADMIN."
}

# can_fetch URL
can_fetch() {
	if command -v curl >/dev/null; then
		curl -fsSL -m 60 -o /dev/null "$1" 2>>"$LOG"
	else
		wget -q -T 60 -t 2 -O /dev/null "$1" 2>>"$LOG"
	fi
}

# script_of RELEASE: an older debootstrap has none for noble; that of all releases of Ubuntu is the same
script_of() {
	local folder=/usr/share/debootstrap/scripts
	if [[ $1 == noble && ! -e $folder/noble ]]; then
		printf '%s/gutsy' "$folder"
	else
		printf '%s/%s' "$folder" "$1"
	fi
}

# why_not_available RELEASE: prints the reason and returns 1, or returns 0
why_not_available() {
	local mirror
	mirror=$(mirror_of "$1")
	if [[ ! -e $(script_of "$1") ]]; then
		printf 'this debootstrap does not know it'
	elif ! can_fetch "$mirror/dists/$1/Release"; then
		printf '%s cannot be reached' "$mirror"
	elif [[ $1 == noble && ! -r $UBUNTU_KEYRING ]]; then
		printf 'no keyring of Ubuntu on this machine (--ubuntu-keyring)'
	else
		return 0
	fi
	return 1
}

# make_system RELEASE: the distribution's smallest system, and a place for the packages that all copies download
make_system() {
	local release=$1 mirror
	local -a options=(--variant=minbase)
	mirror=$(mirror_of "$release")
	if [[ $release == noble ]]; then
		options+=("--components=main,universe" "--keyring=$UBUNTU_KEYRING")
	fi
	mkdir -p "$WORK/archives-$release/partial"
	must "debootstrap $release from $mirror" "Look at the log above, and at the mirror." \
		debootstrap "${options[@]}" "$release" "$WORK/$release" "$mirror" "$(script_of "$release")"
}

# copy_system RELEASE DIR
copy_system() { cp -a --reflink=auto "$WORK/$1" "$2"; }

remove_system() { rm -rf --one-file-system "$1"; }

# put_in_checkout DIR: as `git clone` and the changes since
put_in_checkout() {
	mkdir -p "$1"
	if git -c safe.directory='*' -C "$ROOT" rev-parse --git-dir >/dev/null 2>&1; then
		git -c safe.directory='*' -C "$ROOT" ls-files -z --cached --others --exclude-standard |
			(cd "$ROOT" && while IFS= read -r -d '' file; do if [[ -e $file || -L $file ]]; then printf '%s\0' "$file"; fi; done) |
			tar -C "$ROOT" --null --no-recursion -T - -cf - | tar -C "$1" --no-same-owner -xf -
		if [[ -d $ROOT/.git ]]; then
			cp -a "$ROOT/.git" "$1/.git"
		fi
	else
		cp -a "$ROOT/." "$1/"
	fi
	chown -R 0:0 "$1"
}

# put_in_settings DIR: names, and what the network of this machine needs
put_in_settings() {
	local dir=$1 file
	printf '127.0.0.1 localhost bare-machine\n::1 localhost\n' >"$dir/etc/hosts"
	# nobody needs this system after a power cut
	printf 'force-unsafe-io\n' >"$dir/etc/dpkg/dpkg.cfg.d/bare-machine"
	cp -L /etc/resolv.conf "$dir/etc/resolv.conf"
	: >"$dir/root/results"
	printf '%s\n' "${BINDS[@]}" >"$dir/root/binds"
	if [[ -n $HOST_SETTINGS ]]; then
		for file in /etc/gitconfig /etc/pip.conf /etc/xdg/pip /etc/uv /etc/npmrc /usr/local/share/ca-certificates; do
			if [[ -e $file ]]; then
				mkdir -p "$dir$(dirname "$file")"
				cp -rL "$file" "$dir$(dirname "$file")/"
			fi
		done
		named_folders "$dir" >>"$dir/root/binds"
	fi
	if [[ -n $GIT_CONFIG ]]; then
		cp "$GIT_CONFIG" "$dir/etc/gitconfig"
	fi
	# the network is this machine's: a second MariaDB must not want the port that the first one has
	if (exec 3<>/dev/tcp/127.0.0.1/3306) 2>/dev/null; then
		mkdir -p "$dir/etc/mysql/mariadb.conf.d"
		printf '[mysqld]\nskip-networking\n' >"$dir/etc/mysql/mariadb.conf.d/99-bare-machine.cnf"
	fi
}

# named_folders DIR: the folders of this machine that the settings name with file:
named_folders() {
	local folder
	{ cat "$1/etc/gitconfig" "$1/etc/pip.conf" "$1"/etc/xdg/pip/* "$1"/etc/uv/* 2>/dev/null || true; } |
		{ grep -oE 'file://[^]" ,]+' || true; } | sed 's,^file://,,' | sort -u |
		while IFS= read -r folder; do
			# an index of Python packages keeps the files beside the folder of names
			if [[ $folder == */simple ]]; then
				folder=${folder%/simple}
			fi
			if [[ -d $folder ]]; then
				realpath -- "$folder"
			fi
		done
}

# passed_on: the settings of the environment for the network, as NAME=VALUE separated by zeros
passed_on() {
	env -0 | { grep -zE '^(https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY|all_proxy|ALL_PROXY|PIP_[A-Z_]+|UV_[A-Z_]+|npm_config_[a-z_]+|NODE_EXTRA_CA_CERTS|GIT_SSL_CAINFO|GIT_CONFIG_(COUNT|KEY_[0-9]+|VALUE_[0-9]+)|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)=' || true; }
}

# enter DIR RELEASE WAY: the commands, as the only process of the system; what it leaves running ends with it
enter() {
	local dir=$1 release=$2 way=$3 code=0
	local -a settings
	mapfile -d '' -t settings < <(passed_on)
	unshare --mount --uts --ipc --pid --fork --kill-child --propagation private -- \
		bash "$ROOT/scripts/lib/enter_bare_system.sh" "$dir" "$WORK/archives-$release" \
		/usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		"${settings[@]}" BARE_WAY="$way" BARE_UNTIL_DOWNLOADS="$UNTIL_DOWNLOADS" BARE_TESTS="$TESTS" \
		/bin/bash /root/crm_relations/scripts/lib/commands_of_readme.sh </dev/null &
	CHILD=$!
	wait "$CHILD" || code=$?
	CHILD=""
	return "$code"
}
