# Each target is one line to a script or task; `make` alone lists them.
# Variables of `make demo`: DURATION PORT DATA RATE SEED POSTS COMMENTS BACKEND, e.g. make demo DURATION=30s
# Of what works with a cluster: NAMESPACE RELEASE VALUES, of its tests SCENARIO (dev, full), e.g. make deploy VALUES=charts/reddit-pipeline/values-dev.yaml
.DEFAULT_GOAL := help
.PHONY: help demo verify images test test-quick test-cluster bench fmt lint check charts clean-data
.PHONY: install deploy status generate-historical run-consumer run-producer run-batch run-streaming logs clean
.PHONY: test-scalability test-fault-tolerance

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-20s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: ## run the whole pipeline on http://localhost:30080; BACKEND=servers: on real servers
	@scripts/demo

verify: ## prove that what DATA (default ./data) serves is right
	@scripts/verify

images: ## build the jobs' images; SERVERS=1: stand-ins for the servers' too; LOAD=1: into the cluster
	@scripts/images $(if $(SERVERS),--servers) $(if $(LOAD),--load)

test: ## every check and test; ends with "N passed, N failed"
	@scripts/test

test-quick: ## a part of it in minutes: checks, units, laws, layers, what the charts render to
	@scripts/test --quick

test-cluster: ## test the chart on the current cluster; IMAGES=official: with the servers' own images
	@scripts/test-cluster $(SCENARIO)

bench: ## run the benchmarks
	@scripts/deno task bench

fmt: ## format everything
	@scripts/deno fmt

lint: ## lint everything
	@scripts/deno lint && scripts/deno task --quiet shell

check: ## type-check everything
	@scripts/deno check .

charts: ## write what is generated of the charts: schemas, reference, dashboards, what presets render to
	@scripts/charts --golden

clean-data: ## delete what `make demo` stored (DATA, default ./data)
	@scripts/clean-data

install: ## set up the tools: Deno and Helm
	@scripts/setup && scripts/helm version --short

deploy: ## install the release on the current cluster, or upgrade it
	@scripts/helm-release deploy

status: ## what runs of the release
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

test-scalability: ## give a release that runs more pods and more records, and take them back
	@scripts/helm-release test-scalability

test-fault-tolerance: ## delete one pod of each kind of a release that runs, and prove its answers
	@scripts/helm-release test-fault-tolerance

logs: ## follow the logs of the release
	@scripts/helm-release logs

clean: ## uninstall the release
	@scripts/helm-release clean
