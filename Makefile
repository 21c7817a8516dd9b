# Targets for people; .ci/run calls the same ones.

GO       ?= go
REVISION := $(shell git rev-parse --short=8 HEAD 2>/dev/null)
LDFLAGS  := -s -w -X praetor/internal/version.commit=$(REVISION)

.PHONY: build test race lint fmt generate cross bench e2e chaos conformance cluster clean

build: ## bin/praetor, linked statically: it needs no libc
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/praetor ./cmd/praetor

test: ## everything that needs only Go
	$(GO) test ./...

RACE_APART = ./internal/testcluster
race: ## the same under the race detector; whole clusters each in a process of its own
	$(GO) test -race -timeout 20m $$($(GO) list ./... | grep -v $(RACE_APART:./%=/%$$))
	./scripts/race-apart $(RACE_APART)

lint: ## vet, staticcheck, gofmt, generated code up to date
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }

generate: ## the MessagePack code
	$(GO) generate ./...

cross: ## builds for the other systems
	CGO_ENABLED=0 GOOS=darwin  GOARCH=arm64 $(GO) build -trimpath -o /dev/null ./cmd/praetor
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 $(GO) build -trimpath -o /dev/null ./cmd/praetor
	CGO_ENABLED=0 GOOS=linux   GOARCH=arm64 $(GO) build -trimpath -o /dev/null ./cmd/praetor

bench: build ## figures beside their limits; never fails on time
	$(GO) run ./internal/bench -bin bin/praetor
	$(GO) test -run '^$$' -bench . -benchtime 0.3s ./catalog ./raftstore ./httpapi ./dnsserver ./agent/local

e2e: build ## the built binary, driven as a user drives it
	$(GO) test -count=1 -v ./cmd/praetor

CHAOS_MINUTES ?= 10
chaos: ## three servers under faults for CHAOS_MINUTES, their histories checked; PRAETOR_CHAOS_SEED=... repeats a run
	PRAETOR_CHAOS_MINUTES=$(CHAOS_MINUTES) $(GO) test -count=1 -v -timeout 0 -run '^TestKVIsLinearizableThroughFaults$$' ./cmd/praetor

CONFORMANCE ?= ../shared/conformance
CASES       ?= ^($(shell paste -sd'|' .ci/conformance))$$
conformance: build ## transcripts of Consul 1.21, those listed in .ci/conformance, replayed on bin/praetor
	@cd $(CONFORMANCE) && $(GO) run . run -bin $(CURDIR)/bin/praetor -q -p 1 -run '$(CASES)'

cluster: build ## three servers and a client with the UI on 127.0.0.1 to .4; ctrl-c stops them
	./scripts/cluster

clean:
	rm -rf bin
