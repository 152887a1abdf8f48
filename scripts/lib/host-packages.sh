# shellcheck shell=bash
# Installs the host packages that are missing, and only those. Debian 12, Ubuntu 24.04 and their like.

# One line a package: group, package, what tells that it is there (an absolute path, or a program), why it is needed.
# Where a probe may be one of several, they are joined with `|`. A package with `?` is left out where no source has it.
package_table() {
  cat <<'TABLE'
base curl            curl                                  downloads Node.js and npm
base ca-certificates /etc/ssl/certs/ca-certificates.crt    checks the servers it downloads from
base libatomic1      /usr/lib/x86_64-linux-gnu/libatomic.so.1 a library that the pinned Node.js needs
run  qemu-system-x86 qemu-system-x86_64                    runs the virtual machines
run  virtiofsd?      /usr/libexec/virtiofsd|/usr/lib/qemu/virtiofsd live host directories in guests
run  iproute2        ip                                    makes the bridge and the taps
run  nftables        nft                                   NAT, port forwards and isolation
run  conntrack?      conntrack                             ends connections of forwards that are removed
run  e2fsprogs       mkfs.ext4                             makes disks and mount images
run  mmdebstrap      mmdebstrap                            makes the default image from the distribution
run  openssh-client  ssh                                   vmm ssh, exec and cp
test iptables        iptables                              tests beside Docker's kind of rules
test xfsprogs        mkfs.xfs                              tests of disks on xfs
test btrfs-progs     mkfs.btrfs                            tests of disks on btrfs
test busybox-static  busybox                               small guests and servers for the tests
test procps          pgrep                                 looks for processes that a test left
TABLE
}

# have PROBE: a program is also looked for in the sbin directories, which a user's PATH may lack.
have() {
  local probe IFS='|'
  for probe in $1; do
    case $probe in
      /*) [ -e "$probe" ] && return 0 ;;
      *)
        command -v "$probe" >/dev/null 2>&1 && return 0
        [ -x "/usr/sbin/$probe" ] || [ -x "/sbin/$probe" ] && return 0
        ;;
    esac
  done
  return 1
}

# run_apt COMMAND...: quiet, except for a remark when another program holds dpkg's lock. apt-get itself waits for it.
run_apt() {
  local told='' status=0 as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  {
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a NEEDRESTART_SUSPEND=1 \
      apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" </dev/null 2>&1 9>&- || echo $? >"$apt_log.status"
  } | while IFS= read -r line; do
    printf '%s\n' "$line" >>"$apt_log"
    if [ -z "$told" ] && [[ $line == *"Waiting for cache lock"* ]]; then
      remark 'waiting: another program is installing packages'
      told=yes
    fi
  done
  if [ -e "$apt_log.status" ]; then
    status=$(cat "$apt_log.status")
    rm -f "$apt_log.status"
  fi
  return "$status"
}

# `apt-get update` does not wait for its own lock, so we do.
update_lists() {
  local try
  remark 'apt-get update: the package lists are missing or old'
  for try in 1 2 3 4 5 6 7 8 9 10; do
    run_apt update && return 0
    grep -q 'Could not get lock' "$apt_log" || return 1
    [ "$try" = 1 ] && remark 'waiting: another program is updating the package lists'
    : >"$apt_log"
    sleep 15
  done
  return 1
}

# Names the packages that no source offers.
without_candidate() {
  local package policy
  for package in "$@"; do
    policy=$(apt-cache policy "$package" 2>/dev/null)
    [[ $policy =~ Candidate:\ [^\(] ]] || printf '%s\n' "$package"
  done
}

apt_failed() {
  tail -n 20 "$apt_log" >&2
  rm -f "$apt_log"
  die "$1" "$2"
}

# ensure_packages GROUP...
ensure_packages() {
  local wanted=" $* " missing=() optional=() group package probe why absent
  while read -r group package probe why; do
    [[ $wanted == *" $group "* ]] || continue
    have "$probe" && continue
    case $package in
      *\?) optional+=("${package%\?}") ;;
      *) missing+=("$package") ;;
    esac
    [[ $package == *\? ]] || remark "$(printf '%-16s %s' "$package" "$why")"
  done < <(package_table)
  if [ ${#missing[@]} -gt 0 ] && ! command -v apt-get >/dev/null 2>&1; then
    die "this host lacks: ${missing[*]}" 'install them with its own package manager; only apt-get is known to this script'
  fi
  apt_log=$(mktemp)
  if [ ${#missing[@]} -gt 0 ] && [ -n "$(without_candidate "${missing[@]}")" ]; then
    update_lists || apt_failed 'apt-get update failed' 'check the network and /etc/apt/sources.list*'
    absent=$(without_candidate "${missing[@]}" | tr '\n' ' ')
    [ -z "$absent" ] ||
      apt_failed "no package source offers: $absent" 'on Ubuntu, switch universe on: sudo add-apt-repository universe'
  fi
  for package in ${optional[@]+"${optional[@]}"}; do
    [ -n "$(without_candidate "$package")" ] || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    install_packages "${missing[@]}"
  else
    remark 'all host packages are there'
  fi
  rm -f "$apt_log"
}

install_packages() {
  remark "installing with apt-get: $*"
  if ! run_apt install -y --no-install-recommends "$@"; then
    # Old lists name versions that the archive no longer has.
    if ! update_lists || ! run_apt install -y --no-install-recommends "$@"; then
      apt_failed 'apt-get install failed' "try it by hand: apt-get install $*"
    fi
  fi
}
