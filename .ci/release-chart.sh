#!/usr/bin/env bash
# Packages the chart for an image, and prints the path of the file: .ci/release-chart.sh [IMAGE:TAG | IMAGE@sha256:DIGEST]
# Without an argument the image is that of values.yaml. Uses $HELM, or the Helm 4 that the tests build.
set -euo pipefail
cd "$(dirname "$0")/.."
usage() { echo "usage: $0 [IMAGE:TAG | IMAGE@sha256:DIGEST]" >&2 && exit 2; }
[ $# -lt 2 ] || usage

image=${1:-} tag='' digest=''
case $image in
  '') ;;
  *@*) digest=${image#*@} image=${image%@*} && [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || usage ;;
  ?*/*:* | [!/]*:[!/]*) tag=${image##*:} image=${image%:*} && [[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]] || usage ;;
  *) usage ;;
esac

helm=${HELM:-$(.ci/helm.sh 4)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r charts/external-backend-operator "$work"
if [ -n "$image" ]; then
  values=$work/external-backend-operator/values.yaml
  sed -i -e "s|^  repository: .*|  repository: $image|" -e "s|^  tag: .*|  tag: \"$tag\"|" -e "s|^  digest: .*|  digest: \"$digest\"|" "$values"
fi
HELM_CONFIG_HOME=$work HELM_CACHE_HOME=$work HELM_DATA_HOME=$work $helm package "$work/external-backend-operator" --destination . |
  sed -n 's/^.* saved it to: *//p'
