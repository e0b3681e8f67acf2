# A release builds from the digests that these tags have then: .ci/release-image.sh. By hand: --build-arg NODE_IMAGE=node@sha256:…
# The runtime base must have Node 24 at /nodejs/bin/node and the same C library as the build base (Debian 12).
ARG NODE_IMAGE=node:24-bookworm-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot

FROM ${NODE_IMAGE} AS build
WORKDIR /app
# For the native parts (probes of the kind icmp): icmp-socket, and raw-socket where that does not do. The versions of these
# packages do not reach the image.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends g++ make python3 \
  && rm -rf /var/lib/apt/lists/*
COPY package.json package-lock.json ./
# The headers of this very Node, instead of a download.
RUN npm_config_nodedir=/usr/local npm ci
COPY tsconfig.json ./
COPY src ./src
# One file for the process and one for the threads that probe, with every dependency in them but the native ones: they start
# faster and take a third of the memory.
RUN npm run build \
  && npm_config_nodedir=/usr/local src/native/build.sh /out/native \
  && mkdir -p /out/node_modules/raw-socket/build/Release \
  && cp -r dist /out/ \
  && printf '{"type":"module"}\n' > /out/package.json \
  && cp -r node_modules/net-ping /out/node_modules/ \
  && cp node_modules/raw-socket/package.json node_modules/raw-socket/index.js /out/node_modules/raw-socket/ \
  && cp node_modules/raw-socket/build/Release/raw.node /out/node_modules/raw-socket/build/Release/

FROM ${RUNTIME_IMAGE}
LABEL org.opencontainers.image.title="external-backend-operator" \
  org.opencontainers.image.description="Exposes databases outside the cluster as Kubernetes Services, with readiness probes that prune dead addresses" \
  org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /out ./
ENV NODE_ENV=production
# A number, so that the kubelet can tell that it is not root.
USER 65532:65532
# Metrics, health.
EXPOSE 8080 8081
# Nearly all garbage of this process is young and dies at once. Left to itself, V8 lets the young generation grow to 96 MB; a
# half of that costs no more CPU. And at the first burst it learns to put some of these objects where only a major collection
# frees them, which keep all that they point to (docs/benchmarks.md).
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=16", "--no-allocation-site-pretenuring", "dist/main.js"]
