#!/usr/bin/env bash
# Installs the Debian packages that tests and demo need, and says which and why. Does nothing when all are there.
#   .ci/packages.sh                 what compiling src/native and raw-socket, and the unit tests, need
#   .ci/packages.sh network         and what the control plane needs
#   .ci/packages.sh network psql    and a real PostgreSQL
#   .ci/packages.sh pgbouncer       a real PgBouncer
#   .ci/packages.sh pgpool          a real pgpool-II
#   .ci/packages.sh dns             name servers of two more vendors
#   .ci/packages.sh redis           a real Redis, for the tests of its probe
#   .ci/packages.sh memcached       a real memcached, for the tests of its probe
#   .ci/packages.sh mariadb         a real MariaDB (the package without a service: it starts no daemon)
#   .ci/packages.sh python          what the linter of the Dockerfile needs
#   .ci/packages.sh image           builds the image without a registry
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
packages=()

need() { # package, reason, command that shows whether it is there
  if ! bash -c "$3" >/dev/null 2>&1; then
    packages+=("$1")
    echo "missing: $1 ($2)" >&2
  fi
}

need g++ "compiles src/native and raw-socket, which send ICMP" "command -v g++ cc"
need make "compiles raw-socket" "command -v make"
need python3 "node-gyp is written in it" "command -v python3"
need openssl "makes the certificates of the tests of httpGet" "command -v openssl"
for topic in "$@"; do
  case $topic in
    network)
      need iproute2 "the network of the control plane's own" "command -v ip"
      need nftables "kube-proxy's data path, and targets that drop packets" "command -v nft"
      ;;
    image)
      need buildah "builds the Dockerfile" "command -v buildah"
      need debootstrap "makes the stand-in of its base" "command -v debootstrap"
      need curl "asks it whether it is alive" "command -v curl"
      ;;
    python) need python3-venv "hadolint is had as a Python package" "python3 -c 'import ensurepip'" ;;
    mariadb)
      need mariadb-server-core "the server that the mysql probe is tested against" "command -v mariadbd mariadb-install-db"
      need mariadb-client-core "its client" "command -v mariadb"
      need galera-4 "a library: what makes a Galera node of that server" "ls /usr/lib/galera/libgalera_smm.so"
      ;;
    psql) need postgresql "a real database behind the Service, and psql" "ls /usr/lib/postgresql/*/bin/postgres && command -v psql" ;;
    pgbouncer) need pgbouncer "a pooler before the database, for the tests of its probe" "command -v pgbouncer" ;;
    pgpool) need pgpool2 "another pooler before the database, which fails in its own way" "command -v pgpool" ;;
    dns)
      need dnsmasq-base "a second vendor's name server" "command -v dnsmasq"
      need unbound "a third vendor's name server" "command -v unbound"
      ;;
    memcached) need memcached "the server that the memcached probe is tested against" "command -v memcached" ;;
    redis) need redis-tools "a real Redis: the server goes by the name of redis-check-rdb there, and no daemon starts" "command -v redis-check-rdb redis-cli" ;;
    *) echo "unknown topic: $topic" >&2 && exit 2 ;;
  esac
done

[ ${#packages[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "please install them: sudo apt-get install --no-install-recommends ${packages[*]}" >&2
  exit 1
fi
started=$SECONDS
echo "installing ${packages[*]} with apt-get (a minute at most)" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# The tests run databases of their own: the package must not start one.
if [[ " ${packages[*]} " == *" postgresql "* ]]; then
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
fi
# The same for other services: neither now nor when the machine starts.
for service in unbound pgbouncer pgpool2 memcached; do
  [[ " ${packages[*]} " == *" $service "* ]] || continue
  unit=/etc/systemd/system/$service.service
  [ -e "$unit" ] || [ -L "$unit" ] || { mkdir -p "${unit%/*}" && ln -s /dev/null "$unit"; }
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    trap 'rm -f "$log" /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
  fi
done
{ apt-get update && apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold "${packages[@]}"; } >"$log" 2>&1 || {
  tail -20 "$log" >&2
  exit 1
}
echo "installed in $((SECONDS - started)) s" >&2
