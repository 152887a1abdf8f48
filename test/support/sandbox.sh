#!/bin/sh
# Runs a test suite as root in namespaces of its own (processes, mounts), so that whatever a broken test leaves behind
# ends with the suite, and tells what was left: sandbox.sh LEFTOVERS_FILE PROGRAM ARGS...
# Called by run-suites.ts as: unshare --mount --pid --fork --kill-child --mount-proc sandbox.sh ...
leftovers=$1
shift

# Named network namespaces are files and mounts in /run/netns: a private one keeps them apart from the host's.
mkdir -p /run/netns
mount -t tmpfs -o mode=0755 tmpfs /run/netns

"$@" &
wait $!
status=$?

# A process is left when it still lives a moment later; zombies are only waiting for us.
living() {
  for stat in /proc/[0-9]*/stat; do
    pid=${stat#/proc/}
    pid=${pid%/stat}
    case $pid in 1 | "$$") continue ;; esac
    line=$(cat "$stat" 2>/dev/null) || continue
    case ${line##*) } in Z* | X*) continue ;; esac
    command=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)
    # The shell's own helpers of this very loop have ended by the time they are looked at.
    [ -z "$command" ] || printf 'process %s: %.200s\n' "$pid" "$command"
  done
}
# Ten seconds: what a test started on purpose and forgot on purpose ends by itself within that.
for _ in $(seq 33); do
  found=$(living | grep -v -e "$0" || true)
  [ -n "$found" ] || break
  sleep 0.3
done
{
  [ -z "$found" ] || printf '%s\n' "$found"
  for name in /run/netns/*; do
    [ ! -e "$name" ] || printf 'network namespace %s\n' "${name##*/}"
  done
} >"$leftovers"
exit "$status"
