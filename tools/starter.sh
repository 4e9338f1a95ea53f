#!/usr/bin/env bash
# Sets a directory up with the starter plugins, their configuration, and a development key that signs what was just built.
#
#   tools/starter.sh COFFERDAM PLUGINS_DIR HOME_DIR
#
# Configuration that is in HOME_DIR already is left as it is. The key is made on the spot, the first time: no other
# policy knows it.
set -euo pipefail

cofferdam=$1 built=$2 home=$3
here=$(cd "$(dirname "$0")/.." && pwd)

mkdir -p "$home/plugins"
for file in cofferdam.toml policy.toml; do
  [ -e "$home/$file" ] || cp "$here/starter/$file" "$home/$file"
done
"$cofferdam" init "$home" >/dev/null

parts=$home/.parts
rm -rf "$parts"
mkdir "$parts"
trap 'rm -rf "$parts"' EXIT
for plugin in system; do
  cp "$built/$plugin.wasm" "$parts/$plugin.wasm"
  # The name is signed with the rest: a policy that grants something to it means this component and no other.
  "$cofferdam" sign "$parts/$plugin.wasm" --key "$home/keys/dev.key" --name "$plugin" >/dev/null
  cmp -s "$parts/$plugin.wasm" "$home/plugins/$plugin.wasm" && continue
  mv "$parts/$plugin.wasm.sigstore.json" "$home/plugins/"
  mv "$parts/$plugin.wasm" "$home/plugins/"
done
