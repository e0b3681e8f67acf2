#!/usr/bin/env bash
# Runs checks and test levels and counts: .ci/test.sh [types|lint|verify|unit|integration|e2e]...
# The last line is `N passed, N failed, N skipped`: tests of all levels; a check that fails counts as one failed.
# Fails when something failed, and under CI=true also when something was skipped.
# TESTS=pattern runs only the test files whose path matches.
set -uo pipefail
cd "$(dirname "$0")/.."
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
jest=(node --disable-warning=ExperimentalWarning --experimental-vm-modules node_modules/jest/bin/jest.js)
[ -z "${TESTS:-}" ] || jest+=(--testPathPatterns "$TESTS")
broken=()

step() { # name, command...
  local name=$1 started=$SECONDS
  shift
  echo "== $name"
  if "$@"; then
    echo "== $name: ok in $((SECONDS - started)) s"
  else
    broken+=("$name")
    echo "== $name: FAILED after $((SECONDS - started)) s"
  fi
}

check() { step "$@" || true; [ ${#broken[@]} -eq 0 ] || [ "${broken[-1]}" != "$1" ] || echo "$1" >>"$results/checks"; }

off_plane() {
  .ci/packages.sh dns redis mariadb && "${jest[@]}" --json --outputFile="$results/unit.json" --selectProjects unit
}

# What a failed test leaves open must not keep the run from ending: --forceExit.
on_plane() {
  local projects=$1
  .ci/packages.sh network psql dns mariadb && test/controlplane/netns.sh \
    "${jest[@]}" --forceExit --runInBand --json --outputFile="$results/plane.json" --selectProjects $projects 2>&1 |
    grep --line-buffered -v '^Force exiting Jest\|^Test results written to'
}

plane=()
for level in "$@"; do
  case $level in
    types) check types tsc --noEmit ;;
    lint) check lint bash -c 'eslint --max-warnings 0 . && prettier --check --log-level warn .' ;;
    verify) check verify node src/generate.ts --check ;;
    unit) echo >"$results/unit.json" && step unit off_plane ;;
    integration | e2e) plane+=("$level") ;;
    *) echo "unknown level: $level" >&2 && exit 2 ;;
  esac
done
if [ ${#plane[@]} -gt 0 ]; then
  echo >"$results/plane.json"
  step "${plane[*]}" on_plane "${plane[*]}"
fi

echo
echo "run: $*"
[ ${#broken[@]} -eq 0 ] || echo "failed: ${broken[*]}"
node test/support/count-results.ts "$results"
exit $((${#broken[@]} > 0 || $? > 0))
