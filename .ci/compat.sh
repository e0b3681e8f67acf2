#!/usr/bin/env bash
# Runs the tests that need a control plane on other versions of Kubernetes: .ci/compat.sh 1.33.13 1.37.2
# Ends with a line for each: its counts, as .ci/test.sh has them. TESTS=pattern runs only the test files whose path matches.
set -uo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { echo "which versions of Kubernetes?" >&2 && exit 2; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
lines=() failed=0
for version in "$@"; do
  echo "== Kubernetes $version"
  KUBERNETES_VERSION=$version nice .ci/test.sh integration e2e 2>&1 | tee "$log" || failed=1
  counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -1)
  lines+=("Kubernetes $version: ${counts:-0 passed, 1 failed, 0 skipped}")
done
echo
printf '%s\n' "${lines[@]}"
exit "$failed"
