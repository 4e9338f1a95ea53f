#!/usr/bin/env bash
# Runs every check and every test, and closes with a count. `make test` sets up what it needs and calls it.
#
# All steps run, also after one has failed, so that one run tells everything.
set -uo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=()
native=${GUEST_NATIVE_TARGET_DIR:-target/guests-native}

step() { # name, command...
  local name=$1 began=$SECONDS
  shift
  echo "== $name"
  if "$@" 2>&1 | tee -a "$log"; then
    echo "== $name: done in $((SECONDS - began)) s"
  else
    failed+=("$name")
    echo "== $name: FAILED after $((SECONDS - began)) s"
  fi
}

step "formatting" cargo fmt --all --check
step "formatting of plugins" cargo fmt --all --check --manifest-path plugins/Cargo.toml
step "formatting of test guests" cargo fmt --all --check --manifest-path tests/guests/Cargo.toml
step "clippy" cargo clippy --workspace --all-targets --locked -- -D warnings
step "clippy of plugins" cargo clippy --all-targets --locked --manifest-path plugins/Cargo.toml --target-dir "$native" -- -D warnings
step "unit tests of plugins" cargo test --locked --no-fail-fast --manifest-path plugins/Cargo.toml --target-dir "$native"
step "build of the host" cargo build --workspace --all-targets --locked
step "tests of the host" cargo test --workspace --locked --no-fail-fast

passed=$(awk '/^test result:/ { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^passed/) n += $i } END { print n + 0 }' "$log")
lost=$(awk '/^test result:/ { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^failed/) n += $i } END { print n + 0 }' "$log")
# A step that failed without a failed test of its own counts as one.
[ "${#failed[@]}" -gt 0 ] && [ "$lost" -eq 0 ] && lost=${#failed[@]}

echo
for name in ${failed[@]+"${failed[@]}"}; do echo "failed: $name"; done
grep -E '^conformance: ' "$log" || true
echo "$passed passed, $lost failed"
[ "${#failed[@]}" -eq 0 ]
