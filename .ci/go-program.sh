#!/usr/bin/env bash
# Builds the Go program in test/NAME once and prints its path. It is cached outside the checkout, under a hash of its
# sources. Usage: go-program.sh NAME
set -euo pipefail
name=$1
cd "$(dirname "$0")/../test/$name"
hash=$(cat go.* *.go | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/external-backend-operator
binary=$cache/$name-$hash
if [ ! -x "$binary" ]; then
  mkdir -p "$cache"
  echo "$name: building it from Go modules (once; up to some minutes)" >&2
  CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$binary.$$" . >&2
  mv "$binary.$$" "$binary"
fi
echo "$binary"
