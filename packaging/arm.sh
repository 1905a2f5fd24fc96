#!/bin/sh
# Builds the static anyt for an ARM machine with Debian's cross compiler and musl's headers, or says what is missing for it
# and ends with 1. Start files and C library are those that come with Rust. make dist calls it, with the flags of make static.
#
# usage: RUSTFLAGS=... SMALL_C=... LIBSQLITE3_FLAGS=... packaging/arm.sh TARGET
set -eu
target=$1
case $target in
    # Its gcc calls functions of its own library for what is one instruction since ARMv8.1.
    aarch64-*) cc=aarch64-linux-gnu-gcc headers=/usr/include/aarch64-linux-musl debian=arm64 flags=-mno-outline-atomics ;;
    *) cc=arm-linux-gnueabihf-gcc headers=/usr/include/arm-linux-musleabihf debian=armhf flags= ;;
esac
std=$(rustc --print target-libdir --target "$target")
if ! command -v "$cc" >/dev/null || [ ! -d "$headers" ] || [ ! -d "$std" ]; then
    cat >&2 <<EOF
no $target; on Debian it needs:
  dpkg --add-architecture $debian && apt-get update && apt-get install gcc-${cc%-gcc} musl-dev:$debian
  rustup target add $target
EOF
    exit 1
fi
variable=$(echo "$target" | tr 'a-z-' 'A-Z_') name=$(echo "$target" | tr - _)
env "CC_$name=$cc" "CARGO_TARGET_${variable}_LINKER=$cc" \
    "CFLAGS_$name=-nostdinc -isystem $headers -isystem $($cc -print-file-name=include) $flags ${SMALL_C-}" \
    "${CARGO:-cargo}" build --profile static --locked --target "$target" --bin anyt || exit 2
