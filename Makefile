# Each target is one line to a script or task; `make` alone lists them.
# Variables of `make demo`: DURATION PORT DATA RATE SEED POSTS COMMENTS BACKEND, e.g. make demo DURATION=30s
.DEFAULT_GOAL := help
.PHONY: help demo verify images test bench fmt lint check clean-data

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: ## run the whole pipeline on http://localhost:30080; BACKEND=servers: on real servers
	@scripts/demo

verify: ## prove that what DATA (default ./data) serves is right
	@scripts/verify

images: ## build the jobs' images; SERVERS=1: stand-ins for the servers' too; LOAD=1: into the cluster
	@scripts/images $(if $(SERVERS),--servers) $(if $(LOAD),--load)

test: ## every check and test; ends with "N passed, N failed"
	@scripts/test

bench: ## run the benchmarks
	@scripts/deno task bench

fmt: ## format everything
	@scripts/deno fmt

lint: ## lint everything
	@scripts/deno lint

check: ## type-check everything
	@scripts/deno check .

clean-data: ## delete what `make demo` stored (DATA, default ./data)
	@scripts/clean-data
