# Takes the right to write from a folder and proves it by a write as 9999, the user of the Flink
# image. Called in the node as `sh -c … flinklab-forbid FOLDER`.
[ -d "$1" ] && [ ! -L "$1" ] || { echo "$1 is no folder" >&2; exit 3; }
echo "sent $(date +%s%N)"
chmod a-w "$1" || exit 4
if setpriv --reuid 9999 --regid 9999 --clear-groups sh -c ': > "$1/.flinklab-probe"' flinklab-probe "$1" 2>/dev/null; then
  rm -f "$1/.flinklab-probe"
  echo "a write as 9999 still succeeds" >&2
  exit 5
fi
echo "stopped $(date +%s%N)"
