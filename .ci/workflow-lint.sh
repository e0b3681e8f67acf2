#!/usr/bin/env bash
# actionlint, from its Go module, into the cache; and that every action is pinned by a commit.
set -euo pipefail
cd "$(dirname "$0")/.."
version=v1.7.12
bin=${XDG_CACHE_HOME:-$HOME/.cache}/external-backend-operator/actionlint-$version
if [ ! -x "$bin/actionlint" ]; then
  echo "actionlint: building $version (once; a minute or two)" >&2
  GOBIN=$bin go install "github.com/rhysd/actionlint/cmd/actionlint@$version"
fi
"$bin/actionlint" -no-color
if grep -nE '^ *(- )?uses: ' .github/workflows/*.yaml | grep -vE 'uses: (\./|[^ ]+@[0-9a-f]{40}( |$))'; then
  echo "an action is not pinned by its commit" >&2
  exit 1
fi
echo "workflows: nothing to complain about"
