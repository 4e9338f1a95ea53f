#!/usr/bin/env bash
# Builds the plugins of a cargo workspace to components and puts each finished one into a directory.
#
#   tools/build-guests.sh WORKSPACE_DIR OUT_DIR [--exclude CRATE]...
#   tools/build-guests.sh plugins /var/lib/cofferdam/plugins
#
# Every cdylib crate of the workspace becomes OUT_DIR/<crate>.wasm, underscores as dashes. A file is replaced only when
# its bytes differ, and in one step: a host that watches OUT_DIR never sees half a component. Nothing is removed.
# The same sources and compiler give the same bytes, wherever they lie; the caller's RUSTFLAGS do not count.
#
# GUEST_TARGET_DIR  where cargo builds, in a folder for each workspace (default: target/guests of this repository).
#                   CARGO_TARGET_DIR is not used: the guests' compiler may not be the host's, and the two would
#                   throw away each other's work.
set -euo pipefail

log() { echo "build-guests: $*" >&2; }
die() { log "$*"; exit 1; }
usage() { die "usage: build-guests.sh WORKSPACE_DIR OUT_DIR [--exclude CRATE]..."; }

# --- arguments ---------------------------------------------------------------------------------------------------
[ $# -ge 2 ] || usage
workspace=$1
out=$2
shift 2
exclude=()
while [ $# -gt 0 ]; do
  case $1 in
    --exclude) [ $# -ge 2 ] || usage; exclude+=(--exclude "$2"); shift 2 ;;
    --exclude=*) exclude+=("$1"); shift ;;
    *) usage ;;
  esac
done
[ -f "$workspace/Cargo.toml" ] || die "no Cargo.toml in $workspace"
workspace=$(cd "$workspace" && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${GUEST_TARGET_DIR:-$repository/target/guests}/$(basename "$workspace")
messages=$(mktemp)
fresh=
trap 'rm -f "$messages" ${fresh:+"$fresh"}' EXIT

# --- build -------------------------------------------------------------------------------------------------------
wasm_rustc=$("$repository/tools/wasi-target.sh")

# Panic messages name source files: without this each machine's paths would end up in the component.
sep=$'\x1f'
rustflags="--remap-path-prefix=$workspace=/plugins${sep}--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"

# One JSON object a line on stdout, what people read on stderr. --workspace gives --exclude its meaning.
env -u RUSTC -u RUSTFLAGS ${wasm_rustc:+RUSTC="$wasm_rustc"} CARGO_ENCODED_RUSTFLAGS="$rustflags" \
  cargo build --release --locked --workspace ${exclude[@]+"${exclude[@]}"} --target wasm32-wasip2 \
  --manifest-path "$workspace/Cargo.toml" --target-dir "$target" --message-format=json-render-diagnostics >"$messages"

# --- copy --------------------------------------------------------------------------------------------------------
# From what cargo says it made, not from what lies in its directory: a crate that was renamed or removed leaves its
# old file there. Path dependencies are the workspace's own crates; of those, the cdylibs.
components=$(grep '"reason":"compiler-artifact"' "$messages" | grep '"package_id":"path+file:' | grep '"crate_types":\[[^]]*"cdylib"' |
  grep -o '"[^"]*\.wasm"' | tr -d '"' | sort -u) || die "$workspace has no crate of type cdylib"

while IFS= read -r component; do
  name=$(basename "$component" .wasm | tr _ -)
  finished=$out/$name.wasm
  if cmp -s "$component" "$finished"; then
    log "$name: unchanged"
    continue
  fi
  fresh=$(mktemp "$out/.$name.XXXXXX") # not *.wasm: nobody looks at it yet
  cp "$component" "$fresh"
  chmod 644 "$fresh"
  mv -f "$fresh" "$finished"
  fresh=
  log "$name: $(wc -c <"$finished" | tr -d ' ') bytes"
done <<<"$components"
