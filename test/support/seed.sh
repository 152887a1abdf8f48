#!/bin/sh
# seed.sh VMM FROM TO IMAGE...: makes the data directory FROM with these images, where they are missing or out of date,
# and fills the new one TO from it. Called under a lock, so that no daemon writes to FROM meanwhile.
set -eu
vmm=$1 from=$2 to=$3
shift 3
export VMM_DATA_DIR="$from"
mkdir -p "$from"
chmod 755 "$from"
for image in "$@"; do "$vmm" image pull "$image" --progress plain; done
# The verdict on this host's engine is kept beside the images: made here, it saves each test host the trial guests.
"$vmm" doctor --json >/dev/null || true
pid=$("$vmm" daemon status --json | sed -n 's/^ *"pid": \([0-9]*\),*$/\1/p')
"$vmm" daemon stop >/dev/null
# It answers before it has closed its database.
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done

mkdir -p "$to/images" "$to/state"
chmod 755 "$to"
for folder in rootfs kernels; do
  # Hard links where the file system allows; else copies, with their holes, of shared blocks where it can.
  cp -al "$from/images/$folder" "$to/images/" 2>/dev/null ||
    { rm -rf "$to/images/$folder" && cp -a --sparse=always --reflink=auto "$from/images/$folder" "$to/images/"; }
done
for file in "$from"/state/*; do
  case ${file##*/} in tmp | cache | daemon.lock | daemon.log) ;; *) cp -a "$file" "$to/state/" ;; esac
done
