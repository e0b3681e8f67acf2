#!/usr/bin/env bash
# Builds the program once and prints its path. It is cached outside the checkout, under a hash of its sources.
set -euo pipefail
cd "$(dirname "$0")"
hash=$(cat go.mod main.go build.sh | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/external-backend-operator
binary=$cache/gohttp-$hash
if [ ! -x "$binary" ]; then
  mkdir -p "$cache"
  CGO_ENABLED=0 go build -trimpath -o "$binary.$$" . >&2
  mv "$binary.$$" "$binary"
fi
echo "$binary"
