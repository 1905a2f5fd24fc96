#!/bin/sh
# Builds the static anyt for an ARM machine, or says what is missing for it and ends with 1. make dist calls it.
#
# usage: packaging/arm.sh TARGET
set -eu
target=$1
case $target in
    aarch64-*) cc=aarch64-linux-musl-gcc ;;
    *) cc=arm-linux-musleabihf-gcc ;;
esac
if ! command -v "$cc" >/dev/null || [ ! -d "$(rustc --print target-libdir --target "$target")" ]; then
    echo "no $target: it needs $cc and: rustup target add $target" >&2
    exit 1
fi
variable=$(echo "$target" | tr 'a-z-' 'A-Z_')
env "CC_$(echo "$target" | tr - _)=$cc" "CARGO_TARGET_${variable}_LINKER=$cc" \
    cargo build --profile static --locked --target "$target" --bin anyt || exit 2
