# The mode of a folder of the shared folder. After shared.sh, called in the node as
# `sh -c … flinklab-mode MOUNT FOLDER`.
descend "$1" || { echo "$1 is no folder" >&2; exit 3; }
stat -c %a .
