#!/usr/bin/env bash
# Inside a bare system: the commands of the README, one after the other, with a line for each in /root/results.
# scripts/try-bare-machine starts it and sets BARE_WAY (root or sudo), BARE_UNTIL_DOWNLOADS and BARE_TESTS.
set -euo pipefail

CHECKOUT=/root/crm_relations
OUTPUT=/root/output
QUICKSTART=(scripts/quickstart)
SETTINGS=(HOME=/root)

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# result WHAT RESULT SECONDS
result() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>/root/results; }

# as_chosen COMMAND…: in the checkout, as the user that the way stands for
as_chosen() {
	if [[ $BARE_WAY == root ]]; then
		(cd "$CHECKOUT" && "$@")
	else
		(cd "$CHECKOUT" && runuser -u admin -- env "${SETTINGS[@]}" "$@")
	fi
}

# pytest_counts: pytest's last line, where the output has one
pytest_counts() { sed -n 's/\x1b\[[0-9;]*m//g; s/^=* *\([0-9].* in [0-9].*[^ =]\) *=*$/\1/p' "$OUTPUT" | tail -n 1; }

# attempt WHAT COMMAND…: ends the script if the command fails; its output is shown and kept in OUTPUT
attempt() {
	local what=$1 started=$SECONDS code=0
	shift
	printf '\n      --- %s (%s): %s\n' "$what" "$BARE_WAY" "$*"
	as_chosen "$@" </dev/null 2>&1 | tee "$OUTPUT" | sed -u 's/^/      | /' || code=$?
	if ((code)); then
		result "$what" "FAILED with exit code $code $(pytest_counts)" "$((SECONDS - started))"
		exit "$code"
	fi
	TOOK=$((SECONDS - started))
}

make_admin() {
	local started=$SECONDS
	{ apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install sudo; } >"$OUTPUT" 2>&1 || {
		cat "$OUTPUT"
		result "sudo" "FAILED: the package could not be installed" "$((SECONDS - started))"
		exit 1
	}
	useradd --create-home --shell /bin/bash admin
	printf 'admin ALL=(ALL) NOPASSWD: ALL\nDefaults env_keep += "http_proxy https_proxy no_proxy NODE_EXTRA_CA_CERTS"\n' >/etc/sudoers.d/admin
	cp -a "$CHECKOUT" /home/admin/
	chown -R admin:admin /home/admin/crm_relations
	CHECKOUT=/home/admin/crm_relations
	SETTINGS=(HOME=/home/admin USER=admin LOGNAME=admin)
}

# first_and_again WHAT COMMAND…: the second run must find nothing to do
first_and_again() {
	local what=$1
	shift
	attempt "$what" "$@"
	result "$what" "ok" "$TOOK"
	attempt "$what, again" "$@"
	if grep -q 'nothing was changed' "$OUTPUT"; then
		result "$what, again" "ok: nothing was changed" "$TOOK"
	else
		result "$what, again" "FAILED: the second run changed something" "$TOOK"
		exit 1
	fi
}

# second_site: the services serve both, each with its own Administrator
second_site() {
	local site password answer
	attempt "a second site" "${QUICKSTART[@]}" --site other.localhost --no-demo
	for site in crm.localhost other.localhost; do
		password=$(cat "$BENCH/.crm_relations/admin_password.$site")
		answer=$(curl -sS --noproxy '*' -H "Host: $site" --data-urlencode usr=Administrator \
			--data-urlencode "pwd=$password" "http://127.0.0.1:$PORT/api/method/login" || true)
		if [[ $answer != *"Logged In"* ]]; then
			printf '%s\n' "$answer"
			result "a second site" "FAILED: under the name $site another site answers" "$TOOK"
			exit 1
		fi
	done
	result "a second site" "ok: each host name serves its own site" "$TOOK"
}

PORT=8000
while taken "$PORT"; do
	PORT=$((PORT + 1))
done
if ((PORT != 8000)); then
	QUICKSTART+=(--port "$PORT")
fi
BENCH=/home/frappe/crm-bench
if [[ $BARE_WAY == sudo ]]; then
	make_admin
	BENCH=/home/admin/crm-bench
fi

if [[ -n $BARE_UNTIL_DOWNLOADS ]]; then
	first_and_again "quickstart, up to the downloads" "${QUICKSTART[@]}" --prepare-only
else
	first_and_again "quickstart" "${QUICKSTART[@]}"
	second_site
	if [[ -n $BARE_TESTS && $BARE_WAY == root ]]; then
		attempt "scripts/test" scripts/test --require-site
		result "scripts/test" "$(pytest_counts)" "$TOOK"
	fi
	attempt "stopping the services" scripts/quickstart --stop
fi
service mariadb stop >/dev/null 2>&1 || true
