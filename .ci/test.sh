#!/usr/bin/env bash
# Runs checks and test levels and counts: .ci/test.sh [types|lint|verify|unit|integration|e2e]...
# The last line is `N passed, N failed, N skipped`: tests of all levels; a check that fails counts as one failed.
# Fails when something failed, and under CI=true also when something was skipped but for want of Debian unstable.
# TESTS=pattern runs only the test files whose path matches.
set -uo pipefail
cd "$(dirname "$0")/.."
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
jest=(node --disable-warning=ExperimentalWarning --experimental-vm-modules node_modules/jest/bin/jest.js)
[ -z "${TESTS:-}" ] || jest+=(--testPathPatterns "$TESTS")

step() { # name, command...
  local name=$1 started=$SECONDS
  shift
  echo "== $name"
  if "$@"; then
    echo "== $name: ok in $((SECONDS - started)) s"
  else
    echo "$name" >>"$results/broken"
    echo "== $name: FAILED after $((SECONDS - started)) s"
    return 1
  fi
}

check() { step "$@" || echo "$1" >>"$results/checks"; }

checks() { # levels
  local level
  for level in "$@"; do
    case $level in
      types) check types tsc --noEmit ;;
      lint) check lint bash -c 'eslint --max-warnings 0 . && prettier --check --log-level warn .' ;;
      verify) check verify node src/generate.ts --check ;;
    esac
  done
}

# Where Debian unstable cannot be had (3), the tests that need it are skipped, and say so.
unstable() { .ci/unstable.sh "$@" >/dev/null || [ $? = 3 ]; }

off_plane() {
  .ci/packages.sh psql pgbouncer pgpool dns redis memcached mariadb &&
    unstable mysql-server-core && unstable valkey-server && unstable pgbouncer &&
    "${jest[@]}" --json --outputFile="$results/unit.json" --selectProjects unit
}

# What a failed test leaves open must not keep the run from ending: --forceExit.
on_one_plane() { # projects, shard, name, further arguments of Jest
  test/controlplane/netns.sh "${jest[@]}" --forceExit --runInBand --shard="$2" --json \
    --outputFile="$results/plane-$3.json" --selectProjects $1 "${@:4}" 2>&1 |
    grep --line-buffered -v '^Force exiting Jest\|^Test results written to' |
    sed -u "s|^|$3: |"
}

# The tests mostly wait, so two control planes side by side, each in a network of its own, take little more than half the
# time of one; a third gains nothing on two cores. Asked for some files, one will do.
on_planes() { # projects
  local shards=2 failed=0 i pids=() pages=
  # The pages are followed on a plane that no other test has used, as a reader does.
  [[ " $1 " != *' e2e '* ]] || pages=e2e/pages
  [ "$1" != e2e ] || shards=1 # one file is left
  [ -z "${TESTS:-}" ] || shards=1 pages=
  .ci/packages.sh network psql dns mariadb redis && unstable mysql-server-core || return 1
  CONTROLPLANE=$(test/controlplane/build.sh) || return 1
  export CONTROLPLANE
  .ci/go-program.sh gitops >/dev/null || return 1
  [ -n "${TESTS:-}" ] || .ci/go-program.sh ferretdb >/dev/null || return 1
  for ((i = 1; i <= shards; i++)); do
    echo >"$results/plane-$i.json"
    on_one_plane "$1" "$i/$shards" "$i" ${pages:+--testPathIgnorePatterns "$pages"} &
    pids+=($!)
  done
  for i in "${pids[@]}"; do wait "$i" || failed=1; done
  [ -z "$pages" ] || echo >"$results/plane-pages.json"
  [ -z "$pages" ] || on_one_plane "$1" 1/1 pages --testPathPatterns "$pages" || failed=1
  return $failed
}

# A clean machine compiles the control plane while the unit tests run, which mostly wait. What fails here fails again, and
# is seen, where the program is needed.
compile() {
  nice -n 19 test/controlplane/build.sh
  [ -z "${TESTS:-}" ] || return 0
  nice -n 19 .ci/go-program.sh ferretdb
  nice -n 19 .ci/helm.sh 3
  nice -n 19 .ci/helm.sh 4
}

static=() plane=() unit=
for level in "$@"; do
  case $level in
    types | lint | verify) static+=("$level") ;;
    unit) unit=yes ;;
    integration | e2e) plane+=("$level") ;;
    *) echo "unknown level: $level" >&2 && exit 2 ;;
  esac
done
# The checks are one process and the unit tests another: side by side they take the time of the longer.
if [ -n "$unit" ]; then
  echo >"$results/unit.json"
  [ ${#plane[@]} = 0 ] || compile >"$results/compile.log" 2>&1 &
  checks "${static[@]}" >"$results/checks.log" 2>&1 &
  step unit off_plane || true
  wait
  cat "$results/checks.log"
else
  checks "${static[@]}"
fi
if [ ${#plane[@]} -gt 0 ]; then
  echo >"$results/plane-1.json"
  step "${plane[*]}" on_planes "${plane[*]}" || true
fi

echo
echo "run: $*"
[ ! -e "$results/broken" ] || echo "failed: $(paste -sd' ' "$results/broken")"
node test/support/runner/count-results.ts "$results" && [ ! -e "$results/broken" ]
