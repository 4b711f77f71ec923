# Takes the right to write from a folder of the shared folder and proves it by a write as 9999, the
# user of the Flink image. After shared.sh, called in the node as
# `sh -c … flinklab-forbid MOUNT FOLDER`.
descend "$1" || { echo "$1 is no folder" >&2; exit 3; }
echo "sent $(date +%s%N)"
chmod a-w . || exit 4
if writable 2>/dev/null; then
  echo "a write as 9999 still succeeds" >&2
  exit 5
fi
echo "stopped $(date +%s%N)"
