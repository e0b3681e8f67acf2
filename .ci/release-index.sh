#!/usr/bin/env bash
# Joins the images of several platforms under one tag and prints the digest: .ci/release-index.sh IMAGE VERSION DIGEST...
# Their SBOMs and provenances remain attached. Needs docker with buildx, and a login at the registry.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: $0 IMAGE VERSION DIGEST..." >&2 && exit 2; }
image=$1 version=$2
shift 2
docker buildx imagetools create --tag "$image:$version" "${@/#/$image@}" >&2
docker buildx imagetools inspect "$image:$version" --format '{{json .Manifest}}' | jq --raw-output .digest
