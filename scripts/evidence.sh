#!/usr/bin/env bash
# The long runs: the same tests as `make test` with UNFORK_EVIDENCE=1, under which property tests take their full
# counts. The log, with machine and commit, goes to docs/evidence/ and is committed by hand once it is worth keeping.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -n "${ROCKSDB_LIB_DIR:-}" ] || eval "$(scripts/rocksdb.sh)"
mkdir -p docs/evidence
log=docs/evidence/$(git rev-parse --short=12 HEAD).log
{
  echo "commit $(git rev-parse HEAD)$(git diff --quiet HEAD || echo ', with uncommitted changes')"
  echo "machine $(uname -srm), $(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
  rustc --version
  UNFORK_EVIDENCE=1 cargo test --locked --profile testing --workspace -- --nocapture --test-threads 1
} 2>&1 | tee "$log"
echo "log: $log"
