#!/bin/sh
# Runs a command in a network of its own, without any capability: ping-namespace.sh GROUPS COMMAND [ARGUMENT...]
#
# - GROUPS is what net.ipv4.ping_group_range has there: "0 0" lets root's group in, "1 0" nobody.
# - A router at 10.8.8.2 answers, prohibits 10.6.6.0/24 and fd00:6::/64, knows no way to 10.7.7.0/24, and drops what is
#   for 10.5.5.0/24.
set -eu
PATH=$PATH:/usr/sbin:/sbin
if [ "${PING_NAMESPACE:-}" != inside ]; then
  export PING_NAMESPACE=inside
  [ "$(id -u)" = 0 ] || set -- --map-root-user "$0" "$@"
  [ "$1" = --map-root-user ] || set -- "$0" "$@"
  exec unshare --net --pid --fork --kill-child --mount-proc "$@"
fi
groups=$1
shift
unshare --net sh -c 'echo ready; exec sleep 600' >/dev/null &
router=$!
on_router() { nsenter --target "$router" --net "$@"; }
ip link set lo up
until ip link add outer type veth peer name inner netns "$router" 2>/dev/null && ! ip link show inner >/dev/null 2>&1; do
  ip link del outer 2>/dev/null || true
done
# No link-local address, which would be tried for a second first.
ip link set outer addrgenmode none
ip addr add 10.8.8.1/24 dev outer
ip -6 addr add fd00:8::1/64 dev outer nodad
on_router ip link set lo up
on_router ip link set inner addrgenmode none
on_router ip addr add 10.8.8.2/24 dev inner
on_router ip -6 addr add fd00:8::2/64 dev inner nodad
on_router ip link set inner up
ip link set outer up
until ip -o link show outer | grep -q LOWER_UP; do :; done
on_router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
on_router ip route add prohibit 10.6.6.0/24
on_router ip route add unreachable 10.7.7.0/24
on_router ip route add blackhole 10.5.5.0/24
on_router ip -6 route add prohibit fd00:6::/64
ip route add 10.6.6.0/24 via 10.8.8.2
ip route add 10.7.7.0/24 via 10.8.8.2
ip route add 10.5.5.0/24 via 10.8.8.2
ip -6 route add fd00:6::/64 via fd00:8::2
ip route add unreachable 10.9.9.0/24
echo "$groups" >/proc/sys/net/ipv4/ping_group_range
setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs "$@"
