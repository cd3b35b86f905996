# Every command of this project. Needs rustup's cargo, git, make and a C/C++ compiler; the rest sets itself up.
# What ships is built as `release`, tests as `testing`, which leaves only link-time optimisation out: the interpreter's
# dispatch depends on the level (docs/decisions/0002).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help try demo test fuzz-smoke evidence bench bench-call bench-gas bench-state linearity calibrate observer verdict

# Prints what stands behind it as a heading.
say = printf '\n== %s\n'
# The static RocksDB, built once per machine. Evaluated in the recipes that need it, so that `make try` does not.
rocksdb = eval "$$(scripts/rocksdb.sh)"

help: ## Show this list.
	@printf 'make TARGET\n\n'
	sed -nE 's/^([a-z-]+):.*## (.*)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

try: ## Three minutes: deploy and call a contract in memory, no RocksDB. The first run compiles for 2 to 3 minutes.
	@$(say) 'Building the binary without RocksDB (the first time 2 to 3 minutes, then seconds)'
	cargo build --release --locked -p unfork --no-default-features
	$(say) 'Running node/demo/flipper.json in memory'
	cargo run --quiet --release --locked -p unfork --no-default-features -- run node/demo/flipper.json -v

demo: ## Blocks of transfers on disk, replayed by a second process, then tampered with. The first run takes 15 minutes.
	@$(say) 'Preparing RocksDB (once per machine: about 20 CPU-minutes)'
	$(rocksdb)
	$(say) 'Building the binary (the first time 3 to 5 minutes)'
	cargo build --release --locked -p unfork --bin unfork --example alter
	scripts/demo.sh

test: ## Format, lints, all tests, docs, licences. Cold on two cores about 30 minutes, of which RocksDB 10; then minutes.
	@$(say) 'Preparing RocksDB (once per machine: about 20 CPU-minutes)'
	$(rocksdb)
	scripts/test.sh

fuzz-smoke: ## Each fuzz target for some seconds, on nightly Rust. SECONDS_EACH=10 by default.
	@$(say) 'Fuzz targets for some seconds each (needs rustup and installs nightly and cargo-fuzz when missing)'
	$(rocksdb)
	scripts/fuzz-smoke.sh

evidence: ## The long runs at their full counts; the log goes to docs/evidence/. Hours.
	@$(say) 'Full-count property tests (hours); make test runs a fixed-seed slice of the same'
	$(rocksdb)
	scripts/evidence.sh

linearity: ## Instructions of admission over families of expensive modules, by callgrind. Needs valgrind; 10 to 20 minutes.
	@$(say) 'Counting instructions of admission and of translation'
	cargo run --locked --release -p unfork-gas --example linearity

calibrate: ## What code costs on the reference executor, and the prices that follow. On a quiet machine; two minutes.
	@$(say) 'Measuring operators, code bytes and instances'
	cargo run --locked --release -p unfork-gas --example calibrate
	cargo run --locked --release -p unfork-benches --no-default-features --example host_calls

observer: ## Instructions of a call that nobody watches, beside an engine that cannot be watched. Needs valgrind; ten minutes.
	@$(say) 'Building the engine twice, with and without what watches'
	scripts/observer.sh

verdict: ## The verdict on contract code as a WebAssembly module, held against native verdicts. Adds a target with rustup.
	@$(say) 'Building gas/verdict for wasm32 and asking it what the tests ask natively'
	scripts/verdict.sh

bench: ## Criterion benches of admission, calls, commits and proofs.
	@$(say) 'Benches (the first build takes some minutes, each bench a minute)'
	$(rocksdb)
	cargo bench --locked -p unfork-benches

bench-gas: ## Metered code beside unmetered, wasmi's fuel, wasm-instrument and finite-wasm: tables and ratios. Five minutes.
	@$(say) 'Gas: kernels run, modules prepared, all sides in turns (the first build takes some minutes)'
	scripts/bench-gas.sh $(GAS_ARGS)

bench-call: ## One contract call beside the EVM's and CosmWasm's, in memory and on disk: table and ratios. The first build takes 20 minutes.
	@$(say) 'Contract calls beside those of others (the first build takes about twenty minutes)'
	$(rocksdb)
	cargo run --locked --release -p unfork-benches --no-default-features --example memory
	cargo run --locked --release --manifest-path benches/peers/call/Cargo.toml -- $(CALL_ARGS)

# For instance STATE_ARGS="--updates 1000000 --large" for longer runs and 10M keys, or "--plot docs/state-cost.svg".
bench-state: ## The store beside plain RocksDB, jmt and nomt: tables and ratios. 25 minutes; STATE_ARGS for more or less.
	@$(say) 'State: one workload for all, each side in its own process (the first build takes some minutes)'
	$(rocksdb)
	cargo run --locked --release --manifest-path benches/peers/Cargo.toml --no-default-features --features state \
		--bin state -- $(STATE_ARGS)
