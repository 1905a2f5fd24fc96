#!/bin/sh
# Runs the demo with the static anyt of another machine, emulated, against this machine's server, or says that there is no
# emulator. make dist calls it.
#
# usage: packaging/emulated.sh TARGET PROGRAM SERVER
set -eu
target=$1 program=$(realpath "$2") server=$(realpath "$3")
case $target in
    aarch64-*) qemu=qemu-aarch64 ;;
    *) qemu=qemu-arm ;;
esac
if ! qemu=$(command -v "$qemu"); then
    echo "$target: not tried; on Debian it needs: apt-get install qemu-user" >&2
    exit
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf '#!/bin/sh\nexec %s %s "$@"\n' "$qemu" "$program" >"$folder/anyt"
chmod 755 "$folder/anyt"
ln -s "$server" "$folder/anyt-server"
demo/tour.sh "$folder" >"$folder/log" || { cat "$folder/log"; echo "$target: the demo failed" >&2; exit 1; }
echo "$target: the demo was played, $(grep -c '^[a-z]*\$ ' "$folder/log") commands"
