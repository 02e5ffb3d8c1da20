# shellcheck shell=bash disable=SC2016 # what stands in single quotes is for the inner shell
# The bench's long-running processes: its two Redis, and web, socketio, scheduler and worker from its Procfile.
# Started in the background, each at most once; `--stop` ends exactly what was started here.

service_pid_file() { printf '%s' "$BENCH_DIR/config/pids/quickstart.pid"; }

# --- Redis ----------------------------------------------------------------------------------------

redis_answers() { [[ $(redis-cli -h 127.0.0.1 -p "$1" ping 2>/dev/null) == PONG ]]; }

# redis_is_ours PORT: the one that was started from the bench's own configuration
redis_is_ours() { redis-cli -h 127.0.0.1 -p "$1" config get dir 2>/dev/null | grep -qx "$(readlink -f "$BENCH_DIR")/config/pids"; }

# redis_runs PORT: a bench of somebody's may have Redis from anywhere; two of ours must not share one, or
# stopping one bench takes it from the other
redis_runs() { redis_answers "$1" && { ! is_ours || redis_is_ours "$1"; }; }

# move_redis KIND: another port than the one that somebody else has, in the bench's configuration
move_redis() {
	local kind=$1 port
	port=$(free_port "$(($(redis_port "$kind") + 1))")
	config_set "redis_$kind" "\"redis://127.0.0.1:$port\""
	if [[ $kind == cache ]]; then
		config_set redis_socketio "\"redis://127.0.0.1:$port\""
	fi
	if [[ -f $BENCH_DIR/config/redis_$kind.conf ]]; then
		in_bench sed -i "s/^port .*/port $port/" "config/redis_$kind.conf"
	fi
	done_now "Redis $kind on port $port; the one from before is another program's"
}

start_redis() {
	local kind=$1 port=$2
	if [[ -f $BENCH_DIR/config/redis_$kind.conf ]]; then
		in_bench redis-server "config/redis_$kind.conf" --daemonize yes --logfile "$BENCH_DIR/logs/redis_$kind.log" 9>&-
	else
		in_bench redis-server --port "$port" --bind 127.0.0.1 --daemonize yes --save "" --appendonly no \
			--dir "$BENCH_DIR/config/pids" --pidfile "$BENCH_DIR/config/pids/redis_$kind.pid" 9>&-
	fi
}

# ensure_redis: sets STARTED_REDIS to the ports that were started now
STARTED_REDIS=()
ensure_redis() {
	local kind port waited
	STARTED_REDIS=()
	for kind in cache queue; do
		port=$(redis_port "$kind")
		if redis_runs "$port"; then
			continue
		fi
		if port_taken "$port" && is_ours; then
			if leader >/dev/null; then
				note "stopping the services: they use another program's Redis"
				stop_bench_services
			fi
			move_redis "$kind"
			port=$(redis_port "$kind")
		elif port_taken "$port"; then
			die "port $port, which the bench uses for Redis, is held by $(port_holder "$port")." \
				"Stop that, or give the bench another port: redis_$kind in $BENCH_DIR/sites/common_site_config.json and config/redis_$kind.conf."
		fi
		in_bench mkdir -p config/pids logs
		start_redis "$kind" "$port" >>"$LOG" 2>&1 </dev/null || true # whether it answers is asked below
		for ((waited = 0; waited < 50; waited++)); do
			if redis_answers "$port"; then
				break
			fi
			sleep 0.2
		done
		redis_answers "$port" || die "Redis does not start on port $port." "Look at $BENCH_DIR/logs/redis_$kind.log."
		STARTED_REDIS+=("$port")
	done
}

stop_redis() {
	local port
	for port in "$@"; do
		if redis_answers "$port" && redis_is_ours "$port"; then
			redis-cli -h 127.0.0.1 -p "$port" shutdown nosave >/dev/null 2>&1 || true
		fi
	done
}

# --- web, socketio, scheduler, worker -------------------------------------------------------------

# service_pids: every process that carries our mark in its environment, also when its parent was killed
service_pids() {
	local dir mark
	mark="CRM_RELATIONS_SERVICES=$(readlink -f "$BENCH_DIR")"
	for dir in /proc/[0-9]*; do
		if grep -qzxF -- "$mark" "$dir/environ" 2>/dev/null; then
			printf '%s\n' "${dir#/proc/}"
		fi
	done
}

leader() {
	local pid
	pid=$(cat "$(service_pid_file)" 2>/dev/null) || return 1
	if [[ $pid =~ ^[0-9]+$ ]] && grep -qzxF -- "CRM_RELATIONS_SERVICES=$(readlink -f "$BENCH_DIR")" "/proc/$pid/environ" 2>/dev/null; then
		printf '%s' "$pid"
	else
		return 1
	fi
}

web_answers() { curl -fsS -m 10 --noproxy '*' -H "Host: $SITE" "http://127.0.0.1:$PORT/api/method/ping" 2>/dev/null | grep -q pong; }

# procfile_names: what honcho is to start; Redis and the watcher of assets are left out
procfile_names() { sed -n 's/^\([A-Za-z0-9_]*\):.*/\1/p' "$BENCH_DIR/Procfile" | sed -E '/^(redis_.*|watch)$/d' | tr '\n' ' '; }

check_ports() {
	local port
	for port in "$PORT" "$(config_get socketio_port 9000)"; do
		if port_taken "$port"; then
			die "port $port is held by $(port_holder "$port")." \
				"Stop that, or choose another web port: --port $(free_port $((PORT + 1)))" \
				"(the second port, socketio, stands in $BENCH_DIR/sites/common_site_config.json)."
		fi
	done
}

# move_socketio: nobody chooses this port, so that a taken one is no reason to stop
move_socketio() {
	local port
	port=$(config_get socketio_port 9000)
	if is_ours && port_taken "$port"; then
		port=$(free_port $((port + 1)))
		config_set socketio_port "$port"
		note "socketio on port $port: the one from before is held by another program"
	fi
}

launch() {
	local names
	names=$(procfile_names)
	in_bench mkdir -p config/pids logs
	in_bench env CRM_RELATIONS_SERVICES="$(readlink -f "$BENCH_DIR")" DEV_SERVER=true PYTHONUNBUFFERED=true bash -c '
		exec 9>&-
		setsid honcho start --no-prefix $1 >>logs/quickstart.log 2>&1 </dev/null &
		echo $! >"$2"' _ "$names" "$(service_pid_file)"
}

start_services() {
	local waited
	ensure_redis
	if leader >/dev/null; then
		if web_answers; then
			if ((${#STARTED_REDIS[@]})); then
				done_now "Redis"
			else
				there "$(procfile_names)(process $(leader)), web port $PORT"
			fi
			return
		fi
		for ((waited = 0; waited < 60; waited++)); do
			web_answers && break
			sleep 1
		done
		if web_answers; then
			there "process $(leader), web port $PORT"
			return
		fi
		note "the services do not answer on port $PORT; starting them again"
		stop_bench_services
	elif [[ -n $(service_pids) ]]; then
		note "ending what is left of services that were killed"
		stop_bench_services
	fi
	move_socketio
	check_ports
	launch
	note "starting $(procfile_names)"
	for ((waited = 0; waited < 120; waited++)); do
		if web_answers; then
			done_now "process $(leader), log $BENCH_DIR/logs/quickstart.log"
			return
		fi
		leader >/dev/null || break
		sleep 1
	done
	tail -n 15 "$BENCH_DIR/logs/quickstart.log" 2>/dev/null | sed 's/^/  | /' >&2 || true
	stop_bench_services
	die "the services do not start." "Look at $BENCH_DIR/logs/quickstart.log."
}

# stop_bench_services: the leader ends its children; what survives is ended by its mark
stop_bench_services() {
	local pid waited signal=TERM
	if pid=$(leader); then
		as_user kill -TERM "$pid" 2>/dev/null || true
	fi
	for ((waited = 0; waited < 60; waited++)); do
		mapfile -t pids < <(service_pids)
		if ((${#pids[@]} == 0)); then
			break
		fi
		if ((waited == 20 || waited == 40)); then
			as_user kill "-$signal" "${pids[@]}" 2>/dev/null || true
			signal=KILL
		fi
		sleep 0.5
	done
	in_bench rm -f "$(service_pid_file)"
}

stop_services() {
	local running=""
	if [[ -n $(service_pids) ]]; then
		running=1
		stop_bench_services
	fi
	for port in "$(redis_port queue)" "$(redis_port cache)"; do
		if redis_answers "$port" && redis_is_ours "$port"; then
			running=1
			stop_redis "$port"
		fi
	done
	if [[ -n $running ]]; then
		printf 'Stopped the services of %s. MariaDB goes on.\n' "$BENCH_DIR"
	else
		printf 'No services of %s were running.\n' "$BENCH_DIR"
	fi
}

# print_status: one line a service; exit code 1 if something is down
print_status() {
	local code=0 kind port
	if mariadb_answers; then
		printf 'MariaDB        runs (%s)\n' "$DB_SOCKET"
	else
		printf 'MariaDB        is down\n'
		code=1
	fi
	for kind in cache queue; do
		port=$(redis_port "$kind")
		if redis_runs "$port"; then
			printf 'Redis %-8s runs (port %s)\n' "$kind" "$port"
		else
			printf 'Redis %-8s is down (port %s)\n' "$kind" "$port"
			code=1
		fi
	done
	if leader >/dev/null; then
		printf 'Services       run (%s: process %s)\n' "$(procfile_names | sed 's/ $//')" "$(leader)"
	else
		printf 'Services       are down\n'
		code=1
	fi
	if web_answers; then
		printf 'Web            answers: http://%s:%s\n' "$SITE" "$PORT"
	else
		printf 'Web            does not answer on port %s\n' "$PORT"
		code=1
	fi
	return "$code"
}
