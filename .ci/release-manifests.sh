#!/usr/bin/env bash
# Prints config/default with the image by digest: .ci/release-manifests.sh IMAGE sha256:…
# Takes kubectl, or KUBECTL.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ $# = 2 && $2 =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "usage: $0 IMAGE sha256:DIGEST" >&2 && exit 2; }
# kustomize takes no absolute paths.
overlay=$(mktemp -d config/release.XXXXXX)
trap 'rm -rf "$overlay"' EXIT
cat >"$overlay/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../default
images:
  - name: external-backend-operator
    newName: $1
    digest: $2
YAML
${KUBECTL:-kubectl} kustomize "$overlay"
