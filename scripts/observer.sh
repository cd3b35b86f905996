#!/usr/bin/env bash
# What it costs that an execution can be watched: instructions of calls in an engine that is built without it, beside those of
# the engine that ships (engine/examples/observer.rs). Needs valgrind.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
profile=${UNFORK_PROFILE:-release}
build() { cargo build --locked --quiet --profile "$profile" -p unfork-engine --example observer "$@"; }
RUSTFLAGS="${RUSTFLAGS:-} --cfg unfork_unwatched" build --target-dir "$target/unwatched"
build
"$target/$profile/examples/observer" "$target/unwatched/$profile/examples/observer"
