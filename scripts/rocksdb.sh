#!/usr/bin/env bash
# Builds the static RocksDB library that every profile, worktree and fuzz build of this project links, once per machine.
#
#   scripts/rocksdb.sh          builds what is missing (about 20 CPU-minutes the first time), then prints
#                               shell assignments for the build environment: eval "$(scripts/rocksdb.sh)"
#
# Needs cargo and a C++ compiler. libclang (for RocksDB's Rust bindings) is found, or installed: with apt-get where we
# may, else from PyPI into the cache. Cache: $UNFORK_CACHE, default ~/.cache/unfork. Progress goes to standard error.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${UNFORK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unfork}
# The exact versions come from the lock file, so that the library always matches the bindings.
version=$(awk '/^name = "librocksdb-sys"$/ {getline; gsub(/version = |"/, ""); print}' Cargo.lock)
[ -n "$version" ] || { echo "rocksdb.sh: librocksdb-sys is not in Cargo.lock" >&2; exit 3; }
compiler=$(${CXX:-c++} -dumpmachine)-$(${CXX:-c++} -dumpversion)
library=$cache/rocksdb-$version-$compiler
say() { echo "rocksdb.sh: $*" >&2; }

have_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] && return 0
  ls /usr/lib/llvm*/lib/libclang*.so* /usr/lib*/libclang*.so* /usr/lib/*/libclang*.so* 2>/dev/null | grep -qv 'libclang-cpp'
}
use_pip_libclang() {
  local site="$cache/libclang"
  if ! ls "$site"/clang/native/libclang.so >/dev/null 2>&1; then
    say "fetching libclang from PyPI into $site"
    python3 -m pip install --quiet --target "$site" libclang >&2
  fi
  LIBCLANG_PATH=$site/clang/native
  BINDGEN_EXTRA_CLANG_ARGS="-I$(${CC:-cc} -print-file-name=include)"
}
LIBCLANG_PATH=${LIBCLANG_PATH:-} BINDGEN_EXTRA_CLANG_ARGS=${BINDGEN_EXTRA_CLANG_ARGS:-}
if ! have_libclang; then
  sudo=""; [ "$(id -u)" = 0 ] || sudo="sudo -n"
  if command -v apt-get >/dev/null && $sudo true 2>/dev/null; then
    say "installing libclang-dev with apt-get"
    { $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends libclang-dev; } >&2 \
      || use_pip_libclang
  else
    use_pip_libclang
  fi
fi

if [ ! -f "$library/librocksdb.a" ]; then
  say "building RocksDB $version into $library: once per machine, about 20 CPU-minutes"
  work=$library.build.$$
  rm -rf "$work"; mkdir -p "$work/src"
  trap 'rm -rf "$work"' EXIT
  cat > "$work/Cargo.toml" <<TOML
[package]
name = "rocksdb-once"
version = "0.0.0"
edition = "2021"
[dependencies]
librocksdb-sys = { version = "=$version", default-features = false, features = ["bindgen-runtime"] }
[profile.release]
debug = false
[workspace]
TOML
  echo 'fn main() {}' > "$work/src/main.rs"
  flags=${CXXFLAGS:-}
  # RocksDB checks every block with CRC-32C; its instruction is a compile-time choice there.
  grep -qsw sse4_2 /proc/cpuinfo && flags="$flags -msse4.2"
  (cd "$work" && unset ROCKSDB_LIB_DIR ROCKSDB_STATIC && export CXXFLAGS="$flags" CARGO_TARGET_DIR="$work/target" &&
    { [ -z "$LIBCLANG_PATH" ] || export LIBCLANG_PATH; } &&
    { [ -z "$BINDGEN_EXTRA_CLANG_ARGS" ] || export BINDGEN_EXTRA_CLANG_ARGS; } &&
    cargo build --release) >&2
  mkdir -p "$library"
  found=$(find "$work/target" -name librocksdb.a | head -n 1)
  # Rename last: a build that was cut off leaves no library behind.
  cp "$found" "$library/librocksdb.a.$$" && mv "$library/librocksdb.a.$$" "$library/librocksdb.a"
  say "RocksDB is ready"
fi

echo "export ROCKSDB_LIB_DIR='$library' ROCKSDB_STATIC=1"
[ -z "$LIBCLANG_PATH" ] || echo "export LIBCLANG_PATH='$LIBCLANG_PATH'"
[ -z "$BINDGEN_EXTRA_CLANG_ARGS" ] || echo "export BINDGEN_EXTRA_CLANG_ARGS='$BINDGEN_EXTRA_CLANG_ARGS'"
