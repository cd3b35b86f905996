#!/usr/bin/env bash
# The demonstration of `make demo`, which has built the binary and the example `alter`:
#   1. one process executes node/demo/demo.json on disk, and prints each receipt and block;
#   2. a second process executes all blocks again from the genesis and must find no difference, and the same root;
#   3. a run that is killed in the middle goes on and ends at the same root;
#   4. copies of the data are altered (a receipt, a stored value, a price): each time, replaying must name the block
#      and the transaction, and exit with 1.
# Whatever is not as it must be stops the script with a message and exit code 1.
set -euo pipefail
cd "$(dirname "$0")/.."

binaries=${CARGO_TARGET_DIR:-target}/release
unfork=$binaries/unfork alter=$binaries/examples/alter
scenario=node/demo/demo.json
work=$(mktemp -d "${TMPDIR:-/tmp}/unfork-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT

heading() { printf '\n== %s\n' "$*"; }
fail() { printf '\ndemo.sh: FAILED: %s\n' "$*" >&2; exit 1; }
# Runs a command that must end with the exit code given first; its output is printed and kept in $work/out.
expect_exit() {
  local expected=$1 status=0
  shift
  printf '$ unfork %s\n' "${*//"$work"/DIR}"
  "$unfork" "$@" > "$work/out" || status=$?
  cat "$work/out"
  [ "$status" = "$expected" ] || fail "exit code $status where $expected was expected"
}
expect_output() {
  grep -qE -- "$1" "$work/out" || fail "the output has no line like: $1"
}

heading "1. Execute: deploy an ERC-20 and a flipper, 220 transfers, one refused, one trap, one out of gas"
expect_exit 0 run "$scenario" --db "$work/chain"
expect_output '^executed 13 blocks, 237 transactions, root 0x[0-9a-f]{64}$'
expect_output 'reverted .* = Err\(InsufficientBalance\)$'
expect_output 'trapped:unreachable'
expect_output 'out_of_gas  gas 300000( |$)'
root=$(sed -n 's/^executed .* root //p' "$work/out")

heading "2. Replay from the genesis, in a second process"
expect_exit 0 replay --db "$work/chain"
expect_output "^replayed 13 blocks, 237 transactions: 0 differences, root $root\$"
expect_exit 0 state head --db "$work/chain"
expect_output "^root +$root\$"
expect_exit 0 state verify --db "$work/chain"

heading "3. The same root after a kill in the middle, and in memory"
"$unfork" run "$scenario" --db "$work/killed" > "$work/out" & pid=$!
# It is killed at some moment after a block chosen at random; a run that was faster is complete, which is fine too.
after=$((RANDOM % 10 + 1))
while kill -0 "$pid" 2>/dev/null && [ "$(grep -c '^block' "$work/out")" -lt "$after" ]; do sleep 0.001; done
kill -KILL "$pid" 2>/dev/null || true
wait "$pid" 2>/dev/null || true
printf 'killed after %s blocks\n' "$(grep -c '^block' "$work/out" || true)"
expect_exit 0 run --quiet "$scenario" --db "$work/killed"
expect_output "^executed 13 blocks, 237 transactions, root $root\$"
expect_exit 0 run --quiet "$scenario"
expect_output "^executed 13 blocks, 237 transactions, root $root\$"

heading "4a. One receipt altered in a copy, with a checksum that fits"
cp -r "$work/chain" "$work/receipt"
"$alter" receipt "$work/receipt" 7 13
expect_exit 1 replay --db "$work/receipt"
expect_output '^DIFFERENT block 7 transaction 13: receipt: gas_used: stored [0-9]+, executed [0-9]+$'
expect_output '^replayed 13 blocks, 237 transactions: 1 differences'

heading "4b. One stored value altered in a copy"
cp -r "$work/chain" "$work/value"
"$alter" value "$work/value" 2
expect_exit 1 replay --db "$work/value"
expect_output '^DIFFERENT block [0-9]+ transaction [0-9]+: value of key .*; last written by this transaction$'
expect_output '^replayed 13 blocks, 237 transactions: 1 differences'

heading "4c. One price altered in a copy's chain.json: an event costs 1 001 gas instead of 1 000"
cp -r "$work/chain" "$work/price"
sed -i.before 's/"schedule": {}/"schedule": { "event_base": 1001 }/' "$work/price/chain.json"
! cmp -s "$work/price/chain.json" "$work/price/chain.json.before" || fail "no price was altered"
expect_exit 1 replay --db "$work/price"
expect_output '^DIFFERENT store: the chain id that chain.json gives is '
expect_output '^DIFFERENT block 1 transaction 2: receipt: gas_used: stored [0-9]+, executed [0-9]+$'

heading "Done: replaying finds no difference in what was executed, and each of the three alterations"
printf 'root %s\n' "$root"
