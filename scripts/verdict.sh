#!/usr/bin/env bash
# Builds gas/verdict for wasm32 and holds its verdicts against native ones (gas/tests/verdict.rs). Called by `make verdict`.
#
# The target comes from rustup. Where rustup cannot add it, UNFORK_WASM32_RUSTC names a rustc for it that has the library
# sources beside it (the linker, if another than rust-lld: CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER).
# With --probe it only says whether it could build, by its exit code.
set -euo pipefail
cd "$(dirname "$0")/.."

target=wasm32-unknown-unknown
installed() { rustup target list --installed 2>/dev/null | grep -qx "$target"; }
if [ "${1:-}" = --probe ]; then
  [ -n "${UNFORK_WASM32_RUSTC:-}" ] || installed
  exit
fi

build=(cargo build --locked --release --target "$target" --manifest-path gas/verdict/Cargo.toml)
if installed || { [ -z "${UNFORK_WASM32_RUSTC:-}" ] && rustup target add "$target"; }; then
  "${build[@]}"
else
  : "${UNFORK_WASM32_RUSTC:?rustup cannot add $target; see the head of scripts/verdict.sh}"
  RUSTC=$UNFORK_WASM32_RUSTC RUSTC_BOOTSTRAP=1 "${build[@]}" -Zbuild-std=core,alloc
fi
UNFORK_VERDICT=${CARGO_TARGET_DIR:-$PWD/gas/verdict/target}/$target/release/unfork_verdict.wasm
export UNFORK_VERDICT
printf '%s bytes  %s\n' "$(wc -c < "$UNFORK_VERDICT")" "$UNFORK_VERDICT"
cargo test --locked --profile testing -p unfork-gas --test verdict -- --show-output
