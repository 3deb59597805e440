# Each target is one line to a script or task; `make` alone lists them.
# Variables of `make demo`: DURATION PORT DATA RATE SEED POSTS COMMENTS BACKEND, e.g. make demo DURATION=30s
# Variables of the cluster's targets: NAMESPACE RELEASE VALUES, and SCENARIO (dev, full) of test-cluster, e.g. make deploy VALUES=charts/reddit-pipeline/values-dev.yaml
.DEFAULT_GOAL := help
.PHONY: help demo verify images test test-quick test-cluster bench fmt lint check charts clean-data
.PHONY: install deploy status generate-historical run-consumer run-producer run-batch run-streaming logs clean
.PHONY: test-scalability test-fault-tolerance

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-20s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: ## run the whole pipeline on http://localhost:30080; BACKEND=servers: on real servers
	@scripts/demo

verify: ## prove that the answers from DATA (default ./data) are right
	@scripts/verify

images: ## build the jobs' images; SERVERS=1: and the servers' stand-ins; LOAD=1: load them into the cluster
	@scripts/images $(if $(SERVERS),--servers) $(if $(LOAD),--load)

test: ## every check and test; ends with "N passed, N failed"
	@scripts/test

test-quick: ## a part of the tests in minutes: checks, units, laws, layers, rendered charts
	@scripts/test --quick

test-cluster: ## test the chart on the current cluster; IMAGES=official: with the servers' official images
	@scripts/test-cluster $(SCENARIO)

bench: ## run the benchmarks
	@scripts/deno task bench

fmt: ## format everything
	@scripts/deno fmt

lint: ## lint everything
	@scripts/deno lint && scripts/deno task --quiet shell

check: ## type-check everything
	@scripts/deno check .

charts: ## write the charts' generated files: schemas, reference, dashboards, rendered presets
	@scripts/charts --golden

clean-data: ## delete the data of `make demo` (DATA, default ./data)
	@scripts/clean-data

install: ## set up the tools: Deno and Helm
	@scripts/setup && scripts/helm version --short

deploy: ## install the release on the current cluster, or upgrade it
	@scripts/helm-release deploy

status: ## show the release's status and pods
	@scripts/helm-release status

generate-historical: ## generate history and load it
	@scripts/helm-release generate-historical

run-consumer: ## start ingest (log to dataset)
	@scripts/helm-release run-consumer

run-producer: ## start the generator's live traffic
	@scripts/helm-release run-producer

run-batch: ## build a generation of the batch views now
	@scripts/helm-release run-batch

run-streaming: ## start speed
	@scripts/helm-release run-streaming

test-scalability: ## scale a running release to more pods and more records, and back
	@scripts/helm-release test-scalability

test-fault-tolerance: ## delete one pod of each kind of a running release, and verify its answers
	@scripts/helm-release test-fault-tolerance

logs: ## follow the logs of the release
	@scripts/helm-release logs

clean: ## uninstall the release
	@scripts/helm-release clean
