#!/bin/sh
# The demo and all tests on a machine that has Rust, a C compiler and make and nothing else: a minimal Debian in a folder,
# with the toolchain and the fetched crates of this machine mounted, and what is committed here. No network is used in it.
# The mounts are seen by this script alone and go with it. The folder is kept for the next run.
#
# usage: tests/minimal.sh FOLDER   (make test-minimal)   ANYT_MIRROR names another Debian mirror
set -eu

fail() { echo "test-minimal: $*" >&2; exit 1; }

root=${1:?the folder to make the machine in}
[ "$(id -u)" = 0 ] || fail "only root can make a machine in a folder (debootstrap, mount, chroot)"
command -v debootstrap >/dev/null || fail "debootstrap is missing; on Debian and Ubuntu: apt-get install debootstrap"
command -v git >/dev/null || fail "git is missing, which gives what is committed"
cd "$(dirname "$0")/.."
[ -z "$(git status --porcelain)" ] || echo "test-minimal: what is not committed is not tested" >&2

mkdir -p "$root"
root=$(cd "$root" && pwd)
if [ ! -e "$root/complete" ]; then
    debootstrap --variant=minbase --include=gcc,libc6-dev,make,ca-certificates bookworm "$root" \
        "${ANYT_MIRROR:-http://deb.debian.org/debian}"
    # It comes with ca-certificates and is not to be needed.
    rm -f "$root/usr/bin/openssl"
    # A machine has it; a folder that nobody has started as one has not.
    echo '127.0.0.1 localhost' >"$root/etc/hosts"
    touch "$root/complete"
fi

cargo fetch --locked
mkdir -p "$root/opt/rust" "$root/opt/cargo/registry" "$root/opt/target"
rm -rf "$root/opt/anyt"
mkdir "$root/opt/anyt"
git archive HEAD | tar -x -C "$root/opt/anyt"
cargo_home=${CARGO_HOME:-$HOME/.cargo}
# A setting that the crates come from elsewhere belongs to the crates.
[ ! -f "$cargo_home/config.toml" ] || cp "$cargo_home/config.toml" "$root/opt/cargo/"

export root registry="$cargo_home/registry" rust="$(rustc --print sysroot)"
log="$root/opt/log"
{
    unshare --mount --propagation=private sh -euc '
        # It becomes the root of the mounts as well: some tests make mounts of their own.
        mount --bind "$root" "$root"
        mount --bind -o ro "$rust" "$root/opt/rust"
        mount --bind "$registry" "$root/opt/cargo/registry"
        mount --rbind /dev "$root/dev"
        mount -t proc proc "$root/proc"
        mkdir -p "$root/outside"
        cd "$root"
        pivot_root . outside
        umount -l /outside
        exec chroot . /usr/bin/env -i HOME=/root PATH=/opt/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
            CARGO_HOME=/opt/cargo CARGO_NET_OFFLINE=true CARGO_TARGET_DIR=/opt/target sh -c "
                cd /opt/anyt
                for program in python3 openssl zsh fish man groff secret-tool git curl; do
                    ! command -v \$program || echo \"test-minimal: there is \$program\"
                done
                make demo && make test"' 2>&1 && echo "test-minimal: passed" || echo "test-minimal: failed"
} | tee "$log"

echo
grep -a '^SKIPPED' "$log" | sort -u || :
awk '/^test result:/ { passed += $4; failed += $6 } END { printf "%d tests passed, %d failed", passed, failed }' "$log"
echo ", $(grep -ac '^SKIPPED' "$log") lines of skipping"
tail -n 1 "$log" | grep -q 'passed$'
