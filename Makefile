# Plain `make` lists the targets. Everything a target needs beyond Go, Node, Python and a C compiler it
# installs itself, into .tools/.

GO            ?= go
GOLANGCI      := .tools/bin/golangci-lint
GOLANGCI_PIN  := v2.15.0
JUDGES        := .tools/judges
AZURITE_PIN   := 3.37.0
DEMO_ARGS     ?=

.DEFAULT_GOAL := help
.PHONY: help build demo test test-go test-crash test-stores interop lint bench clean tools-check

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'

tools-check:
	@command -v $(GO) >/dev/null || { echo "make: no Go; install Go 1.26 or later from https://go.dev/dl" >&2; exit 1; }
	@command -v $${CC:-cc} >/dev/null || command -v gcc >/dev/null || { echo "make: no C compiler, which DuckDB needs; install gcc or clang" >&2; exit 1; }

build: tools-check ## build bin/lakelink
	$(GO) build -o bin/lakelink ./cmd/lakelink

demo: build ## run a local environment, the service and a link between them
	bin/lakelink demo $(DEMO_ARGS)

test: lint test-go test-crash ## all tests, and lint

test-go: tools-check ## unit, contract and end-to-end tests, with the race detector
	$(GO) test -race -timeout 20m ./...

test-crash: tools-check ## kill the service at every durable write, and at random
	$(GO) test -tags crash -timeout 20m -count=1 -v ./test/crash

# Servers that decide what a conditional write is worth; their tests judge the servers first.
VERSITYGW     := .tools/bin/versitygw
VERSITYGW_PIN := v1.8.0
FAKEGCS       := .tools/bin/fake-gcs-server
FAKEGCS_PIN   := v1.56.1

test-stores: tools-check $(JUDGES)/azurite.$(AZURITE_PIN) $(VERSITYGW).$(VERSITYGW_PIN) $(FAKEGCS).$(FAKEGCS_PIN) ## lakes in the cloud, against servers of their kind
	VERSITYGW=$(CURDIR)/$(VERSITYGW) FAKE_GCS_SERVER=$(CURDIR)/$(FAKEGCS) \
		$(GO) test -tags stores -count=1 -timeout 30m ./internal/lake/...

$(JUDGES)/azurite.$(AZURITE_PIN):
	@command -v npm >/dev/null || { echo "make: no npm, which installs Azurite; install Node 20 or later" >&2; exit 1; }
	npm install --prefix $(JUDGES) --no-audit --no-fund --loglevel=error azurite@$(AZURITE_PIN)
	@touch $@

$(VERSITYGW).$(VERSITYGW_PIN):
	GOBIN=$(CURDIR)/.tools/bin $(GO) install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_PIN)
	@touch $@

$(FAKEGCS).$(FAKEGCS_PIN):
	GOBIN=$(CURDIR)/.tools/bin $(GO) install github.com/fsouza/fake-gcs-server@$(FAKEGCS_PIN)
	@touch $@

interop: build ## read what we write with readers that we did not write; needs python3, java and mvn
	@test/interop/install.sh $(CURDIR)/.tools/interop
	$(GO) build -o bin/interop-widened ./test/interop/widened
	@cd test/interop && TZ=UTC PYTHONDONTWRITEBYTECODE=1 INTEROP_TOOLS=$(CURDIR)/.tools/interop \
		INTEROP_LAKELINK=$(CURDIR)/bin/lakelink INTEROP_WIDENED=$(CURDIR)/bin/interop-widened \
		$(CURDIR)/.tools/interop/venv/bin/python -m pytest test_moments.py test_traffic.py test_filters.py test_model.py $(INTEROP_ARGS)

lint: $(GOLANGCI).$(GOLANGCI_PIN) ## format, vet, checks and import arrows
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt: these files need formatting:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GOLANGCI) run ./...

$(GOLANGCI).$(GOLANGCI_PIN):
	GOBIN=$(CURDIR)/.tools/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_PIN)
	@touch $@

bench: build ## measure rows/s, rows per CPU-second, memory and lag; writes bench/results.json
	$(GO) run ./bench $(BENCH_ARGS)

clean: ## remove what was built and the demo's data
	rm -rf bin demo
