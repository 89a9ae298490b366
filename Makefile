# Tidemill. `make` lists the targets; needs GNU make, Swift 6.3 or newer and a Debian-like Linux.

SWIFT ?= swift
# One configuration for everything that is built here: tests may see a module's internals, and what `make demo` compiled
# is not compiled again by `make test`.
BUILD_FLAGS = -c release -Xswiftc -enable-testing
DEV_FLAGS = --scratch-path .build/dev -c debug -Xswiftc -O
BINARIES = .build/release
PEERS_PYTHON = .venv-peers/bin/python

# Which tests: make test FILTER=TideSQLTests
FILTER ?=
# How many cases `make oracle` draws, from which seed on, and for how long.
CASES ?= 10000
FIRST ?= 0
SECONDS ?= 1800
# How many simulated lives: make sim SEEDS=2000. Or one, with all that happens in it: make sim SEED=7
SEEDS ?= 500
SEED ?=
# Arguments of the benchmark: make bench BENCH_ARGS='--rows 1000000 --files 10'
BENCH_ARGS ?=

FORMATTED = Package.swift Sources checkpoints connectors benchmarks Tests

SYSTEM_HEADERS = lz4.h zstd.h snappy-c.h zlib.h
SYSTEM_PACKAGES = liblz4-dev libzstd-dev libsnappy-dev zlib1g-dev

.PHONY: help deps deps-swift deps-system deps-rocksdb build dist dev demo test sim oracle bench bench-state check-peers
.PHONY: check-streams kill full-disk lint format clean
.DEFAULT_GOAL := help

help: ## list the targets
	@echo "targets:"
	@grep -hE '^[a-z-]+:.* ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.* ## (.*)/  \1\t\2/' | expand -t 16

deps: deps-swift deps-system ## check for Swift and the system libraries; installs missing libraries with apt

deps-swift:
	@command -v $(SWIFT) >/dev/null || { \
	  echo "tidemill: there is no '$(SWIFT)' in PATH; Swift 6.3 or newer is at https://www.swift.org/install/linux/" >&2; \
	  exit 1; }
	@version=$$($(SWIFT) --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' | head -n 1); \
	set -- $${version:-0 0}; \
	if [ "$$1" -lt 6 ] || { [ "$$1" -eq 6 ] && [ "$$2" -lt 3 ]; }; then \
	  echo "tidemill: Swift 6.3 or newer is needed, '$(SWIFT)' is $$1.$$2; see https://www.swift.org/install/linux/" >&2; \
	  exit 1; \
	fi

deps-system:
	@missing=; \
	for header in $(SYSTEM_HEADERS); do [ -e /usr/include/$$header ] || missing="$$missing $$header"; done; \
	[ -z "$$missing" ] && exit 0; \
	install="apt-get update && apt-get install -y $(SYSTEM_PACKAGES)"; \
	echo "missing in /usr/include:$$missing"; \
	if [ "$$(id -u)" -eq 0 ]; then \
	  sh -c "$$install"; \
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then \
	  sudo -n sh -c "$$install"; \
	else \
	  echo "tidemill: run this as root, then make again: $$install" >&2; \
	  exit 1; \
	fi

build: deps ## build .build/release/tidemill
	$(SWIFT) build $(BUILD_FLAGS) --product tidemill

dist: deps ## build .build/dist/tidemill, one file for machines without Swift
	$(SWIFT) build -c release --static-swift-stdlib --scratch-path .build/dist --product tidemill
	strip -o .build/dist/tidemill .build/dist/release/tidemill

demo: build ## run the sales example in demo/sales
	examples/sales/demo.sh $(BINARIES)/tidemill demo/sales

# Optimized file by file: a changed line builds in seconds instead of minutes, and tests still run fast.
dev: deps ## build everything for development into .build/dev (FILTER=name runs tests too)
	$(SWIFT) build $(DEV_FLAGS) --build-tests
	$(if $(FILTER),TIDEMILL_BINARY="$(CURDIR)/.build/dev/debug/tidemill" \
	  $(SWIFT) test $(DEV_FLAGS) --skip-build --disable-xctest --filter '$(FILTER)')

test: deps ## build and run all tests (FILTER=name for some)
	$(SWIFT) build $(BUILD_FLAGS) --build-tests
	TIDEMILL_BINARY="$(CURDIR)/$(BINARIES)/tidemill" \
	  $(SWIFT) test $(BUILD_FLAGS) --skip-build --disable-xctest $(if $(FILTER),--filter '$(FILTER)')

oracle: deps .venv-peers/installed ## CASES queries drawn from a grammar, in SECONDS at most, against loops over rows and DuckDB
	$(SWIFT) build $(BUILD_FLAGS) --build-tests
	rm -rf .bench/oracle
	TIDE_ORACLE_CASES=$(CASES) TIDE_ORACLE_FIRST=$(FIRST) TIDE_ORACLE_SECONDS=$(SECONDS) \
	  TIDE_ORACLE_OUT="$(CURDIR)/.bench/oracle" \
	  $(SWIFT) test $(BUILD_FLAGS) --skip-build --disable-xctest --filter GrammarOracleTests
	$(PEERS_PYTHON) Tests/Peers/oracle_duckdb.py .bench/oracle

sim: deps ## run the whole engine on a simulated computer that fails, by seed (SEEDS=2000, or SEED=7 for one)
	$(SWIFT) build $(BUILD_FLAGS) --product tidemill-sim
	$(BINARIES)/tidemill-sim $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

bench: deps ## run the benchmark J1 and check its result
	$(SWIFT) build $(BUILD_FLAGS) --product tidemill-bench
	$(BINARIES)/tidemill-bench run J1 $(BENCH_ARGS)

deps-rocksdb:
	@[ -e /usr/include/rocksdb/db.h ] && command -v $(CXX) >/dev/null && exit 0; \
	install="apt-get update && apt-get install -y g++ librocksdb-dev"; \
	if [ "$$(id -u)" -eq 0 ]; then \
	  sh -c "$$install"; \
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then \
	  sudo -n sh -c "$$install"; \
	else \
	  echo "tidemill: run this as root, then make again: $$install" >&2; \
	  exit 1; \
	fi

.bench/state_rocksdb: benchmarks/peers/state_rocksdb.cpp | deps-rocksdb
	@mkdir -p .bench
	$(CXX) -O2 -std=c++17 -Wall -Wextra -o $@ $< -lrocksdb

bench-state: deps .bench/state_rocksdb ## update counts and sums by 10 million random keys, beside RocksDB
	$(SWIFT) build $(BUILD_FLAGS) --product tidemill-bench
	$(BINARIES)/tidemill-bench state --rocksdb .bench/state_rocksdb $(BENCH_ARGS)

check-peers: build .venv-peers/installed ## compare results with DuckDB, pyarrow, polars and Spark
	$(MAKE) test FILTER=SparkAnswersTests
	$(SWIFT) build $(BUILD_FLAGS) --product tidemill-bench
	$(PEERS_PYTHON) Tests/Peers/check_peers.py $(BINARIES)/tidemill

check-streams: build .venv-peers/installed ## CASES streaming queries drawn by seed (FIRST=n) against Spark; needs Java
	$(PEERS_PYTHON) Tests/Peers/streams_check.py $(BINARIES)/tidemill --written
	$(PEERS_PYTHON) Tests/Peers/streams_check.py $(BINARIES)/tidemill --first $(FIRST) \
	  --cases $(if $(filter file,$(origin CASES)),200,$(CASES))

kill: build .venv-peers/installed ## kill -9 a pipeline 200 times while others read (KILLS=n)
	$(PEERS_PYTHON) Tests/Faults/kill_check.py $(BINARIES)/tidemill --kills $(or $(KILLS),200)

full-disk: build .venv-peers/installed ## run on a disk that is full (STEPS=n; mounts a tmpfs, so as root)
	$(PEERS_PYTHON) Tests/Faults/full_disk_check.py $(BINARIES)/tidemill --steps $(or $(STEPS),100)

# A stamp: the environment's python is a link to the system's, whose age says nothing.
.venv-peers/installed: Tests/Peers/requirements.txt
	python3 -m venv .venv-peers
	$(PEERS_PYTHON) -m pip install --quiet --requirement Tests/Peers/requirements.txt
	@touch $@

lint: deps-swift ## check the format of all Swift files
	$(SWIFT) format lint --strict --parallel --recursive $(FORMATTED)

format: deps-swift ## format all Swift files in place
	$(SWIFT) format --in-place --parallel --recursive $(FORMATTED)

clean: ## remove everything that was built, the demo and benchmark data
	rm -rf .build .build-test .bench demo .venv-peers
