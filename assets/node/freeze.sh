# Stops a process with SIGSTOP, if it is still the one that was aimed at, and waits until it is.
# Called in the node as `sh -c … flinklab-freeze PID START`. Ends with 3 if it is another one.
pid=$1 start=$2
look() {
  { IFS= read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return 1
  set -- ${stat##*) }
  state=$1
  [ "${20}" = "$start" ]
}
now=$(date +%s%N)
look || { echo mismatch; exit 3; }
kill -s STOP "$pid" || exit 4
exec 9>&-
echo "sent $now"
n=0
until look && [ "$state" = T ]; do
  n=$((n + 1))
  [ $n -lt 500 ] || { echo "the process is in state $state" >&2; exit 5; }
  sleep 0.01
done
echo "stopped $(date +%s%N)"
