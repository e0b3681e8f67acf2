#!/usr/bin/env bash
# Runs a command in a network of its own, with what the control plane expects there:
#   test/controlplane/netns.sh COMMAND [ARGUMENT...]
#
# - a network namespace: 10.99.0.1 (API server), 10.99.0.53 (DNS) and a route for Service addresses, all on lo;
#   nothing in it reaches the machine's network.
# - a process namespace: when COMMAND ends or is killed, everything it started dies with it.
# - a mount namespace: TMPDIR is a file system in memory that vanishes at the end, and names are resolved as in a pod.
#
# CONTROLPLANE names the program that holds all parts of the control plane; it is built here, once, where there is a
# network. Exported: CONTROLPLANE, CONTROLPLANE_NETWORK, TMPDIR.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ "${CONTROLPLANE_NETWORK:-}" = outside ]; then
  mount -t tmpfs -o size=50%,mode=1777 controlplane "$TMPDIR"
  [ ! -e /etc/resolv.conf ] || mount --bind "$here/resolv.conf" /etc/resolv.conf
  ip link set lo up
  ip addr add 10.99.0.1/32 dev lo
  ip addr add 10.99.0.53/32 dev lo
  ip route add 10.96.0.0/16 dev lo
  export CONTROLPLANE_NETWORK=inside
  # Not exec: as process 1 this shell reaps what others leave behind.
  "$@"
  exit
fi

if [ "${CONTROLPLANE_NETWORK:-}" = inside ]; then
  exec "$@" # already there
fi

PATH=$PATH:/usr/sbin:/sbin
CONTROLPLANE=${CONTROLPLANE:-$("$here/build.sh")}
TMPDIR=/var/tmp # which other users can enter too: PostgreSQL does not run as root
export PATH CONTROLPLANE TMPDIR CONTROLPLANE_NETWORK=outside
root=()
[ "$(id -u)" = 0 ] || root=(--map-root-user)
exec unshare "${root[@]}" --net --mount --pid --fork --kill-child --mount-proc "$here/netns.sh" "$@"
