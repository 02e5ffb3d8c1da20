#!/usr/bin/env bash
# enter_bare_system.sh DIR ARCHIVES COMMAND…: runs a command in the system below DIR. Called by scripts/try-bare-machine
# as the first process of namespaces of its own, so that no mount made here is seen outside, and all of them end with it.
set -euo pipefail
system=$1 archives=$2
shift 2

hostname bare-machine
mount -t proc proc "$system/proc"
mount -t sysfs -o ro sysfs "$system/sys"
mount -t tmpfs -o mode=755 tmpfs "$system/run"
mkdir -p "$system/run/lock"
mount -t tmpfs -o mode=755 tmpfs "$system/dev"
for name in null zero full random urandom tty; do
	: >"$system/dev/$name"
	mount --bind "/dev/$name" "$system/dev/$name"
done
mkdir "$system/dev/pts" "$system/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$system/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$system/dev/shm"
ln -s pts/ptmx "$system/dev/ptmx"
ln -s /proc/self/fd "$system/dev/fd"
ln -s /proc/self/fd/0 "$system/dev/stdin"
ln -s /proc/self/fd/1 "$system/dev/stdout"
ln -s /proc/self/fd/2 "$system/dev/stderr"
mount --bind "$archives" "$system/var/cache/apt/archives"
while IFS= read -r folder; do
	if [[ -n $folder ]]; then
		mkdir -p "$system$folder"
		mount --bind "$folder" "$system$folder"
		mount -o remount,bind,ro "$system$folder"
	fi
done <"$system/root/binds"

# no exec: the first process stays this shell, which takes care of the orphans of services
code=0
chroot "$system" "$@" || code=$?
exit "$code"
