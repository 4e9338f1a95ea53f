# shellcheck shell=bash
# Sourced by the scripts here: unpacks Debian's packages without installing anything on the machine. They come from the
# mirror that this machine's apt uses and are checked against Debian's keys. apt's own lists are not touched.
#
# Before the first unpack, SUITES is an array of the suites to look in.

fail() {
  echo "$*" >&2
  exit 1
}

starts() { # starts PROGRAM ARGUMENT
  "$@" >/dev/null
}

root=
trap 'rm -rf ${root:+"$root"}' EXIT

# Asks the mirrors of this machine, one after the other, for the suites. Third parties have none of Debian's.
open_debian() {
  [[ -z $root ]] || return 0
  local keyring site suite sites
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
  for keyring in /usr/share/keyrings/debian-archive-keyring.*; do break; done
  [[ -f $keyring ]] || return 1
  # The addresses as they are configured: known before anything was ever fetched.
  sites=$(apt-get update --print-uris 2>/dev/null | sed -n "s|^'\(.*\)/dists/.*/InRelease'.*|\1|p" |
    grep -v security | awk '!seen[$0]++') || return 1
  root=$(mktemp -d)
  mkdir -p "$root"/lists/partial "$root"/cache/archives/partial
  # The machine's proxies stay in force, its sources and preferences do not. Being root, apt would fetch as a user
  # who cannot write here.
  apt=(apt-get -qq -o Dir::Etc::SourceList="$root/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
    -o Dir::State="$root" -o Dir::State::Lists="$root/lists" -o Dir::State::status=/var/lib/dpkg/status
    -o Dir::Cache="$root/cache" -o APT::Sandbox::User="$(id -un)" -o APT::Update::Error-Mode=any -o Acquire::Retries=3)
  for site in $sites; do
    for suite in "${SUITES[@]}"; do
      echo "deb [signed-by=$keyring lang=none target=Packages] $site $suite main"
    done >"$root/sources.list"
    if "${apt[@]}" update >"$root/log" 2>&1; then
      return 0
    fi
  done
  [[ ! -s $root/log ]] || cat "$root/log" >&2
  rm -rf "$root"
  root=
  return 1
}

unpack() { # unpack PACKAGE/RELEASE OLDEST-VERSION DIR
  local debs version
  open_debian || return 1
  rm -f "$root"/*.deb
  (cd "$root" && "${apt[@]}" download "$1" >&2) || return 1
  debs=("$root"/*.deb)
  version=$(dpkg-deb --field "${debs[0]}" Version) || return 1
  if dpkg --compare-versions "$version" lt "$2"; then
    echo "$1 is $version, and $2 is wanted" >&2
    return 1
  fi
  mkdir -p "$3"
  dpkg-deb --extract "${debs[0]}" "$3"
}
