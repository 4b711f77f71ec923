# The mode of a folder. Called in the node as `sh -c … flinklab-mode FOLDER`.
[ -d "$1" ] && [ ! -L "$1" ] || { echo "$1 is no folder" >&2; exit 3; }
stat -c %a "$1"
