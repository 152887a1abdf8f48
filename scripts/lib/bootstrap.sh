# shellcheck shell=bash
# Brings a fresh Debian 12 or Ubuntu 24.04 to where bin/vmm runs from this checkout. Safe to repeat; the second time it
# finds nothing to do. Sourced by quickstart.sh, test.sh and install.sh.

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck source=scripts/lib/say.sh
. "$checkout/scripts/lib/say.sh"
# shellcheck source=scripts/lib/host-packages.sh
. "$checkout/scripts/lib/host-packages.sh"
# shellcheck source=scripts/lib/node.sh
. "$checkout/scripts/lib/node.sh"

# A command that fails without a word of its own would end a script silently.
set -E
trap 'printf "failed: %s line %s (exit code %s)\n" "${BASH_SOURCE[0]##*/}" "$LINENO" "$?" >&2' ERR

# become_root SCRIPT ARGS...: goes on as root by sudo. Of the caller's environment only what the scripts read comes along.
become_root() {
  [ "$(id -u)" = 0 ] && return 0
  command -v sudo >/dev/null 2>&1 || die 'this needs root, and sudo is not installed' "run it as root: su -c '$*'"
  say 'Root is needed for packages, the bridge and the firewall table: going on with sudo.'
  exec sudo --preserve-env=VMM_DATA_DIR,VMM_TEST_CACHE,XDG_CACHE_HOME,npm_config_registry,NPM_CONFIG_REGISTRY,http_proxy,https_proxy,no_proxy,HTTP_PROXY,HTTPS_PROXY,NO_PROXY,SSL_CERT_FILE,CURL_CA_BUNDLE,NODE_EXTRA_CA_CERTS,NO_COLOR,CI \
    -- bash "$@"
}

require_supported_host() {
  [ "$(uname -s)" = Linux ] || die "vmm runs on Linux; this is $(uname -s)" 'use a Linux host or a Linux virtual machine'
  case $(uname -m) in
    x86_64 | amd64) ;;
    aarch64 | arm64) die 'this version of vmm supports x86_64 hosts; this one is arm64' 'use an x86_64 host' ;;
    *) die "this version of vmm supports x86_64 hosts; this one is $(uname -m)" 'use an x86_64 host' ;;
  esac
}

# Two runs at once would unpack over each other: the second waits for the first. The lock goes with this process.
take_bootstrap_lock() {
  as_owner mkdir -p "$checkout/.cache"
  as_owner touch "$checkout/.cache/bootstrap.lock"
  exec 9>"$checkout/.cache/bootstrap.lock"
  flock -n 9 && return 0
  remark 'waiting: another run is preparing this checkout'
  flock -w 1800 9 || die 'another run has been preparing this checkout for half an hour' "see who holds $checkout/.cache/bootstrap.lock"
}

# Children (a daemon above all) must not inherit the lock, or it would never be free again.
release_bootstrap_lock() { exec 9>&-; }

# bootstrap GROUP...: the groups of host packages that are wanted.
bootstrap() {
  require_supported_host
  take_bootstrap_lock
  phase 'Host packages' ensure_packages "$@"
  phase 'Node.js and npm packages' install_npm_packages
  phase 'Build' build
  release_bootstrap_lock
}
