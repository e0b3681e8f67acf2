#!/usr/bin/env bash
# Builds the control plane once and prints the path of the program.
# It is cached outside the checkout, under a hash of its sources; a first build takes about four minutes.
set -euo pipefail
cd "$(dirname "$0")"
version=v1.36.3
hash=$(cat go.mod go.sum ./*.go build.sh | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/external-backend-operator
binary=$cache/controlplane-$hash
if [ ! -x "$binary" ]; then
  mkdir -p "$cache"
  echo "control plane: building etcd, Kubernetes $version and CoreDNS from Go modules (once; about 4 minutes on two cores)" >&2
  started=$SECONDS
  (while sleep 20; do echo "control plane: still building, $((SECONDS - started)) s" >&2; done) &
  ticker=$!
  trap 'kill $ticker 2>/dev/null || true' EXIT
  flags="-s -w -X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
  CGO_ENABLED=0 go build -trimpath -ldflags "$flags" -o "$binary.$$" . >&2
  mv "$binary.$$" "$binary"
  echo "control plane: built in $((SECONDS - started)) s" >&2
fi
echo "$binary"
