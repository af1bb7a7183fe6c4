# assay: make help
SHELL := /bin/bash
GO ?= go
GOBIN := $(shell $(GO) env GOPATH)/bin
LINT_VERSION := v2.15.0
FUZZTIME ?= 10s
BENCH ?= .

.DEFAULT_GOAL := help
.PHONY: help build build-nocgo demo test race bench simulate faults life fuzz dialects conformance pages examples lint golden ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/assay, for this machine
	$(GO) build -trimpath -o bin/assay ./cmd/assay

build-nocgo: ## bin/assay-nocgo, without DuckDB: no C, one static file for any machine of GOOS and GOARCH
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/assay-nocgo ./cmd/assay

demo: build ## 14 days of an LLM product, judged day by day; leaves demo/report/index.html
	$(GO) build -trimpath -o bin/demo ./cmd/demo
	bin/demo --assay bin/assay --dir demo --project testdata/demo

test: ## all tests
	$(GO) test ./...

conformance: ## warehouses and flag stores against the real thing where it can be had, and real clients against ours
	@set -e; for script in connectors/conformance/*.sh connectors/flags/conformance/*.sh; do echo "== $$script"; GO=$(GO) $$script; done

# Nothing in these starts a goroutine; cmd/demo is no part of the product. What uses
# them from several is in the race.
UNRACED := assay/cmd/demo assay/decide assay/queries assay/spec assay/stats assay/stats/peers

race: ## the tests of what runs at once under the race detector, the short way
	$(GO) test -race -short $(filter-out $(UNRACED),$(shell $(GO) list ./...))

bench: ## the budgets of the design, as ratios measured in one run
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 60m ./queries
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./stats ./spec ./ledger

simulate: ## seeded rollouts of known truth, judged by assay and by others; rewrites docs/validity.md
	$(GO) build -trimpath -o bin/simulate ./cmd/simulate
	bin/simulate

# The binary that is broken stops where the environment says; nothing else differs.
breakable = $(GO) build -trimpath -tags faults -o bin/assay-faults ./cmd/assay && $(GO) build -trimpath -o bin/faults ./cmd/faults

faults: ## 2,400 seeded scenarios of crashes, outages, forgeries and edits (docs/faults.md)
	$(breakable)
	bin/faults

life: ## thirty days of fifty rollouts whose truth is known (docs/faults.md)
	$(breakable)
	bin/faults -life

# One instrumented binary a package, for all its targets.
fuzz: ## every fuzz target for FUZZTIME
	@set -e; cache=$$($(GO) env GOCACHE)/fuzz; mkdir -p bin/fuzz; \
	grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u | while read -r dir; do \
	  binary=$(CURDIR)/bin/fuzz/$$(echo "$${dir#./}" | tr / -).test; \
	  $(GO) test -c -fuzz '^Fuzz' -o "$$binary" "$$dir"; \
	  for name in $$(cd "$$dir" && "$$binary" -test.list '^Fuzz'); do \
	    echo "fuzz $$dir $$name"; \
	    (cd "$$dir" && "$$binary" -test.run '^$$' -test.fuzz "^$$name\$$" -test.fuzztime $(FUZZTIME) -test.fuzzcachedir "$$cache/assay/$${dir#./}"); \
	  done; \
	done

dialects: ## the SQL of BigQuery by its own analyzer, and values of both other dialects (ASSAY_SQLGLOT: a python with sqlglot)
	cd queries/googlesql && $(GO) test -p 1 -timeout 40m .
	$(GO) test ./queries -run 'TestTranspiled|TestSnowflakeFunctions'

pages: demo ## every page of the demo in Chromium: silent, light and dark, on a phone, on paper, by the rules of axe-core
	ASSAY_PAGES=$(CURDIR)/demo/report ASSAY_REQUIRE_BROWSER=1 ASSAY_REQUIRE_AXE=1 \
	  $(GO) test -timeout 60m -count=1 -v ./report -run '^(TestPagesInABrowser|TestPagesKeepTheRulesOfAxe|TestNoPageIsTooWideOrTooFaint)$$'

examples: build ## the schedules of docs/examples, by systemd, the schemas of Kubernetes, and Airflow
	docs/examples/schedule/check.sh bin/assay

lint: ## golangci-lint, pinned; installed where it is missing
	@$(GOBIN)/golangci-lint version 2>/dev/null | grep -q '$(LINT_VERSION:v%=%)' || \
	  $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	$(GOBIN)/golangci-lint run ./...

golden: ## rewrite the golden files; read the difference before you commit it
	$(GO) test ./queries ./report ./spec ./connectors/flags/serve -update
	$(GO) test ./cmd/assay -run TestScripts -update

ci: ## what CI runs
	.ci/run
