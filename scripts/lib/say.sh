# shellcheck shell=bash
# What the scripts print: phases with their time, remarks, and errors that say what to type next.

if [ -t 1 ]; then
  bold=$'\e[1m' red=$'\e[31m' dim=$'\e[2m' plain=$'\e[0m'
else
  bold='' red='' dim='' plain=''
fi

say() { printf '%s\n' "$*"; }
remark() { printf '  %s%s%s\n' "$dim" "$*" "$plain"; }

# die MESSAGE [HINT]
die() {
  printf '%serror:%s %s\n' "$red" "$plain" "$1" >&2
  [ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2
  exit 1
}

now_ms() {
  # EPOCHREALTIME is bash's own; its decimal sign follows the locale.
  local t=${EPOCHREALTIME/[.,]/}
  printf '%s' "$((t / 1000))"
}

seconds_of() { printf '%d.%01d s' "$(($1 / 1000))" "$(($1 % 1000 / 100))"; }

phase_names=()
phase_times=()

# phase NAME COMMAND...: runs the command in this shell and remembers how long it took.
phase() {
  local name=$1 begun
  shift
  say "${bold}==> $name${plain}"
  begun=$(now_ms)
  # Errors end the script inside; no `if` around it, since that would switch `set -e` off within.
  "$@"
  phase_names+=("$name")
  phase_times+=("$(($(now_ms) - begun))")
}

print_phases() {
  local i total=0
  say "${bold}Timing${plain}"
  for i in "${!phase_names[@]}"; do
    printf '  %-44s %8s\n' "${phase_names[$i]}" "$(seconds_of "${phase_times[$i]}")"
    total=$((total + phase_times[i]))
  done
  printf '  %-44s %8s\n' total "$(seconds_of "$total")"
}
