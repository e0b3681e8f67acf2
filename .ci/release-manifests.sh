#!/usr/bin/env bash
# Prints config/default as one file: .ci/release-manifests.sh [IMAGE:TAG | IMAGE@sha256:DIGEST | IMAGE sha256:DIGEST]
# Without an argument the image remains the one of config/manager. Uses kubectl, or $KUBECTL, or the kubectl of the control
# plane that the tests build.
set -euo pipefail
cd "$(dirname "$0")/.."
usage() { echo "usage: $0 [IMAGE:TAG | IMAGE@sha256:DIGEST | IMAGE sha256:DIGEST]" >&2 && exit 2; }

image=${1:-}
[ $# -lt 2 ] || image=$1@$2
[ $# -lt 3 ] || usage
case $image in
  '') change= ;;
  *@*) change="newName: ${image%@*}, digest: ${image#*@}" && [[ ${image#*@} =~ ^sha256:[0-9a-f]{64}$ ]] || usage ;;
  ?*/*:* | [!/]*:[!/]*) change="newName: ${image%:*}, newTag: '${image##*:}'" && [[ ${image##*:} =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]] || usage ;;
  *) usage ;;
esac

kubectl=${KUBECTL:-kubectl}
command -v "${kubectl%% *}" >/dev/null || kubectl="$(test/controlplane/build.sh) kubectl"
# kustomize takes no absolute paths.
overlay=$(mktemp -d config/release.XXXXXX)
trap 'rm -rf "$overlay"' EXIT
cat >"$overlay/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../default
${change:+images:
  - {name: external-backend-operator, $change\}}
YAML
$kubectl kustomize "$overlay"
