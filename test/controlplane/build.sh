#!/usr/bin/env bash
# Builds the control plane once and prints the path of the program.
# KUBERNETES_VERSION=1.33.13 gives Kubernetes in another version than go.mod has; all other parts remain those of go.mod.
# Programs are cached outside the checkout, under a hash of their sources; a first build takes 4 to 10 minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/external-backend-operator
own=$(sed -n 's|^\tk8s.io/kubernetes v||p' go.mod)
version=${KUBERNETES_VERSION:-$own}
[[ $version =~ ^1\.[0-9]+\.[0-9]+$ ]] || { echo "KUBERNETES_VERSION is not of the form 1.33.13: $version" >&2 && exit 2; }

hash_of() { cat "$@" | sha256sum | cut -c1-16; }

build() { # version, program, what, flags of go build...
  local version=$1 program=$2 what=$3 started minor ticker flags lock package=k8s.io/component-base/version
  shift 3
  # A second build of the same waits for the first, and finds its work done.
  exec {lock}>"$program.lock"
  flock "$lock"
  [ ! -x "$program" ] || return 0
  started=$SECONDS
  minor=${version#1.}
  flags="-s -w -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%.*}"
  echo "control plane: building $what from Go modules (once; 4 to 10 minutes on two cores)" >&2
  (while sleep 20; do echo "control plane: still building, $((SECONDS - started)) s" >&2; done) &
  ticker=$!
  trap 'kill '"$ticker"' 2>/dev/null || true' EXIT
  CGO_ENABLED=0 go build -trimpath -ldflags "$flags" -o "$program.$$" "$@" . >&2
  kill "$ticker" 2>/dev/null || true
  mv "$program.$$" "$program"
  echo "control plane: built in $((SECONDS - started)) s" >&2
}

# The module graph of a Kubernetes release is that of its own go.mod, where the staging modules lie in the same tree: each
# has a release of its own, v0.X.Y. So no version is chosen here, and the checksum database vouches for what is downloaded.
go_mod_of() { # version
  local released
  released=$(go mod download -json "k8s.io/kubernetes@v$1" | sed -nE 's|^\t"GoMod": "(.*)",?$|\1|p')
  echo "module externalbackend.io/controlplane"
  grep '^go ' "$released"
  echo "require k8s.io/kubernetes v$1"
  sed -nE "s|^\t(k8s.io/[a-z-]+) => ./staging/.*|replace \1 => \1 v0.${1#1.}|p" "$released"
}

all=$cache/controlplane-$(hash_of go.mod go.sum ./*.go build.sh)
mkdir -p "$cache"
[ -x "$all" ] || build "$own" "$all" "etcd, Kubernetes $own and CoreDNS"
if [ "$version" = "$own" ]; then
  echo "$all"
  exit
fi

kubernetes=$cache/kubernetes-$version-$(hash_of main.go build.sh)
if [ ! -x "$kubernetes" ]; then
  work=$(mktemp -d)
  cp main.go "$work"
  cd "$work"
  module=$(go_mod_of "$version")
  echo "$module" >go.mod
  build "$version" "$kubernetes" "Kubernetes $version" -mod=mod
  rm -rf "$work"
fi
both=$cache/controlplane-$version-${all##*-}-${kubernetes##*-}
if [ ! -x "$both" ]; then
  printf '#!/bin/sh\ncase $1 in kube*) exec %q "$@" ;; *) exec %q "$@" ;; esac\n' "$kubernetes" "$all" >"$both.$$"
  chmod +x "$both.$$"
  mv "$both.$$" "$both"
fi
echo "$both"
