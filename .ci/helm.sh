#!/usr/bin/env bash
# Builds Helm 3 or Helm 4 from its Go module once and prints the path of the program: .ci/helm.sh 3|4
# The versions are those of test/tools/helm3 and helm4. Cached outside the checkout, under a hash of go.mod, go.sum and this file.
set -euo pipefail
major=${1:-}
[[ $major =~ ^[34]$ ]] || { echo "usage: $0 3|4" >&2 && exit 2; }
script=$(realpath "$0")
cd "$(dirname "$0")/../test/tools/helm$major"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/external-backend-operator
binary=$cache/helm$major-$(cat go.mod go.sum "$script" | sha256sum | cut -c1-16)
if [ ! -x "$binary" ]; then
  mkdir -p "$cache"
  # A second build of the same waits for the first, and finds its work done.
  exec {lock}>"$binary.lock"
  flock "$lock"
fi
if [ ! -x "$binary" ]; then
  module=helm.sh/helm/v$major
  version=$(go list -m -f '{{.Version}}' "$module")
  flags="-s -w -X $module/internal/version.version=$version"
  # Helm 4 reads the version of Kubernetes that it was built for from its own modules. Helm 3 is told when it is built.
  client=$(go list -m -f '{{.Version}}' k8s.io/client-go)
  minor=$(cut -d. -f2 <<<"$client")
  for package in pkg/chartutil pkg/lint/rules; do
    flags+=" -X $module/$package.k8sVersionMajor=1 -X $module/$package.k8sVersionMinor=$minor"
  done
  started=$SECONDS
  echo "helm: building $version from Go modules (once; 1 to 5 minutes on two cores)" >&2
  CGO_ENABLED=0 go build -trimpath -ldflags "$flags" -o "$binary.$$" "$module/cmd/helm" >&2
  mv "$binary.$$" "$binary"
  echo "helm: built in $((SECONDS - started)) s" >&2
fi
echo "$binary"
