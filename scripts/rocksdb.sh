#!/usr/bin/env bash
# Builds the static RocksDB library that every profile, worktree and fuzz build of this project links, once per machine.
#
#   scripts/rocksdb.sh          builds what is missing (about 20 CPU-minutes the first time), then prints
#                               shell assignments for the build environment: eval "$(scripts/rocksdb.sh)"
#
# Needs cargo and a C++ compiler. libclang (for RocksDB's Rust bindings) is found, or installed: with apt-get where we
# may, else from PyPI into the cache. Cache: $UNFORK_CACHE, default ~/.cache/unfork. Progress goes to standard error.
# A library of your own: set ROCKSDB_LIB_DIR (and ROCKSDB_STATIC=1 for a static one) and nothing is built.
# Exit codes: 0 ready, 3 the machine lacks something; the message says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${UNFORK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unfork}
say() { echo "rocksdb.sh: $*" >&2; }
stop() { say "$*"; exit 3; }
command -v cargo >/dev/null || stop "cargo is missing: install Rust from https://rustup.rs"
command -v "${CXX:-c++}" >/dev/null || stop "a C++ compiler is missing: apt-get install g++"

# libclang.so or a versioned name of it, where the bindings look; libclang-cpp is another library.
have_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] && return 0
  local folder name
  for folder in '/usr/lib/llvm*/lib' '/usr/lib*' '/usr/lib/*'; do
    for name in 'libclang.so*' 'libclang-[0-9]*.so*'; do
      if compgen -G "$folder/$name" >/dev/null; then return 0; fi
    done
  done
  return 1
}
apt_libclang() {
  local sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo -n"
  command -v apt-get >/dev/null && $sudo true 2>/dev/null || return 1
  say "installing libclang-dev with apt-get"
  { $sudo apt-get update -qq &&
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libclang-dev; } >&2
}
pip_libclang() {
  local site=$cache/libclang
  if ! compgen -G "$site/clang/native/libclang.so" >/dev/null; then
    python3 -m pip --version >/dev/null 2>&1 || return 1
    say "fetching libclang from PyPI into $site"
    python3 -m pip install --quiet --target "$site" libclang >&2 || return 1
  fi
  LIBCLANG_PATH=$site/clang/native
}
LIBCLANG_PATH=${LIBCLANG_PATH:-} BINDGEN_EXTRA_CLANG_ARGS=${BINDGEN_EXTRA_CLANG_ARGS:-}
have_libclang || apt_libclang || pip_libclang ||
  stop "libclang is missing and could be installed neither with apt-get nor with pip: install libclang-dev"
# libclang without clang's own headers (PyPI's, or Debian's libclang1 alone) borrows stddef.h from the C compiler.
if [ -z "$BINDGEN_EXTRA_CLANG_ARGS" ] && ! compgen -G '/usr/lib*/llvm*/lib/clang/*/include/stddef.h' >/dev/null &&
  ! compgen -G '/usr/lib*/clang/*/include/stddef.h' >/dev/null; then
  BINDGEN_EXTRA_CLANG_ARGS="-I$(${CC:-cc} -print-file-name=include)"
fi

print_environment() {
  printf 'export ROCKSDB_LIB_DIR=%q\n' "$1"
  [ -z "$LIBCLANG_PATH" ] || printf 'export LIBCLANG_PATH=%q\n' "$LIBCLANG_PATH"
  [ -z "$BINDGEN_EXTRA_CLANG_ARGS" ] || printf 'export BINDGEN_EXTRA_CLANG_ARGS=%q\n' "$BINDGEN_EXTRA_CLANG_ARGS"
}

# The exact version comes from the lock file, so that the library always matches the bindings.
version=$(awk '/^name = "librocksdb-sys"$/ {getline; gsub(/version = |"/, ""); print}' Cargo.lock)
[ -n "$version" ] || stop "librocksdb-sys is not in Cargo.lock"
compiler=$(${CXX:-c++} -dumpmachine)-$(${CXX:-c++} -dumpversion)
library=$cache/rocksdb-$version-$compiler
if [ -n "${ROCKSDB_LIB_DIR:-}" ] && [ "$ROCKSDB_LIB_DIR" != "$library" ]; then
  say "using the RocksDB in ROCKSDB_LIB_DIR=$ROCKSDB_LIB_DIR"
  print_environment "$ROCKSDB_LIB_DIR"
  exit 0
fi

build_library() {
  local work=$library.build.$$ flags=${CXXFLAGS:-} found
  say "building RocksDB $version into $library: once per machine, about 20 CPU-minutes"
  rm -rf "$work"
  mkdir -p "$work/src"
  trap "rm -rf $(printf %q "$work")" EXIT
  cat > "$work/Cargo.toml" <<TOML
[package]
name = "rocksdb-once"
version = "0.0.0"
edition = "2021"
[dependencies]
librocksdb-sys = { version = "=${version%%+*}", default-features = false, features = ["bindgen-runtime"] }
[profile.release]
debug = false
[workspace]
TOML
  echo 'fn main() {}' > "$work/src/main.rs"
  # Outside the repository neither its compiler pin nor its lock file would hold: bring both.
  cp Cargo.lock rust-toolchain.toml "$work/"
  # RocksDB checks every block with CRC-32C; its instruction is a compile-time choice there.
  if grep -qsw sse4_2 /proc/cpuinfo; then flags="$flags -msse4.2"; fi
  (
    cd "$work"
    unset ROCKSDB_LIB_DIR ROCKSDB_STATIC
    export CXXFLAGS="$flags" CARGO_TARGET_DIR="$work/target"
    if [ -n "$LIBCLANG_PATH" ]; then export LIBCLANG_PATH; fi
    if [ -n "$BINDGEN_EXTRA_CLANG_ARGS" ]; then export BINDGEN_EXTRA_CLANG_ARGS; fi
    cargo build --release
  ) >&2
  mkdir -p "$library"
  found=$(find "$work/target" -name librocksdb.a -print -quit)
  [ -n "$found" ] || stop "the build left no librocksdb.a"
  # Rename last: a build that was cut off leaves no library behind.
  cp "$found" "$library/librocksdb.a.$$"
  mv "$library/librocksdb.a.$$" "$library/librocksdb.a"
  say "RocksDB is ready"
}

if [ ! -f "$library/librocksdb.a" ]; then
  mkdir -p "$cache"
  # One build at a time: a second caller waits, then finds the library.
  exec 9>"$cache/rocksdb.lock"
  if command -v flock >/dev/null; then
    flock -n 9 || { say "another build is under way, waiting for it"; flock 9; }
  fi
  [ -f "$library/librocksdb.a" ] || build_library
fi
print_environment "$library"
echo "export ROCKSDB_STATIC=1"
