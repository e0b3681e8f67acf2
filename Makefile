# Each target installs what it needs: Node, npm packages, Debian packages, the control plane. `make` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

with_node := .ci/with-node
node := $(with_node) node --disable-warning=ExperimentalWarning
plane := $(with_node) test/controlplane/netns.sh node --disable-warning=ExperimentalWarning

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: ## The operator on a real control plane, step by step: servers die, a name and a primary fail over, the operator is cut off (KEEP=1: leaves it running)
	@.ci/packages.sh network psql
	@$(plane) test/demo/main.ts

.PHONY: test
test: ## All checks and all tests
	@$(with_node) .ci/test.sh types lint verify unit integration e2e

.PHONY: unit
unit: ## Tests that need no control plane (TESTS=pattern: only those files)
	@$(with_node) .ci/test.sh unit

.PHONY: simulate
simulate: ## The whole operator in random histories (SEED=1 HISTORIES=10000; GUARD=name: without that guard)
	@$(node) test/simulation/main.ts

.PHONY: simulate-seeds
simulate-seeds: ## Seeds that find each guard switched off, into test/simulation/guard-seeds.ts (HISTORIES=2000)
	@$(node) test/simulation/find-seeds.ts

.PHONY: integration
integration: ## Tests against a real API server (TESTS=pattern)
	@$(with_node) .ci/test.sh integration

.PHONY: e2e
e2e: ## Tests from the view of an application, through CoreDNS and kube-proxy (TESTS=pattern)
	@$(with_node) .ci/test.sh e2e

.PHONY: compat
compat: ## integration and e2e on other versions of Kubernetes (VERSIONS="1.33.13 1.37.2", TESTS=pattern); not part of test
	@$(with_node) .ci/compat.sh $(VERSIONS)

.PHONY: check
check: ## Before a push: types, linter, formatting, generated files and unit tests (about five minutes)
	@$(with_node) .ci/test.sh types lint verify unit

.PHONY: fix
fix: ## Repairs what a program can repair: linter, formatting, generated files
	@$(with_node) eslint --fix .
	@$(with_node) prettier --write --log-level warn .
	@$(node) src/generate.ts

.PHONY: lint
lint: ## Types, linter, formatting
	@$(with_node) .ci/test.sh types lint

.PHONY: build
build: ## One file per program, dist/main.js and dist/prober.js
	@$(with_node) tsc --noEmit
	@$(with_node) npm run --silent build
	@ls -l dist/main.js dist/prober.js

.PHONY: plugin
plugin: ## The kubectl plugin as one file, dist/kubectl-external_backend
	@$(with_node) npm run --silent build:plugin
	@ls -l dist/kubectl-external_backend

.PHONY: run
run: ## The operator against the current kubeconfig (ARGS="--help")
	@$(node) src/main.ts $(ARGS)

.PHONY: generate
generate: ## CRD, RBAC and reference pages from the sources
	@$(node) src/generate.ts

.PHONY: verify
verify: ## Fails when a generated file differs from the output of `make generate`
	@$(node) src/generate.ts --check

.PHONY: manifests
manifests: ## install.yaml: config/default as one file (IMAGE=registry/name:tag or registry/name@sha256:…)
	@.ci/release-manifests.sh $(IMAGE) >install.yaml
	@echo "install.yaml: $$(grep -c '^kind:' install.yaml) objects, image $$(sed -n 's/^ *image: //p' install.yaml)"

.PHONY: bench
bench: build ## Benchmarks on a real control plane (NAMES="probe flip": only those); all of them take hours
	@.ci/packages.sh network psql mariadb redis
	@.ci/go-program.sh ferretdb >/dev/null
	@$(plane) bench/main.ts $(NAMES)

.PHONY: controlplane
controlplane: ## A shell with kubectl and a real control plane
	@.ci/packages.sh network
	@$(plane) test/controlplane/shell.ts

.PHONY: image
image: ## Builds the Dockerfile on stand-ins of its two bases, without a registry, and starts the result (needs root)
	@.ci/image.sh

.PHONY: chart
chart: ## The chart as one file, external-backend-operator-VERSION.tgz (IMAGE=registry/name:tag or registry/name@sha256:…)
	@.ci/release-chart.sh $(IMAGE)

.PHONY: image-lint
image-lint: ## Checks the Dockerfile
	@.ci/image-lint.sh

.PHONY: workflow-lint
workflow-lint: ## Checks .github/workflows
	@.ci/workflow-lint.sh

.PHONY: audit
audit: ## Known vulnerabilities of the shipped packages, and the registry's signatures of all packages (needs the npm registry)
	@$(with_node) npm audit --omit=dev
	@$(with_node) npm audit signatures

.PHONY: clean
clean: ## Removes what the other targets created in this directory (the cached control plane remains)
	@rm -rf dist coverage node_modules .node install.yaml external-backend-operator-*.tgz
