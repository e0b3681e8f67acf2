#!/usr/bin/env bash
# Fails unless a tag is the version of this checkout, and that has a section in CHANGELOG.md: .ci/release-version.sh v1.2.3
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 1 ] || { echo "usage: $0 TAG" >&2 && exit 2; }
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
[ "$1" = "v$version" ] || { echo "the tag $1 is not v$version, the version of package.json" >&2 && exit 1; }
grep -qF "## [$version]" CHANGELOG.md || { echo "CHANGELOG.md has no section [$version]" >&2 && exit 1; }
