#!/bin/sh
# Start-up and listing, beside programs that do the same: `anyt --version` and `git --version`; listing 50 of 10,000 tasks
# and the sqlite3 shell running a query of the same rows on the same file. Milliseconds for one run, the least of five
# series of 100: other work on the machine only adds.
#
# usage: bench/quick.sh FOLDER-OF-THE-BINARIES [ANYT]   (make bench)
set -eu

bin=$(cd "${1:?the folder with anyt and anyt-server}" && pwd)
anyt=${2:-$bin/anyt}
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

now() { date +%s%N; }

measure() { # NAME COMMAND...
    name=$1 best=
    shift
    for series in 1 2 3 4 5; do
        began=$(now)
        for run in $(seq 100); do "$@" >/dev/null </dev/null; done
        took=$((($(now) - began) / 100000))
        [ -n "$best" ] && [ "$best" -le "$took" ] || best=$took
    done
    printf '%-28s %3d.%03d ms\n' "$name" $((best / 1000)) $((best % 1000))
}

measure 'true' /bin/true
measure 'anyt --version' "$anyt" --version
! command -v git >/dev/null || measure 'git --version' git --version

for name in $(env | sed -nE 's/^((ANYT|XDG)_[A-Z_]+)=.*/\1/p'); do unset "$name"; done
export HOME="$work" ANYT_AUTH_TOKEN=bench
mkfifo "$work/greeting"
awk 'BEGIN { for (n = 1; n <= 10000; n++) printf("{\"number\":%d,\"title\":\"Task %d, as long as a title is\"," \
    "\"description\":\"Some words about it.\",\"status\":\"todo\",\"priority\":%d,\"labels\":[\"bench\"]," \
    "\"created_at\":\"2026-01-01T00:00:00Z\",\"updated_at\":\"2026-01-01T%02d:%02d:%02dZ\"}\n",
    n, n, n % 5 - 2, n / 3600, n / 60 % 60, n % 60) }' >"$work/tasks.jsonl"
"$bin/anyt-server" --listen 127.0.0.1:0 --db :memory: --token bench --import "$work/tasks.jsonl" >"$work/greeting" &
server=$!
read -r greeting <"$work/greeting"
cd "$work"
"$anyt" env add bench "${greeting##* }" --active -q
"$anyt" sync

measure 'anyt task list (50)' "$anyt" task list
if command -v sqlite3 >/dev/null; then
    measure 'sqlite3, the same rows' sqlite3 "$work/.cache/anyt/bench/cache.db" "SELECT identifier, status, priority, title,
        assignee_id, labels FROM tasks WHERE deleted_at IS NULL AND workspace_id = 1
        AND status NOT IN ('done', 'canceled', 'archived') ORDER BY priority DESC, updated_us DESC, id LIMIT 50"
fi
