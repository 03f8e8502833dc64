# Antiphon. `make run` and `make test` are the two commands; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
# The targets below install, build and serve: one after the other.
.NOTPARALLEL:

# Node from tools/setup, where the machine's own is too old.
export PATH := $(CURDIR)/.tools/bin:$(PATH)

JOBS ?= $(shell nproc)
HOST ?= 0.0.0.0
PORT ?= 8080
DATA_DIR ?= $(CURDIR)/data
# What tests/run.mjs runs: nothing = every suite, else folders or files of tests/.
SUITES ?=
# What bench/run.mjs measures: nothing = everything.
FIGURES ?=

web_sources := $(shell find web -name node_modules -prune -o -name dist -prune -o -type f -print 2>/dev/null)
step = @printf '==> %s\n'

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: setup build ## install what is missing, build, and serve on port 8080 with everything under ./data
	$(step) 'Antiphon on http://localhost:$(PORT), data in $(DATA_DIR); Ctrl-C ends it'
	@mkdir -p '$(DATA_DIR)'
	@HOST='$(HOST)' PORT='$(PORT)' DATA_DIR='$(DATA_DIR)' exec build/antiphon serve

.PHONY: build
build: web ## build the web client and the server: build/antiphon
	@tools/build release antiphon

.PHONY: test
test: setup-test build ## install what the tests need, build, and run every test
	@tools/test release $(SUITES)

.PHONY: setup setup-test
setup:
	@tools/setup build
setup-test:
	@tools/setup test

.PHONY: web
web: $(if $(wildcard web/package.json),web/dist/index.html)

web/node_modules/.package-lock.json: web/package-lock.json
	$(step) 'npm ci in web'
	@cd web && npm ci --no-audit --no-fund --loglevel=error

web/dist/index.html: web/node_modules/.package-lock.json $(web_sources)
	$(step) 'the web client'
	@cd web && npm run --silent build
	@touch $@

.PHONY: dev
dev: setup web/node_modules/.package-lock.json ## serve, rebuild and restart on change; the web client is hot on port 5173
	@tools/build dev antiphon
	@node tools/dev.mjs

.PHONY: api
api: build ## write docs/openapi.json from the program and the web client's types from that
	@build/antiphon openapi 2>/dev/null | python3 -m json.tool --no-ensure-ascii --indent 1 > docs/openapi.json
	@cd web && npm run --silent api

.PHONY: fmt
fmt: ## format the C++ sources
	@tools/setup check
	@git ls-files 'src/*.cc' 'src/*.h' 'bench/*.cc' 'bench/*.h' | xargs -r clang-format-19 -i

.PHONY: check
check: ## formatting, layers, migrations, lifetimes of coroutines' arguments, the table of security tests; changes nothing
	@tools/setup check
	@git ls-files 'src/*.cc' 'src/*.h' 'bench/*.cc' 'bench/*.h' | xargs -r clang-format-19 --dry-run --Werror
	@python3 tools/check_layers.py
	@python3 tools/check_migrations.py
	@python3 tools/check_regressions.py
	@tools/lifetimes.py

# What clang-tidy reads: what differs from BASE, or with ALL=1 everything.
BASE ?= origin/main
.PHONY: tidy
tidy: ## clang-tidy on the sources that differ from BASE=origin/main; ALL=1 reads all (ten minutes)
	@tools/setup check
	@$(if $(ALL),tools/tidy,git diff --name-only --diff-filter=d $(BASE) -- 'src/*.cc' | xargs -r tools/tidy)

.PHONY: asan tsan
asan: setup-test web ## every test under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/test asan $(SUITES)
tsan: setup-test web ## every test under ThreadSanitizer
	@tools/test tsan $(SUITES)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZ_SECONDS=60 seconds
	@tools/setup check
	@tools/fuzz

.PHONY: kill
kill: setup-test build ## the long kill loop: KILLS=500 kills per database
	@cd tests && npm ci --silent --no-audit --no-fund && ANTIPHON_KILLS=$${KILLS:-500} node run.mjs kill

# FAULTS: files of tests/faults, such as FAULTS=streams.test.mjs; all without it. ANTIPHON_SEED and ANTIPHON_SCENARIO: tests/faults/README.md
.PHONY: faults
faults: build ## the fault laboratory: every scenario, and FAULT_MINUTES=2 of mixed faults (Go, opt-in)
	@tools/setup faults
	@cd tests && npm ci --silent --no-audit --no-fund && \
	  ANTIPHON_FAULTS=all ANTIPHON_FAULT_MINUTES=$(or $(FAULT_MINUTES),2) ANTIPHON_SEED=$${ANTIPHON_SEED:-$$RANDOM} \
	  node run.mjs $(or $(addprefix faults/,$(FAULTS)),faults)

.PHONY: starts
starts: setup-test build ## the long loops of starts and upgrades: STARTS=100 rounds of each kind, TRIALS=1000 of the first account, two versions for MIXED=600 seconds
	@tools/build release antiphon_next
	@cd tests && npm ci --silent --no-audit --no-fund && ANTIPHON_STARTS=$${STARTS:-100} ANTIPHON_TRIALS=$${TRIALS:-1000} ANTIPHON_MIXED_SECONDS=$${MIXED:-600} \
	  node run.mjs blackbox/starts.test.mjs blackbox/upgrade.test.mjs

.PHONY: bench
bench: ## measure beside Open WebUI, nginx and pgbench, and write docs/performance.md (7 GB, 12 minutes; FIGURES="start health": only these)
	@tools/setup bench
	@$(MAKE) web
	@tools/build release antiphon bench_load store_bench
	@tools/peer install
	@cd tests && npm ci --silent --no-audit --no-fund
	@node bench/run.mjs $(FIGURES)

.PHONY: ollama
ollama: build ## tests beside Ollama itself, built once with this machine's Go (opt-in)
	@tools/setup ollama
	@cd tests && npm ci --silent --no-audit --no-fund && node run.mjs ollama

.PHONY: deploy-check
deploy-check: build ## the chart, manifests, stacks and the package of deploy/, with helm, kubeconform and a booted Debian (root, opt-in)
	@tools/setup deploy
	@cd tests && npm ci --silent --no-audit --no-fund && node run.mjs deploy-check

# COMPAT: more for tests/compat/run.mjs, such as COMPAT='--only chats --verbose'
COMPAT ?=
.PHONY: compat
compat: setup-test build ## compare with Open WebUI 0.12.4 and run its own client on our server (7 GB, opt-in)
	@tools/peer install
	@tools/compat $(COMPAT)

.PHONY: fresh
fresh: ## try both commands in a new Debian 12 that has nothing else (root, 6 GB, opt-in)
	@tools/setup fresh
	@tools/fresh

.PHONY: clean
clean: ## remove what was built; data and downloads stay
	@rm -rf build web/dist
