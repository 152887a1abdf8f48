#!/usr/bin/env bash
# From a fresh Debian 12 or Ubuntu 24.04 to a virtual machine that answered ssh.
set -euo pipefail
# shellcheck source=scripts/lib/bootstrap.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/bootstrap.sh"

usage() {
  cat <<'USAGE'
Usage: ./scripts/quickstart.sh [options]

Installs what is missing, makes the guest kernel and an image, starts a virtual machine, runs a command in it by ssh
and removes it again. Images and downloads stay, so that a second run takes seconds. Root is asked for with sudo.

Options:
  --image NAME     debian (default) or tiny, an image of busybox alone that boots in a few seconds
  --keep           leave the virtual machine running
  --data-dir DIR   where vmm keeps its files (default: $VMM_DATA_DIR, else /var/lib/vmm)
  --help           show this
USAGE
}

image=debian keep=no data_dir=${VMM_DATA_DIR:-} vm=vmm-quickstart
arguments=("$@")
while [ $# -gt 0 ]; do
  case $1 in
    --image | --data-dir) [ $# -ge 2 ] || die "$1 needs a value" 'see: ./scripts/quickstart.sh --help' ;;
  esac
  case $1 in
    --image) image=$2 && shift 2 ;;
    --image=*) image=${1#*=} && shift ;;
    --data-dir) data_dir=$2 && shift 2 ;;
    --data-dir=*) data_dir=${1#*=} && shift ;;
    --keep) keep=yes && shift ;;
    -h | --help) usage && exit 0 ;;
    *) die "unknown option: $1" 'see: ./scripts/quickstart.sh --help' ;;
  esac
done
case $image in debian | tiny) ;; *) die "unknown image: $image" 'use --image debian or --image tiny' ;; esac
if [ -n "$data_dir" ]; then
  [[ $data_dir == /* ]] || data_dir=$PWD/$data_dir
  export VMM_DATA_DIR=$data_dir
fi
become_root "$checkout/scripts/quickstart.sh" ${arguments[@]+"${arguments[@]}"}

vmm() { "$checkout/bin/vmm" "$@"; }

# On a terminal vmm draws its progress; in a log each step is a line.
progress=auto
[ -t 2 ] || progress=plain

cleanup() {
  local status=$?
  trap - EXIT INT TERM
  if [ -n "${created:-}" ] && { [ "$keep" = no ] || [ "$status" != 0 ]; }; then
    say "${bold}==> Cleaning up${plain}"
    if vmm delete --force "$vm" >/dev/null; then
      remark "removed the virtual machine $vm; images and downloads stay for the next run"
    fi
  fi
  exit "$status"
}

check_host() {
  # A failed check is told and does not end the run: what is really missing ends it where it is needed.
  vmm doctor || true
}

pull_image() { vmm image pull "$image" --progress "$progress"; }

create_vm() {
  # One that an earlier run kept, or that its end left behind.
  if vmm inspect "$vm" >/dev/null 2>&1; then
    remark "removing the $vm of an earlier run"
    vmm delete --force "$vm" >/dev/null
  fi
  created=yes
  vmm create "$vm" --image "$image" --memory 512
}

start_vm() { vmm start "$vm" --progress "$progress"; }

use_vm() {
  # Expanded by the guest's shell, not by ours.
  # shellcheck disable=SC2016
  local command='uname -a; (. /etc/os-release && echo "$PRETTY_NAME"); uptime'
  say "  \$ vmm ssh $vm -- '$command'"
  vmm ssh "$vm" -- "$command" | sed 's/^/  /'
}

next_steps() {
  local sudo='' vmm=./bin/vmm key='' candidate home=${HOME:-/root}
  if [ -n "${SUDO_USER:-}" ]; then
    sudo='sudo '
    home=$(getent passwd "$SUDO_USER" | cut -d: -f6)
  fi
  [ "$PWD" = "$checkout" ] || vmm=$checkout/bin/vmm
  for candidate in id_ed25519 id_ecdsa id_rsa; do
    if [ -r "$home/.ssh/$candidate.pub" ]; then
      key=" --ssh-key ~/.ssh/$candidate.pub"
      break
    fi
  done
  [ -z "$data_dir" ] || vmm="env VMM_DATA_DIR=$data_dir $vmm"
  say "${bold}Next${plain}"
  say "  ${sudo}${vmm} create web --image $image --cpus 2 --memory 1024$key"
  say "  ${sudo}${vmm} start web"
  say "  ${sudo}${vmm} ssh web"
}

bootstrap base run
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
phase 'Checking this host' check_host
phase "Guest kernel and image $image" pull_image
phase 'Creating a virtual machine' create_vm
phase 'Starting it' start_vm
phase 'Running a command in it by ssh' use_vm
if [ "$keep" = no ]; then
  phase 'Removing it' vmm delete --force "$vm"
else
  remark "kept, as asked: $vm"
fi
created=
print_phases
next_steps
