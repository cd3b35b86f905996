#!/usr/bin/env bash
# All checks of the project, in the order in which they fail fastest. Called by `make test`, which prepares RocksDB.
# Every step names itself and its time; the first failure stops the run. A check that cannot run here is said loudly.
set -euo pipefail
cd "$(dirname "$0")/.."

skipped=()
times=()
step() {
  local title=$1 start=$SECONDS
  shift
  printf '\n== %s\n   %s\n' "$title" "$*"
  "$@"
  times+=("$(printf '%5d s  %s' $((SECONDS - start)) "$title")")
}
skip() {
  printf '\n== SKIPPED: %s\n' "$1"
  skipped+=("$1")
}
# With output, because property tests print how much they ran, and tests what they left out. Planted mistakes panic on
# purpose, at length; only the beginning of a line is shown.
tests() { RUST_BACKTRACE=0 cargo test --locked --profile testing --workspace -- --show-output 2>&1 | cut -c1-240; }
# The guest crate and the samples, natively; a workspace of its own.
contracts() { cargo test --locked --workspace --manifest-path contracts/Cargo.toml; }
# A store of somebody else's, on which the vectors must give what is published; a workspace of its own that shares what is
# compiled already.
outside() {
  local manifest=conformance/outside/Cargo.toml
  cargo fmt --check --manifest-path "$manifest"
  CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target} RUST_BACKTRACE=0 \
    cargo test --locked --profile testing --manifest-path "$manifest" -- --show-output
}
# What `unfork new` makes, as its author would go on with it; compiled and run where there is a compiler for wasm32.
new_project() {
  local root=$PWD folder binary
  binary=${CARGO_TARGET_DIR:-$root/target}/testing/unfork
  folder=$(mktemp -d)
  (
    cd "$folder"
    "$binary" new my-contract --sdk "$root/contracts/sdk"
    cp "$root/contracts/Cargo.lock" my-contract/
    cd my-contract
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/contracts/target}
    cargo test --offline
    if "$root/scripts/verdict.sh" --probe; then
      [ -z "${UNFORK_WASM32_RUSTC:-}" ] || export RUSTC=$UNFORK_WASM32_RUSTC RUSTC_BOOTSTRAP=1
      "$binary" build
      "$binary" run scenario.json
      # Built to tell its panics, it says why a call trapped.
      "$binary" build --panics
      sed -e 's/new(5)/new(18446744073709551615)/' -e 's/, "expect".*}\(,\?\)$/}\1/' scenario.json > overflow.json
      "$binary" run overflow.json -v | grep 'debug ".*panicked at .*lib.rs:.*attempt to add with overflow"'
    else
      echo 'LEFT OUT: compiling it, for want of a compiler for wasm32'
    fi
  )
  rm -r "$folder"
}
# Benches beside peers and fuzz targets are workspaces of their own, which no test builds: here a lock file that an added
# dependency has left behind is noticed.
lock_files() {
  local lock
  git ls-files '*Cargo.lock' | while read -r lock; do
    cargo update --quiet --workspace --locked --manifest-path "${lock%.lock}.toml" || return 1
  done
}
# No test runs the benches and long runs: at least the shell must be able to read every recipe.
recipes() {
  local target
  for target in $(sed -nE 's/^([a-z-]+):.*##.*/\1/p' Makefile); do
    make --no-print-directory --dry-run "$target" | bash -n || { echo "make $target is no shell script"; return 1; }
  done
}
docs() { RUSTDOCFLAGS="${RUSTDOCFLAGS:-} -D warnings" cargo doc --locked --workspace --no-deps --document-private-items; }

[ -n "${ROCKSDB_LIB_DIR:-}" ] || eval "$(scripts/rocksdb.sh)"
[ -n "${UNFORK_THIRD_PARTY:-}" ] || skip "contracts of third parties (UNFORK_THIRD_PARTY names no folder; contracts/fixtures/README.md says what they are)"

step "Format" cargo fmt --all --check
step "Lock files of all workspaces" lock_files
step "Recipes of the Makefile" recipes
step "Lints, warnings denied" cargo clippy --locked --profile testing --workspace --all-targets -- -D warnings
step "Lints without RocksDB" cargo clippy --locked --profile testing -p unfork --no-default-features -- -D warnings
step "Tests (cold: some minutes of compiling first)" tests
step "The interpreter leaves no stack behind, in the profile that ships" \
  cargo test --locked --release -p unfork-engine --test small_stack
step "The vectors on a store outside of the workspace" outside
step "Tests of the guest crate and the sample contracts" contracts
step "A new contract project" new_project
step "Documentation, warnings denied" docs
step "The package of unfork-gas, built alone" cargo package --locked --allow-dirty --quiet -p unfork-gas
if scripts/verdict.sh --probe; then
  step "Verdicts of the wasm32 build" scripts/verdict.sh
else
  skip "verdicts of the wasm32 build (rustup target add wasm32-unknown-unknown; scripts/verdict.sh says what else works)"
fi
if command -v cargo-deny >/dev/null; then
  step "Licences, advisories, duplicates, sources" cargo deny --locked check
else
  skip "cargo deny (install it with: cargo install --locked cargo-deny)"
fi

printf '\n== Passed in %d s\n' "$SECONDS"
printf '%s\n' "${times[@]}"
for what in "${skipped[@]}"; do printf 'SKIPPED  %s\n' "$what"; done
