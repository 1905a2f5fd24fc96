#!/bin/sh
# A short tour of anyt against a server of its own. Every command is printed and then run as printed, so what you see is
# what these binaries answer. Everything lives in one temporary folder, which is removed at the end.
#
# usage: demo/tour.sh FOLDER-OF-THE-BINARIES   (make demo)
set -eu
exec 2>&1 </dev/null

bin=$(cd "${1:?the folder with anyt and anyt-server}" && pwd)
tour=$(mktemp -d)
server=
leave() {
    status=$?
    trap - EXIT
    [ -z "$server" ] || kill "$server" 2>/dev/null || :
    cd / && rm -rf "$tour"
    exit "$status"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Nothing of the person who runs this takes part: no settings, no tokens, no keyring.
for name in $(env | sed -nE 's/^((ANYT|XDG)_[A-Z_]+)=.*/\1/p'); do unset "$name"; done
unset DBUS_SESSION_BUS_ADDRESS CREDENTIALS_DIRECTORY || :
export PATH="$bin:$PATH" LANG=C.UTF-8 TMPDIR="$tour"

# As somebody with a home of their own: sit_down NAME
sit_down() {
    who=$1
    export HOME="$tour/$who"
    mkdir -p "$HOME/work"
    cd "$HOME/work"
}

say() { printf '\n# %s\n' "$*"; }

# Prints a command line, then runs that very line. An exit code other than 0 is shown, because scripts go by it.
try() {
    [ "$who" = you ] && prompt='$' || prompt="$who\$"
    printf '\n%s %s\n' "$prompt" "$1"
    code=0
    eval "$1" || code=$?
    [ "$code" = "${2:-0}" ] || { printf '(exit code %s, expected %s: the tour ends here)\n' "$code" "${2:-0}"; exit 1; }
    [ "$code" = 0 ] || printf '(exit code %s)\n' "$code"
}

token() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

start_server() {
    mkfifo "$tour/greeting"
    anyt-server --listen 127.0.0.1:0 --db "$tour/server.db" --token "you=$yours" --token "bob=$bobs" >"$tour/greeting" 2>"$tour/log" &
    server=$!
    read -r greeting <"$tour/greeting"
    url=${greeting##* }
    case $url in http://*) ;; *) echo "anyt-server said: $greeting"; cat "$tour/log"; exit 1 ;; esac
}

# A colleague who has been at work before you came.
colleague_begins() {
    sit_down bob
    (umask 077 && printf '%s\n' "$bobs" >token)
    {
        anyt env add dev "$url" --active
        anyt auth login --token-file token
        anyt init --yes
        anyt task create 'Parse dates with a time zone' --description 'RFC 3339, with and without fractions.' --labels bug
        anyt task create 'Show a progress bar while importing' --priority 1
        anyt task create 'Write the release notes' --status active --owner bob
        anyt task create 'Retry uploads that time out' --priority 2 --labels network,bug
        anyt sync
    } >/dev/null 2>&1
}

yours=$(token) bobs=$(token)
start_server
colleague_begins

say "An anyt-server runs at $url, and a colleague, Bob, has put four tasks into it. You have never used it."
sit_down you
(umask 077 && printf '%s\n' "$yours" >token.txt)
try "anyt env add dev $url --active"
try "anyt auth login --token-file token.txt"
try "anyt init --yes"
try "anyt sync"
try "anyt task list"

say "From here on without a network: --offline opens no socket, and what you change is queued."
try "anyt task create 'Cache the parsed time zones' --description 'They are read for every row.' --offline"
try "anyt task update DEV-4 --status active --owner me --offline"
try "anyt task update DEV-1 --title 'Parse dates with any time zone' --priority 1 --offline"
try "anyt task list"
try "anyt sync status --offline"

say "Meanwhile Bob changes a field of DEV-1 that you changed too, and one of DEV-4 that you did not touch."
sit_down bob
try "anyt task update DEV-1 --title 'Parse dates with a time zone or without'"
try "anyt task update DEV-4 --description 'Three times, then give up.'"

say "Cron would not wait for an answer: the conflict goes to an inbox, the rest is sent, the exit code is 3."
sit_down you
try "anyt sync --no-input" 3
try "anyt sync conflicts"

say "At a terminal you would be asked. Here the answer comes through a pipe: 1 keeps your title."
try "echo 1 | anyt sync"
try "anyt task show DEV-1"
try "anyt sync log"
try "anyt sync status"

cat <<END

# The tour is over; its server stops now and its files are removed. To go on by hand:

  $bin/anyt-server --db demo.db
      prints its address and, the first time, a token; then in another terminal:
  export PATH="$bin:\$PATH"
  anyt env add demo http://127.0.0.1:8000 --active
  anyt auth login        # asks for the token
  anyt init && anyt sync
  anyt help
END
