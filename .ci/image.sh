#!/usr/bin/env bash
# Builds the image of the Dockerfile with buildah, without a registry, and starts it as an arbitrary user on a read-only root.
# The two base images are stand-ins: Debian 12 by debootstrap, with the Node and npm of this checkout. The image of a release has
# the bases that the Dockerfile names (.ci/release-image.sh). Needs root. Prints the size, and removes everything at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "image: needs root (debootstrap, chroot)" >&2 && exit 1; }
.ci/packages.sh image
cache=${XDG_CACHE_HOME:-$HOME/.cache}/external-backend-operator
work=$(mktemp -d)
mkdir -p "$cache"
buildah=(buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs)
log=$work/log
trap '"${buildah[@]}" rm --all >/dev/null 2>&1 || true; rm -rf --one-file-system "$work"' EXIT

step() { # what, command...
  local what=$1 started=$SECONDS
  shift
  "$@" >"$log" 2>&1 || { tail -40 "$log" >&2 && echo "image: failed: $what" >&2 && exit 1; }
  echo "image: $what, $((SECONDS - started)) s"
}

mirror=$(apt-get update --print-uris | sed -nE "s|^'([^' ]+)/dists/bookworm/.*|\1|p" | head -1)
node=$(dirname "$(dirname "$(.ci/with-node node -p process.execPath)")")
headers=$(.ci/with-node bash -c 'echo "${npm_config_nodedir:-}"')
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")

debian=$cache/debian-12.tar
bootstrap() {
  debootstrap --variant=minbase bookworm "$work/debian" "$mirror" &&
    tar -C "$work/debian" -cf "$debian.$$" . && mv "$debian.$$" "$debian" && rm -rf "$work/debian"
}
[ -e "$debian" ] || step "Debian 12 by debootstrap (once)" bootstrap

# The names that npm and apt-get inside trust are those of this machine.
build_base() {
  mkdir -p "$work/build/usr/local/lib/node_modules" && tar -C "$work/build" -xf "$debian"
  cp -r "$node/bin" "$headers/include" "$work/build/usr/local/"
  cp -r "$npm" "$work/build/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/build/usr/local/bin/npm"
  mkdir -p "$work/build/etc/ssl/certs" && cp /etc/ssl/certs/ca-certificates.crt "$work/build/etc/ssl/certs/"
}

# As the base of a release: a C library, the libraries of Node, certificates, a user, and no shell.
runtime_base() {
  local packages=(libc6 libgcc-s1 libstdc++6 ca-certificates tzdata)
  mkdir -p "$work/debs" "$work/runtime"/{etc,tmp,proc,dev,nodejs/bin}
  (cd "$work/debs" && apt-get download "${packages[@]}")
  for deb in "$work/debs"/*.deb; do dpkg-deb --extract "$deb" "$work/runtime"; done
  cp "$node/bin/node" "$work/runtime/nodejs/bin/"
  printf 'root:x:0:0::/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n' >"$work/runtime/etc/passwd"
}

image_of() { # folder, name, settings...
  local container folder=$1 name=$2
  shift 2
  container=$("${buildah[@]}" from scratch)
  "${buildah[@]}" add "$container" "$folder" / && rm -rf "$folder"
  "${buildah[@]}" config "$@" "$container"
  "${buildah[@]}" commit --rm "$container" "$name"
}

bases() {
  build_base && runtime_base &&
    image_of "$work/build" localhost/node:stand-in --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt &&
    image_of "$work/runtime" localhost/runtime:stand-in --env PATH=/nodejs/bin
}

build() {
  "${buildah[@]}" build --isolation chroot --build-arg NODE_IMAGE=localhost/node:stand-in \
    --build-arg RUNTIME_IMAGE=localhost/runtime:stand-in --tag localhost/external-backend-operator .
}

step "two base images" bases
step "both stages of the Dockerfile" build
container=$("${buildah[@]}" from localhost/external-backend-operator)
root=$("${buildah[@]}" mount "$container")
echo "image: $(du -sm "$root" | cut -f1) MB, of which Node $(du -sm "$root/nodejs" | cut -f1) MB and /app $(du -sk "$root/app" | cut -f1) kB"
read -ra entrypoint <<<"$("${buildah[@]}" inspect --format '{{range .OCIv1.Config.Entrypoint}}{{.}} {{end}}' "$container")"
.ci/image-start.sh "$root" "${entrypoint[@]}"
