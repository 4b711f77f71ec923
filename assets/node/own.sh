# Makes folders of the shared path belong to 9999:9999, the user of the Flink image, and proves it
# by a write as that user. Readable whatever the umask of who made it: the host looks into them, too.
# Called in the node as `sh -c … flinklab-own PROBE DIR…`; says `ok` for each folder. The file PROBE
# is left behind: the host must see it.
probe=$1
shift
for dir in "$@"; do
  mkdir -p "$dir" && chown 9999:9999 "$dir" && chmod 755 "$dir" || exit 1
  setpriv --reuid 9999 --regid 9999 --clear-groups sh -c '
    probe="$1/.flinklab-$$" && : > "$probe" && rm -f "$probe"' flinklab-probe "$dir" || exit 1
  echo ok
done
: > "$probe" || exit 1
