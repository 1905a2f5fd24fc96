#!/bin/sh
# The static file where it has nothing: a root folder with itself and /etc/hosts in it. It syncs both ways with an
# anyt-server outside, reached by name, and every task arrives.
#
# usage: tests/static.sh ANYT ANYT-SERVER MOST-BYTES   (make static-check)
set -eu

fail() { echo "static-check: $*" >&2; exit 1; }

anyt=$1 server_program=$2 budget=$3
work=$(mktemp -d)
server=
leave() {
    status=$?
    trap - EXIT
    [ -z "$server" ] || kill "$server" 2>/dev/null || :
    rm -rf "$work"
    exit "$status"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bytes=$(wc -c <"$anyt")
[ "$bytes" -le "$budget" ] || fail "$anyt has $bytes bytes, more than $budget"
echo "$bytes bytes of at most $budget"
! command -v file >/dev/null || file -b "$anyt"

mkdir -p "$work/root/etc"
cp "$anyt" "$work/root/anyt"
echo '127.0.0.1 localhost' >"$work/root/etc/hosts"
(cd "$work/root" && echo "the root folder: $(find . -type f | sort | tr '\n' ' ')")

mkfifo "$work/greeting"
"$server_program" --listen 127.0.0.1:0 --db :memory: --token static-check >"$work/greeting" &
server=$!
read -r greeting <"$work/greeting"

# An ordinary user gets a root folder of their own only in a user namespace.
enter=$(command -v chroot) || fail "there is no chroot here"
[ "$(id -u)" = 0 ] || enter="unshare --map-root-user $enter"
inside() {
    echo "# anyt $*"
    env -i PATH="$PATH" HOME=/ ANYT_API_URL="http://localhost:${greeting##*:}" ANYT_AUTH_TOKEN=static-check \
        $enter "$work/root" /anyt "$@" </dev/null || fail "anyt $* ended with exit code $?"
}

inside sync
inside task create 'Made inside' --offline
inside sync
inside task list
inside task list --remote --json | grep -q '"Made inside"' || fail "the server does not have the task"
echo "the server has the task that was made inside"
