#!/usr/bin/env bash
# Builds the image for the platform of this machine, pushes it without a tag and prints its digest: .ci/release-image.sh IMAGE
# .ci/release-index.sh then joins the platforms. The bases of the Dockerfile are tags: their present digests are looked up and
# built from, and the provenance records them. Needs docker with buildx, and a login at the registry.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 1 ] || { echo "usage: $0 IMAGE" >&2 && exit 2; }
image=$1

# The default of an ARG of the Dockerfile, with the present digest of that tag.
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
# Attestations need a builder of their own, because the default one cannot store them.
docker buildx create --use --driver docker-container >&2
docker buildx build --build-arg "$node" --build-arg "$runtime" --sbom=true --provenance=mode=max \
  --output "type=image,name=$image,push-by-digest=true,name-canonical=true,push=true" \
  --metadata-file "$metadata" . >&2
jq --raw-output '."containerimage.digest"' "$metadata"
