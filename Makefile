# Longarm. `make help` lists the targets.
GO      ?= go
VERSION ?= $(shell cat VERSION)
FUZZ    ?= 10s
RUN     ?= .
STAMP   ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
LDFLAGS  = -s -w -X main.buildVersion=$(VERSION) -X main.buildTime=$(STAMP)
BUILD    = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'
# The agent is built small: nothing is inlined but where cycles count (ciphers and
# arithmetic). Without it arm64 is over its budget: try SMALL= make cross.
SMALL   ?= -gcflags=all=-l $(foreach p,crypto/internal/... math/... internal/...,-gcflags=$(p)=)
LINT     = $(GO) tool -modfile=tools.mod golangci-lint

.PHONY: help build test lint cross demo lab lab-test bench fuzz clean

help:   ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile

build:  ## both binaries for this machine, in bin/
	@mkdir -p bin
	$(BUILD) -o bin/ ./cmd/longarm
	$(BUILD) $(SMALL) -o bin/ ./cmd/longarm-agent

test:   ## everything a fresh machine with Go and make needs; race detector, shuffled
	$(GO) vet ./...
	$(GO) test -race -shuffle=on -timeout 20m ./...
	@$(GO) test -json ./lab/... | $(GO) run ./lab/table -count
test: export LONGARM_LAB =

lint:   ## formatting, modern Go, import directions, lint
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt these files"; exit 1; }
	@$(GO) fix -diff ./... || { echo "run: go fix ./..."; exit 1; }
	$(LINT) run
	$(GO) mod verify

# Segments of ARM binaries begin at multiples of 16 KiB, not 64: the largest pages that the
# kernel of a Pi or gateway has, and 100 KB less of nothing in each binary (docs/adr/0007).
cross: LDFLAGS += -R 0x4000
cross:  ## stripped static agents for arm/6, arm/7 and arm64, with their sizes
	@mkdir -p dist
	GOOS=linux GOARCH=arm GOARM=6 $(BUILD) $(SMALL) -o dist/longarm-agent-armv6 ./cmd/longarm-agent
	GOOS=linux GOARCH=arm GOARM=7 $(BUILD) $(SMALL) -o dist/longarm-agent-armv7 ./cmd/longarm-agent
	GOOS=linux GOARCH=arm64 $(BUILD) $(SMALL) -o dist/longarm-agent-arm64 ./cmd/longarm-agent
	@sh cmd/longarm-agent/size.sh dist

demo: build  ## one call of each kind, end to end, then a power-fail (KEEP=1: leave it running)
	@bin/longarm demo -agent bin/longarm-agent $(if $(KEEP),-keep)

lab:    ## guests for lab-test, fetched, built and cached (arm64, arm): ARM kernels in QEMU
	@lab/prepare arm64 arm

lab-test: build cross lab  ## every check in real kernels, in guests of the lab (RUN=NAME: one; INTO=FILE: figures)
	@LONGARM_LAB=1 $(GO) test -json -count=1 -p 1 -timeout 30m -run '$(RUN)' ./lab/... | $(GO) run ./lab/table -all $(if $(INTO),-into $(INTO))

bench: build cross  ## the figures of docs/benchmarks.md
	@bin/longarm bench -agent bin/longarm-agent

fuzz:   ## every fuzz target of the tree, FUZZ each (10s, or 30000x inputs)
	@GO='$(GO)' .ci/fuzz $(FUZZ)

clean:  ## what make built
	rm -rf bin dist
