#!/usr/bin/env bash
# Builds FerretDB once and prints the path of the program.
# It is cached outside the checkout, under a hash of its sources; a first build takes some minutes.
set -euo pipefail
cd "$(dirname "$0")"
hash=$(cat go.mod go.sum main.go build.sh | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/external-backend-operator
binary=$cache/ferretdb-$hash
if [ ! -x "$binary" ]; then
  mkdir -p "$cache"
  echo "ferretdb: building it from Go modules (once; some minutes)" >&2
  CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$binary.$$" . >&2
  mv "$binary.$$" "$binary"
fi
echo "$binary"
