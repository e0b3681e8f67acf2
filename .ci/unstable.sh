#!/usr/bin/env bash
# Brings Debian packages that only unstable has, with all that they need down to libc, into a folder of their own, and
# prints its path: .ci/unstable.sh mysql-server-core. Nothing is installed in the system. Programs are run by
#   $(.ci/unstable.sh mysql-server-core)/run mysqld --version
# which gives them their own loader and libraries. Kept in the cache by the names of the packages; a second run is instant.
# Where unstable cannot be had (no apt, no network, not signed by Debian) it says so and exits with 3.
set -euo pipefail
[ $# -gt 0 ] || { echo "which packages?" >&2 && exit 2; }
names=$(printf '%s\n' "$@" | LC_ALL=C sort -u | paste -sd+)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/external-backend-operator
kept=$cache/unstable-$names
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

unavailable() { # reason
  echo "Debian unstable's $names cannot be had: $1" >&2
  [ ! -s "$work/log" ] || grep '^[EW]:' "$work/log" | head -5 >&2
  exit 3
}

if [ -e "$kept/done" ]; then
  echo "$kept"
  exit
fi
mkdir -p "$cache"
work=$(mktemp -d "$cache/unstable.XXXXXX")
trap 'rm -rf "$work"' EXIT
for tool in apt-get dpkg-deb flock; do
  command -v $tool >/dev/null || unavailable "there is no $tool"
done
[ -e $keyring ] || unavailable "there is no $keyring"

# Who comes second waits for the first, and finds its work done.
exec {lock}>"$kept.lock"
flock "$lock"
if [ -e "$kept/done" ]; then
  echo "$kept"
  exit
fi
started=$SECONDS
echo "bringing $names of Debian unstable (once; a minute or two)" >&2
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,kept/root}

# The system's own configuration (proxies, credentials of mirrors) but for what is installed and what is fetched. Of what
# no program here needs we say that it is there: perl (scripts), systemd (services), postgresql-common (both).
architecture=$(dpkg --print-architecture)
for package in perl perl-base debconf systemd systemd-standalone-sysusers systemd-standalone-tmpfiles \
  init-system-helpers postgresql-common; do
  printf 'Package: %s\nStatus: install ok installed\nVersion: 999\nArchitecture: %s\nMaintainer: nobody\nMulti-Arch: allowed\nDescription: not needed\n\n' \
    "$package" "$architecture"
done >"$work/state/status"
apt() {
  apt-get -q -y -o Dir::State="$work/state" -o Dir::State::status="$work/state/status" -o Dir::Cache="$work/cache" \
    -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o APT::Default-Release= -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=2 \
    -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "$@" >"$work/log" 2>&1 </dev/null
}

# The mirror that the machine has its own Debian from; the first of several that has an unstable which Debian signed.
mirrors=$(apt-get update --print-uris | sed -nE "s|^'([^' ]+)/dists/.*|\1|p" | awk '/debian/ && !/security/ && !seen[$0]++') || true
has_it=
for mirror in $mirrors; do
  echo "deb [signed-by=$keyring] $mirror unstable main" >"$work/sources.list"
  if apt -o APT::Update::Error-Mode=any update; then
    has_it=yes
    break
  fi
done
[ -n "$has_it" ] || unavailable "no mirror of the machine's apt configuration has it"
apt install --download-only --no-install-recommends "$@" || unavailable "apt-get does not bring it"
for package in "$work"/cache/archives/*.deb; do
  dpkg-deb --extract "$package" "$work/kept/root"
done

cat >"$work/kept/run" <<'RUN'
#!/bin/sh
# A program of this folder with its own loader and libraries: run NAME ARGUMENTS…
root=${0%/*}/root
program=$(ls "$root"/usr/sbin/"$1" "$root"/usr/bin/"$1" 2>/dev/null | head -1)
[ -n "$program" ] || { echo "no program of unstable: $1" >&2 && exit 127; }
shift
libraries=$(ls -d "$root"/usr/lib/*-linux-gnu*)
exec "$(ls "$root"/usr/lib*/ld-linux*.so.* | head -1)" --library-path "$libraries" "$program" "$@"
RUN
chmod +x "$work/kept/run"
(cd "$work/cache/archives" && ls ./*.deb) | sed 's|^\./||' >"$work/kept/done"
rm -rf "$kept"
mv "$work/kept" "$kept"
echo "brought in $((SECONDS - started)) s: $(wc -l <"$kept/done") packages, $(du -sh "$kept" | cut -f1)" >&2
echo "$kept"
