#!/usr/bin/env bash
# Installs the pinned conformance suite outside the source tree. Safe to run again: nothing is done twice.
# Where the system's Node is older than the suite needs, a pinned one is installed beside it.
#
#   COFFERDAM_TEST_DEPS   where to install (default: target/test-deps of this repository)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=/dev/null
source "$here/node-version.sh"
deps=${COFFERDAM_TEST_DEPS:-$here/../../target/test-deps}
mkdir -p "$deps"
into=$(cd "$deps" && pwd)/conformance

if ! command -v npm >/dev/null; then
  echo "npm is missing: install Node.js 20 or newer with npm" >&2
  exit 1
fi

omit=()
if system_node_is_new_enough; then
  omit=(--omit=optional)
elif [[ $(uname -sm) != "Linux x86_64" ]]; then
  echo "the suite needs Node.js $SUITE_NODE_MAJOR or newer: install it (a bundled one exists for Linux x86_64 only)" >&2
  exit 1
fi

# The installation is up to date when its stamp holds the hash of what decides its content.
hash=$({ cat "$here/package.json" "$here/package-lock.json"; echo "${omit[*]-}"; } | sha256sum | cut -d' ' -f1)
if [[ ! -f $into/.stamp || $(<"$into/.stamp") != "$hash" ]]; then
  rm -rf "$into"
  mkdir -p "$into"
  cp "$here/package.json" "$here/package-lock.json" "$into/"
  echo "installing the conformance suite into $into" >&2
  (cd "$into" && npm ci --ignore-scripts --no-audit --no-fund "${omit[@]}" >&2)
  echo "$hash" >"$into/.stamp"
fi
echo "the conformance suite is in $into" >&2
