#!/bin/sh
# Packs the folder DIST/deb/NAME as a Debian package. make deb calls it.
#
# usage: packaging/deb.sh DIST VERSION NAME DESCRIPTION
set -eu
umask 022
dist=$1 version=$2 name=$3 about=$4
root=$dist/deb/$name
# The C library that the program was linked with is the oldest that it is known to run with.
libc=$(dpkg-query -W -f '${Version}' libc6 2>/dev/null | sed 's/-.*//' || :)
mkdir -p "$root/DEBIAN" "$root/usr/share/doc/$name"
install -m 644 LICENSE "$root/usr/share/doc/$name/copyright"
# Where Debian's zsh looks.
mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions"
find "$root/usr/share/man" -name '*.1' -exec gzip -9n {} +
cat >"$root/DEBIAN/control" <<END
Package: $name
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: anyt maintainers <root@localhost>
Depends: libc6${libc:+ (>= $libc)}, libgcc-s1
Section: utils
Priority: optional
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Description: $about
END
dpkg-deb --build --root-owner-group "$root" "$dist/${name}_${version}_$(dpkg --print-architecture).deb"
