#!/bin/sh
# Compiles icmp-socket.c beside itself, or into the folder that is given. Needs a C compiler and the headers of Node, which are
# in the folder of npm_config_nodedir, beside the node on the PATH, or where node-gyp keeps them. The binary interface of
# Node-API is stable, so one build serves every version of Node.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
into=${1:-$here}
version=$(node -p process.versions.node)
beside=$(dirname "$(dirname "$(node -p process.execPath)")")
for nodedir in "${npm_config_nodedir:-}" "$beside" "${XDG_CACHE_HOME:-$HOME/.cache}/node-gyp/$version" ""; do
  headers=$nodedir/include/node
  [ ! -e "$headers/node_api.h" ] || break
done
[ -n "$nodedir" ] || { echo "icmp-socket: no headers of Node found: set npm_config_nodedir" >&2; exit 1; }
mkdir -p "$into"
# Renamed at the end: a process that has it loaded keeps the old file.
${CC:-cc} -std=c11 -O2 -Wall -Wextra -Werror -fPIC -shared -I "$headers" -o "$into/icmp-socket.node.$$" "$here/icmp-socket.c"
mv "$into/icmp-socket.node.$$" "$into/icmp-socket.node"
