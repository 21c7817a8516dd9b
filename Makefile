# Targets for people; .ci/run calls the same ones.

GO       ?= go
REVISION := $(shell git rev-parse --short=8 HEAD 2>/dev/null)
# what plain builds are called, until VERSION says another
VERSION  ?=
LDFLAGS  := -s -w -X praetor/internal/version.commit=$(REVISION) $(if $(VERSION),-X praetor/internal/version.Praetor=$(VERSION))

.DEFAULT_GOAL := build

help: ## what there is to make
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

quick: ## what most changes break first
	$(GO) vet ./...
	$(GO) test -short ./internal/house ./agent/config ./catalog ./httpapi/... ./internal/cli ./internal/definition ./dnsserver

.PHONY: help quick build test race lint fmt generate cross release package-test vulncheck bench e2e chaos simulate soak crowd mixed nightly conformance client-library cluster clean screenshots ui-check

build: ## bin/praetor, linked statically: it needs no libc
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/praetor ./cmd/praetor

test: ## everything that needs only Go
	$(GO) test ./...

RACE_APART = ./internal/testcluster
# one process of minutes, whose parts others run under the detector too
RACE_AT_NIGHT = ^TestRights$$
race: export GORACE = suppressions=$(CURDIR)/scripts/race-known
# cmd/praetor drives the built program, which the detector does not see into.
race: ## the same under the race detector; whole clusters each in a process of its own
	$(GO) test -race -timeout 20m -skip '$(RACE_AT_NIGHT)' $$($(GO) list ./... | grep -v -e /cmd/praetor $(RACE_APART:./%=-e /%$$))
	./scripts/race-apart $(RACE_APART)

lint: ## vet, staticcheck, gofmt, generated code up to date
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }

generate: ## the MessagePack code
	$(GO) generate ./...

cross: ## builds for other systems, one with 32 bits among them; release makes all
	CGO_ENABLED=0 GOOS=darwin  GOARCH=arm64 $(GO) build -trimpath -o /dev/null ./cmd/praetor
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 $(GO) build -trimpath -o /dev/null ./cmd/praetor
	CGO_ENABLED=0 GOOS=linux   GOARCH=arm   $(GO) build -trimpath -o /dev/null ./cmd/praetor

release: ## archives, deb, rpm, sums and lists of parts of VERSION in dist/; RELEASE_KEY=FILE signs the sums
	$(GO) run ./internal/release -version '$(VERSION)' -out dist

package-test: ## a release made twice and compared; its deb installed, started, upgraded and removed; the first hour played (root only)
	./scripts/package-test

vulncheck: ## known weaknesses of what is linked; asks vuln.go.dev
	$(GO) tool -modfile=packaging/tools.mod govulncheck ./cmd/praetor

nightly: export GORACE = suppressions=$(CURDIR)/scripts/race-known
nightly: build chaos ## what takes longer than a change can wait for
	$(GO) test -race -timeout 60m -run '$(RACE_AT_NIGHT)' ./httpapi
	$(MAKE) release VERSION=0.0.0
	PRAETOR_SIMULATE=30m $(GO) test -count=1 -v -timeout 60m -run '^TestSimulatedClustersKeepTheirPromises$$' ./internal/testcluster
	PRAETOR_PROPERTIES=30m PRAETOR_SEED=$$(date +%s) $(GO) test -timeout 60m -run '^TestRequestsHoldTheirProperties$$' ./httpapi

bench: build ## figures beside their limits; never fails on time
	$(GO) run ./internal/bench -bin bin/praetor
	PRAETOR_GROWTH=256000 $(GO) test -count=1 -run 'TestCostsDoNotGrow|TestSnapshotsGrow' -v ./catalog
	$(GO) test -run '^$$' -bench . -benchtime 0.3s ./catalog ./raftstore ./httpapi ./dnsserver ./agent/local

e2e: build ## the built binary, driven as a user drives it
	$(GO) test -count=1 -v ./cmd/praetor

CHAOS_MINUTES ?= 10
chaos: ## servers and a client agent under faults for CHAOS_MINUTES, all they say checked; PRAETOR_CHAOS_SEED=... repeats a run (root: on hosts of their own)
	CGO_ENABLED=0 $(GO) build -trimpath -tags faults -o bin/praetor-faults ./cmd/praetor
	$(GO) test -count=1 -tags faults ./internal/durable
	PRAETOR_CHAOS_PROGRAM=$(CURDIR)/bin/praetor-faults PRAETOR_CHAOS_MINUTES=$(CHAOS_MINUTES) $(GO) test -count=1 -v -timeout 0 -run '^TestKVIsLinearizableThroughFaults$$' ./cmd/praetor

mixed: ## a cluster under load goes from the version before to this one and back; PREVIOUS=REVISION names another
	./scripts/mixed

SEEDS ?= 20
simulate: ## virtual clusters under faults for SEEDS seeds, all that their clients saw checked; SEED=... is the first one, else the clock tells it
	@echo "at commit $$(git describe --always --dirty 2>/dev/null || echo unknown)"
	PRAETOR_SEEDS=$(SEEDS) PRAETOR_SEED=$(SEED) $(GO) test -count=1 -v -timeout 0 -run '^TestSimulatedClustersKeepTheirPromises$$' ./internal/testcluster

SOAK_HOURS ?= 24
soak: ## 24 simulated hours of churn, after which nothing has grown; SOAK_HOURS=... for others
	PRAETOR_SOAK_HOURS=$(SOAK_HOURS) $(GO) test -count=1 -v -timeout 0 -run '^TestChurnLeavesNothingBehind$$' ./internal/testcluster

AGENTS ?= 800
crowd: ## what AGENTS client agents cost a cluster, in virtual time: an eighth of them, a quarter, half, all
	PRAETOR_AGENTS=$(AGENTS) $(GO) test -count=1 -v -timeout 0 -run '^TestWhatACrowdCosts$$' ./internal/testcluster

client-library: build ## tests of Consul's published Go client, three generations, but for those listed in .ci/client-library
	@./scripts/client-library bin/praetor

CONFORMANCE ?= ../shared/conformance
conformance: build ## transcripts of Consul 1.21, but for those listed in .ci/conformance, replayed on bin/praetor
	@./scripts/conformance $(CONFORMANCE) bin/praetor

cluster: build ## three servers and a client with the UI on 127.0.0.1 to .4; ctrl-c stops them
	./scripts/cluster

screenshots: ## every page of the UI, light, dark and on a phone, as bin/screenshots/*.png
	mkdir -p bin/screenshots
	PRAETOR_SCREENSHOTS=$(CURDIR)/bin/screenshots $(GO) test -count=1 -run '^TestUI(Pages|DrawsAMap|Colors|Renames|Uploads|ShowsTheDifference|WritesPolicies)' ./cmd/praetor

TSC = npx --yes --package=typescript@5.9 tsc
ui-check: ## the types that the UI's scripts name in their comments; needs npm
	cd ui && $(TSC) --version && ! $(TSC) -p . | grep -v '^static/vendor/'

clean: ## remove what build and release made
	rm -rf bin dist
