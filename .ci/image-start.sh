#!/usr/bin/env bash
# Starts the program of an unpacked image as OpenShift does: .ci/image-start.sh ROOT COMMAND...
# The root is read-only, there are no capabilities, and the user is one that no file names, in group 0. Succeeds if /livez answers
# and the native parts load. There is no API server, so /readyz does not answer ok. Needs root, and Linux namespaces.
set -euo pipefail
root=$1
shift
log=$(mktemp)
touch "$root/etc/kubeconfig" # where it is mounted
trap 'rm -f "$log" "$log.kubeconfig"; [ -z "${operator:-}" ] || kill "$operator" 2>/dev/null || true' EXIT
printf '%s' '{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:1"}}],
  "users":[{"name":"u","user":{"token":"t"}}],"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],"current-context":"c"}' \
  >"$log.kubeconfig"
chmod a+r "$log.kubeconfig"

in_image() { # command...
  unshare --mount --pid --fork --kill-child bash -c '
    set -e
    root=$1 kubeconfig=$2
    shift 2
    mount --bind "$root" "$root"
    mount --bind "$kubeconfig" "$root/etc/kubeconfig"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -o remount,bind,ro "$root"
    exec env -i KUBECONFIG=/etc/kubeconfig NODE_ENV=production POD_NAME=operator-0 POD_NAMESPACE=default \
      setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid \
      unshare --root="$root" --wd=/app --setgid=0 --setuid=1000660000 "$@"' - "$root" "$log.kubeconfig" "$@"
}

in_image /nodejs/bin/node -e '
  const { readFileSync, writeFileSync } = require("node:fs");
  require("/app/native/icmp-socket.node");
  require("net-ping");
  let written = "written";
  try { writeFileSync("/app/x", ""); } catch (error) { written = error.code; }
  const capabilities = /CapEff:\s*(\w+)/.exec(readFileSync("/proc/self/status", "utf8"))[1];
  if (written !== "EROFS" || /[1-9a-f]/.test(capabilities)) throw new Error(`root ${written}, capabilities ${capabilities}`);
  console.log(`image: user ${process.getuid()}, group ${process.getgid()}, no capabilities, read-only root, Node ${process.version}`);
  console.log("image: icmp-socket and raw-socket load");'
echo "image: --version prints $(in_image "$@" --version)"

in_image "$@" --health-address=127.0.0.1:18081 --metrics-address=127.0.0.1:18080 >"$log" 2>&1 &
operator=$!
for _ in {1..100}; do
  answer=$(curl --silent --max-time 2 http://127.0.0.1:18081/livez) && break
  sleep 0.2
done
echo "image: /livez answers: ${answer:-nothing}"
[[ ${answer:-} == ok* ]] || { tail -20 "$log" >&2 && exit 1; }
