#!/bin/sh
# Draws every icon anew from the SVG sources beside this script. The Tauri command line of ui/ does the drawing.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
icon() { ../ui/node_modules/.bin/tauri icon "$@" >/dev/null; }

icon faultline.svg --output "$work/app"
for file in 32x32.png 128x128.png 128x128@2x.png icon.png icon.ico icon.icns; do
    cp "$work/app/$file" "$file"
done
# 44 pixels: panels show 16 to 24, twice as much on dense screens.
for state in ok suspicious incident no-data; do
    icon "tray-$state.svg" --png 44 --output "$work/$state"
    cp "$work/$state/44x44.png" "tray-$state.png"
done
