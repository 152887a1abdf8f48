#!/bin/bash
# A guest by hand: bare-launch.sh ADDRESS KEY PIDFILE PROGRAM ARGS... starts the program in the current directory and
# returns once an ssh command in the guest has succeeded.
address=$1 key=$2 pidfile=$3
shift 3
"$@" </dev/null >qemu.log 2>&1 &
echo $! >"$pidfile"
# Asks often and cheaply until sshd says its banner: an ssh attempt of its own would wait a second for each lost packet.
until timeout 0.3 bash -c "exec 3<>/dev/tcp/$address/22 && IFS= read -r line <&3" 2>/dev/null; do
  kill -0 $! 2>/dev/null || { cat qemu.log >&2; exit 1; }
  sleep 0.05
done
until ssh -i "$key" -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=20 -o LogLevel=ERROR \
  -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "root@$address" true; do
  kill -0 $! 2>/dev/null || { cat qemu.log >&2; exit 1; }
  sleep 0.05
done
