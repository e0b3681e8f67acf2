#!/usr/bin/env bash
# Builds the libraries of GitOps tools once and prints the path of the program.
# It is cached outside the checkout, under a hash of its sources; a first build takes about a minute.
set -euo pipefail
cd "$(dirname "$0")"
hash=$(cat go.mod go.sum main.go build.sh | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/external-backend-operator
binary=$cache/gitops-$hash
if [ ! -x "$binary" ]; then
  mkdir -p "$cache"
  echo "gitops: building kstatus and the merge of kubectl from Go modules (once; about a minute)" >&2
  CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$binary.$$" . >&2
  mv "$binary.$$" "$binary"
fi
echo "$binary"
