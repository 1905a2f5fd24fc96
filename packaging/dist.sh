#!/bin/sh
# Packs a static anyt with its man pages and completions. make dist calls it.
#
# usage: packaging/dist.sh DIST VERSION MACHINE PROGRAM
set -eu
dist=$1 version=$2 machine=$3 program=$4
name=anyt-$version-linux-$machine
rm -rf "$dist/$name"
mkdir -p "$dist/$name/man" "$dist/$name/completions"
install -m 755 "$program" "$dist/$name/anyt"
install -m 644 LICENSE README.md "$dist/$name"
for page in man/*.1; do
    [ "$page" = man/anyt-server.1 ] || install -m 644 "$page" "$dist/$name/man"
done
install -m 644 completions/anyt.bash completions/_anyt completions/anyt.fish "$dist/$name/completions"
# The same files give the same archive.
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$dist" -cf - "$name" | gzip -9n >"$dist/$name.tar.gz"
rm -rf "$dist/$name"
