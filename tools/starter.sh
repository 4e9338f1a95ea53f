#!/usr/bin/env bash
# Sets a directory up with the starter plugins and their configuration, and approves what was just built.
#
#   tools/starter.sh COFFERDAM PLUGINS_DIR HOME_DIR
#
# Configuration that is in HOME_DIR already is left as it is.
set -euo pipefail

cofferdam=$1 built=$2 home=$3
here=$(cd "$(dirname "$0")/.." && pwd)

mkdir -p "$home/plugins"
for file in cofferdam.toml policy.toml; do
  [ -e "$home/$file" ] || cp "$here/starter/$file" "$home/$file"
done
for plugin in system; do
  part=$home/plugins/.$plugin.part
  cp "$built/$plugin.wasm" "$part"
  mv "$part" "$home/plugins/$plugin.wasm"
  "$cofferdam" approve "$plugin" --yes --config "$home/cofferdam.toml" >/dev/null
done
