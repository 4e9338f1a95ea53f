#!/usr/bin/env bash
# Installs the pinned client packages outside the source tree. Safe to run again: nothing is done twice.
#
#   COFFERDAM_TEST_DEPS   where to install (default: target/test-deps of this repository)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
deps=${COFFERDAM_TEST_DEPS:-$here/../../target/test-deps}
mkdir -p "$deps"
deps=$(cd "$deps" && pwd)

need() { # need COMMAND WHAT-TO-INSTALL
  command -v "$1" >/dev/null || { echo "$1 is missing: install $2" >&2; exit 1; }
}

# A directory is up to date when its stamp holds the hash of the files that decide what is in it.
hash_of() {
  cat "$@" | sha256sum | cut -d' ' -f1
}

is_current() { # is_current DIR HASH
  [[ -f $1/.stamp && $(<"$1/.stamp") == "$2" ]]
}

install_node() {
  local into=$deps/node hash
  hash=$(hash_of "$here/node/package.json" "$here/node/package-lock.json")
  if is_current "$into" "$hash"; then
    return
  fi
  need node "Node.js 20 or newer"
  need npm "npm (it comes with Node.js)"
  rm -rf "$into"
  mkdir -p "$into"
  cp "$here/node/package.json" "$here/node/package-lock.json" "$into/"
  echo "installing the Node clients into $into" >&2
  (cd "$into" && npm ci --ignore-scripts --no-audit --no-fund >&2)
  echo "$hash" >"$into/.stamp"
}

install_python() { # install_python LINE  (v1 or v2)
  local into=$deps/python-$1 requirements=$here/python/requirements-$1.txt hash
  need python3 "Python 3.11 or newer"
  hash=$(python3 --version | cat - "$requirements" | sha256sum | cut -d' ' -f1)
  if is_current "$into" "$hash"; then
    return
  fi
  rm -rf "$into"
  echo "installing the Python client $1 into $into" >&2
  if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    echo "python3 cannot make virtual environments: install python3-venv" >&2
    exit 1
  fi
  python3 -m venv "$into"
  "$into/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"
  "$into/bin/python" -m pip check --disable-pip-version-check >&2
  echo "$hash" >"$into/.stamp"
}

install_node
install_python v1
install_python v2
echo "client packages are in $deps" >&2
