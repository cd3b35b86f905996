#!/usr/bin/env bash
# Compiles contracts to Wasm as a chain takes them, and puts each NAME.wasm beside its sources.
#
#   contracts/build.sh [FOLDER…]          default: every contract in ink/
#
# Needs the standard library for wasm32 (`rustup target add wasm32-unknown-unknown`) and Node.js: what contract tools do after
# the compiler is done by wasm-metadce and wasm-opt of the npm package binaryen, fetched once into ~/.cache/unfork-binaryen
# (or lie in BINARYEN_DIR/node_modules/.bin). RUSTC may name another compiler. One that has no wasm32 library, but library
# sources and RUSTC_BOOTSTRAP=1, builds the library itself.
#
# Another compiler gives other bytes: contracts/README.md says what the committed ones were built with.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=wasm32-unknown-unknown
rustc=${RUSTC:-rustc}
library=()
sysroot=$("$rustc" --print sysroot)
if [ ! -e "$sysroot/lib/rustlib/$target/lib" ]; then
  if [ -n "${RUSTC_BOOTSTRAP:-}" ] && [ -e "$sysroot/lib/rustlib/src/rust/library" ]; then
    library=(-Zbuild-std=core,alloc)
  else
    echo "build.sh: $rustc has no library for $target; \`rustup target add $target\` adds it" >&2
    exit 3
  fi
fi

binaryen=${BINARYEN_DIR:-$HOME/.cache/unfork-binaryen}
if [ ! -x "$binaryen/node_modules/.bin/wasm-opt" ]; then
  command -v npm >/dev/null || { echo "build.sh: npm (Node.js) is needed for wasm-opt of the package binaryen" >&2; exit 3; }
  mkdir -p "$binaryen"
  (cd "$binaryen" && npm init -y >/dev/null && npm install --silent binaryen >/dev/null)
fi
PATH=$binaryen/node_modules/.bin:$PATH

# Paths in panic texts would make the bytes depend on who builds.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
export RUSTFLAGS="-C link-arg=-zstack-size=65536 -C link-arg=--import-memory -C target-cpu=mvp \
--remap-path-prefix=$cargo_home/registry/src= --remap-path-prefix=$here=contracts --remap-path-prefix=$sysroot=rust"
out=${CARGO_TARGET_DIR:-$here/target}/$target/release
# What the chain takes, beyond what the compiler is told to use.
features=(--mvp-features --enable-sign-ext --enable-mutable-globals)
if [ ${#library[@]} = 0 ]; then
  # The compiled library uses these, whatever is asked for.
  features+=(--enable-bulk-memory --enable-nontrapping-float-to-int --enable-multivalue --enable-reference-types)
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/roots.json" <<'JSON'
[{"name": "call", "root": true, "reaches": ["call-export"]}, {"name": "call-export", "export": "call"},
 {"name": "deploy", "root": true, "reaches": ["deploy-export"]}, {"name": "deploy-export", "export": "deploy"}]
JSON

folders=("$@")
[ ${#folders[@]} != 0 ] || folders=("$here"/ink/*/)
for folder in "${folders[@]}"; do
  folder=$(cd "$folder" && pwd)
  [ -e "$folder/Cargo.toml" ] || continue
  name=$(basename "$folder")
  (cd "$folder" && cargo build --quiet --locked --release --lib --no-default-features --target "$target" "${library[@]}")
  wasm-metadce "${features[@]}" --graph-file "$work/roots.json" "$out/${name//-/_}.wasm" -o "$work/reduced.wasm" >/dev/null
  wasm-opt -Oz --strip-debug --strip-producers --strip-target-features --zero-filled-memory "${features[@]}" \
    "$work/reduced.wasm" -o "$folder/$name.wasm"
  printf '%7d %s\n' "$(stat -c %s "$folder/$name.wasm")" "$name.wasm"
done
