#!/usr/bin/env bash
# Builds and pushes the image of a release and prints its digest: .ci/release-image.sh IMAGE VERSION
# The bases of the Dockerfile are tags; what they lead to now is looked up and built from by digest, which the provenance
# records. Takes docker with buildx, and a login at the registry.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 2 ] || { echo "usage: $0 IMAGE VERSION" >&2 && exit 2; }
image=$1 version=$2

# The default of an ARG of the Dockerfile, with the digest that the tag has now.
pinned() { # name
  local base digest
  base=$(sed -n "s/^ARG $1=//p" Dockerfile)
  [ -n "$base" ] || { echo "the Dockerfile has no ARG $1" >&2 && return 1; }
  digest=$(docker buildx imagetools inspect "$base" --format '{{json .Manifest}}' | jq --raw-output .digest)
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "$base has no digest" >&2 && return 1; }
  echo "$1=$base@$digest"
}

node=$(pinned NODE_IMAGE)
runtime=$(pinned RUNTIME_IMAGE)
metadata=$(mktemp)
trap 'rm -f "$metadata"' EXIT
# Attestations take a builder of its own; the default one cannot store them.
docker buildx create --use --driver docker-container >&2
docker buildx build --platform linux/amd64 --build-arg "$node" --build-arg "$runtime" \
  --sbom=true --provenance=mode=max --metadata-file "$metadata" --tag "$image:$version" --push . >&2
jq --raw-output '."containerimage.digest"' "$metadata"
