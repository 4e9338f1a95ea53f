#!/usr/bin/env bash
# Puts the real programs that tests talk to outside the source tree: cosign 3, cosign 2 and docker-registry. Nothing is
# installed on the machine. Safe to run again: nothing is done twice.
#
# A cosign 3 or docker-registry that is on PATH is linked. Everything else is unpacked from Debian's packages.
#
#   COFFERDAM_TEST_DEPS   where to put them (default: target/test-deps of this repository)
#
# Result, in debian/ of that directory:
#   usr/bin/cosign, usr/bin/docker-registry
#   cosign2/usr/bin/cosign   signs the way that cosign 3 no longer does; absent where there is no apt
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
deps=${COFFERDAM_TEST_DEPS:-$here/../../target/test-deps}
mkdir -p "$deps"
into=$(cd "$deps" && pwd)/debian

# Releases, not versions: what a stable release has does not change but for fixes, and sid has no older one.
COSIGN=cosign/sid COSIGN2=cosign/trixie REGISTRY=docker-registry/bookworm
SUITES=(bookworm trixie sid)

source "$here/debian.sh"

on_path() { # on_path COMMAND: where it is, unless it is the one that this script put somewhere
  local found
  found=$(type -P "$1") && [[ $found != "$into"/* ]] && echo "$found"
}

# Debian's own builds do not say which version they are, and count as none.
says_cosign_3() { # says_cosign_3 PROGRAM
  local major
  major=$("$1" version 2>/dev/null | sed -n 's/^GitVersion: *v\([0-9][0-9]*\)\..*/\1/p') && ((${major:-0} >= 3))
}

# --- the programs --------------------------------------------------------------------------------------------------
link() { # link PROGRAM NAME
  mkdir -p "$into/usr/bin"
  ln -s "$1" "$into/usr/bin/$2"
}

install_cosign() {
  local found
  if found=$(on_path cosign) && says_cosign_3 "$found"; then
    link "$found" cosign
  elif ! unpack "$COSIGN" 3 "$into" || ! starts "$into/usr/bin/cosign" version; then
    fail "cosign is missing: install cosign 3 or newer (here it could not be fetched from Debian)"
  fi
}

install_registry() {
  local found
  if found=$(on_path docker-registry) && starts "$found" --version; then
    link "$found" docker-registry
  elif ! unpack "$REGISTRY" 2.8 "$into" || ! starts "$into/usr/bin/docker-registry" --version; then
    fail "docker-registry is missing: install docker-registry 2.8 or newer (here it could not be fetched from Debian)"
  fi
}

install_cosign2() {
  if ! unpack "$COSIGN2" 2.5 "$into/cosign2" || ! starts "$into/cosign2/usr/bin/cosign" version; then
    rm -rf "$into/cosign2"
    echo "cosign 2 is not to be had here: tests of what it signs are left out" >&2
  fi
}

# Up to date when the stamp is of these files and this kind of machine, and what was linked is still there.
hash=$({ uname -sm; cat "${BASH_SOURCE[0]}" "$here/debian.sh"; } | sha256sum | cut -d' ' -f1)
if [[ ! -f $into/.stamp || $(<"$into/.stamp") != "$hash" || ! -x $into/usr/bin/cosign || ! -x $into/usr/bin/docker-registry ]]; then
  echo "putting cosign and docker-registry into $into" >&2
  rm -rf "$into"
  mkdir -p "$into"
  install_cosign
  install_registry
  install_cosign2
  echo "$hash" >"$into/.stamp"
fi
echo "cosign and docker-registry are in $into/usr/bin" >&2
