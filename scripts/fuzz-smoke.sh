#!/usr/bin/env bash
# Runs every fuzz target for SECONDS_EACH (default 10) seconds from its saved corpus, on nightly Rust.
# The same oracles run over the same corpora on stable Rust in `make test`; this looks for what they do not hold yet.
# Exit codes: 0 nothing found, 1 a target failed (its input is in fuzz/artifacts), 3 the machine lacks a tool.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

toolchain=${FUZZ_TOOLCHAIN:-nightly}
command -v rustup >/dev/null || { echo "fuzz-smoke: rustup is needed for the $toolchain compiler" >&2; exit 3; }
rustup run "$toolchain" rustc --version >/dev/null 2>&1 || rustup toolchain install "$toolchain" --profile minimal ||
  { echo "fuzz-smoke: the $toolchain compiler could not be installed" >&2; exit 3; }
command -v cargo-fuzz >/dev/null || cargo "+$toolchain" install --locked cargo-fuzz ||
  { echo "fuzz-smoke: cargo-fuzz could not be installed" >&2; exit 3; }

targets=$(cargo "+$toolchain" fuzz list)
[ -n "$targets" ] || { echo "fuzz-smoke: fuzz/ has no target" >&2; exit 3; }
status=0
for target in $targets; do
  printf '\n== %s, %s s\n' "$target" "${SECONDS_EACH:-10}"
  mkdir -p "found/$target"
  # New inputs go to the first folder, so that the saved ones stay as they are. Why no sanitizer: fuzz/README.md.
  cargo "+$toolchain" fuzz run --sanitizer none "$target" "found/$target" "corpus/$target" -- \
    -max_total_time="${SECONDS_EACH:-10}" -rss_limit_mb=4096 -max_len=8192 -timeout=60 -print_final_stats=1 || status=1
done
exit $status
