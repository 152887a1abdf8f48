#!/usr/bin/env bash
# Runs quickstart.sh twice in a bare root tree of Debian 12 or Ubuntu 24.04: no Node.js, no curl, no certificates, only
# what the distribution calls minimal. The tree has processes, mounts and a network of its own (with the internet behind
# a user-mode NAT), so this host's interfaces and firewall stay untouched.
set -euo pipefail
# shellcheck source=scripts/lib/bootstrap.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/bootstrap.sh"

usage() {
  cat <<'USAGE'
Usage: ./scripts/prove-bare.sh [debian|ubuntu] [options] [-- quickstart options]

Options:
  --user       run it as an ordinary user with sudo, in a checkout of that user
  --tree DIR   use this folder for the root tree, and keep it; one that is there already is used as it stands
  --help       show this

Takes some 3 GB in $TMPDIR (/tmp) and several minutes. Proves the last commit, not the working tree.
USAGE
}

distribution=debian as_user=no tree='' passed=()
arguments=("$@")
while [ $# -gt 0 ]; do
  case $1 in
    debian | ubuntu) distribution=$1 && shift ;;
    --user) as_user=yes && shift ;;
    --tree)
      [ $# -ge 2 ] || die '--tree needs a value' 'see: ./scripts/prove-bare.sh --help'
      tree=$2 && shift 2
      ;;
    -h | --help) usage && exit 0 ;;
    --) shift && passed=("$@") && break ;;
    *) die "unknown option: $1" 'see: ./scripts/prove-bare.sh --help' ;;
  esac
done
require_supported_host
become_root "$checkout/scripts/prove-bare.sh" ${arguments[@]+"${arguments[@]}"}

scratch=$(mktemp -d)
# apt reads the keys as a user of its own.
chmod 755 "$scratch"
keep_tree=yes
if [ -z "$tree" ]; then
  tree=$scratch/tree keep_tree=no
fi
holder='' gateway=''
cleanup() {
  local status=$?
  trap - EXIT INT TERM ERR
  # The holder is the first process of the tree's namespaces: all of them end with it.
  [ -z "$holder" ] || kill -KILL "$holder" 2>/dev/null || true
  [ -z "$gateway" ] || kill "$gateway" 2>/dev/null || true
  wait 2>/dev/null || true
  [ "$keep_tree" = no ] || say "kept the tree $tree"
  # --one-file-system: should a mount have stayed, what is behind it must not be deleted.
  rm -rf --one-file-system "$scratch"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

install_tools() {
  local package
  for package in mmdebstrap:mmdebstrap slirp4netns:slirp4netns curl:curl; do
    have "${package%:*}" && continue
    apt_log=$(mktemp)
    run_apt install -y --no-install-recommends "${package#*:}" || apt_failed "cannot install ${package#*:}" 'apt-get update?'
    rm -f "$apt_log"
  done
}

# Debian 12 has no package of Ubuntu's keys, so they come from Ubuntu's archive, by a pinned hash.
ubuntu_keys() {
  local ours=/usr/share/keyrings/ubuntu-archive-keyring.gpg deb=$scratch/ubuntu-keyring.deb
  if [ ! -e "$ours" ]; then
    curl -fsSL --retry 3 --max-time 120 -o "$deb" \
      http://archive.ubuntu.com/ubuntu/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb
    echo "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8  $deb" | sha256sum --check --quiet
    dpkg-deb -x "$deb" "$scratch/keys"
    ours=$scratch/keys/usr/share/keyrings/ubuntu-archive-keyring.gpg
  fi
  printf '%s' "$ours"
}

make_tree() {
  # Ubuntu counts apt among the important packages, not the required ones; every real machine has it.
  local keys packages=--include=apt
  if [ -e "$tree/etc/os-release" ]; then
    remark "using the tree $tree as it stands"
    return
  fi
  [ "$as_user" = no ] || packages=--include=apt,sudo
  case $distribution in
    debian)
      mmdebstrap --quiet --variant=minbase "$packages" bookworm "$tree" http://deb.debian.org/debian
      ;;
    ubuntu)
      keys=$(ubuntu_keys)
      mmdebstrap --quiet --variant=minbase "$packages" --keyring="$keys" --components=main,universe noble "$tree" \
        http://archive.ubuntu.com/ubuntu
      ;;
  esac
}

# What a machine behind a proxy or with a certificate authority of its own would have been set up with.
pass_host_setup() {
  local bundle=${SSL_CERT_FILE:-${CURL_CA_BUNDLE:-${NODE_EXTRA_CA_CERTS:-}}}
  apt-config dump | grep -E '^Acquire::https?::Proxy ' >"$tree/etc/apt/apt.conf.d/90proxy" || true
  if [ -n "$bundle" ]; then
    cp "$bundle" "$tree/etc/ssl-host-bundle.crt"
  fi
  echo 'nameserver 10.0.2.3' >"$tree/etc/resolv.conf"
  echo '127.0.0.1 localhost bare' >"$tree/etc/hosts"
}

copy_checkout() {
  home=/root
  if [ "$as_user" = yes ]; then
    home=/home/person
    chroot "$tree" id person >/dev/null 2>&1 || chroot "$tree" useradd --create-home --shell /bin/bash person
    echo 'person ALL=(ALL) NOPASSWD: ALL' >"$tree/etc/sudoers.d/person"
  fi
  rm -rf "${tree:?}$home/vmm"
  mkdir -p "$tree$home/vmm"
  git -c safe.directory="$checkout" -C "$checkout" archive HEAD | tar -x -C "$tree$home/vmm"
  [ "$as_user" = no ] || chroot "$tree" chown -R person: "$home/vmm"
}

# The first process of the tree's own namespaces; everything else joins it.
open_namespaces() {
  local unshare child=''
  # shellcheck disable=SC2016 # expanded by the inner shell
  unshare --mount --pid --net --uts --fork --kill-child bash -c '
    hostname bare
    mount -t proc proc "$1/proc"
    mount -t sysfs sysfs "$1/sys"
    mount --rbind /dev "$1/dev"
    mount -t tmpfs -o mode=0755 tmpfs "$1/run"
    exec sleep infinity' bash "$tree" 2>"$scratch/unshare.log" &
  unshare=$!
  for _ in $(seq 50); do
    child=$(pgrep -P "$unshare" sleep || true)
    [ -z "$child" ] || break
    sleep 0.1
  done
  [ -n "$child" ] || die 'cannot make namespaces here' 'this needs a full root, not that of a restricted container'
  holder=$child
  slirp4netns --configure --mtu=1500 --disable-host-loopback "$holder" tap0 >"$scratch/slirp.log" 2>&1 &
  gateway=$!
  for _ in $(seq 50); do
    nsenter --target "$holder" --net ip route show default 2>/dev/null | grep . >/dev/null && return
    sleep 0.1
  done
  die "no network in the tree: $(cat "$scratch/slirp.log")" 'is /dev/net/tun there?'
}

# inside COMMAND...: in the tree, with nothing of this host's environment but what it needs to reach the internet.
inside() {
  local env=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb HOME="$home" LANG=C.UTF-8) name
  for name in npm_config_registry http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!name:-}" ] || env+=("$name=${!name}")
  done
  if [ -e "$tree/etc/ssl-host-bundle.crt" ]; then
    for name in SSL_CERT_FILE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS; do env+=("$name=/etc/ssl-host-bundle.crt"); done
  fi
  local user=()
  [ "$as_user" = no ] || user=(--userspec=person:person)
  # shellcheck disable=SC2016 # expanded by the inner shell
  nsenter --target "$holder" --mount --pid --net --uts \
    chroot ${user[@]+"${user[@]}"} "$tree" env -i "${env[@]}" bash -c 'cd "$HOME/vmm" && exec "$@"' bash "$@"
}

run_quickstart() { inside ./scripts/quickstart.sh ${passed[@]+"${passed[@]}"}; }

# Images and caches stay; whatever belongs to a machine's running must be gone.
assert_empty() {
  local left
  # The daemon goes a minute after its last client; a person need not wait for it, a proof may end it.
  nsenter --target "$holder" --mount --pid --net chroot "$tree" "$home/vmm/bin/vmm" daemon stop >/dev/null 2>&1 || true
  # shellcheck disable=SC2016 # expanded by the inner shell
  left=$(inside bash -c 'cat /proc/[0-9]*/comm' 2>/dev/null | grep -E '^(qemu|virtiofsd)' || true)
  left+=$(nsenter --target "$holder" --net ip -br link | grep -E '^(vmm-|tap[^0]|vmt)' || true)
  [ -z "$left" ] || die "left behind: $left"
  remark 'nothing is left: no guest, no tap'
}

phase 'Tools of this script' install_tools
phase "A bare tree of $distribution" make_tree
pass_host_setup
copy_checkout
open_namespaces
phase 'quickstart.sh, the first time' run_quickstart
phase 'What is left' assert_empty
phase 'quickstart.sh, the second time' run_quickstart
print_phases
