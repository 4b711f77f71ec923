# Lets a stopped process go on, if it is still the one that was stopped; else there is nothing to
# take back. Called in the node as `sh -c … flinklab-thaw PID START`.
pid=$1 start=$2
{ IFS= read -r stat <"/proc/$pid/stat"; } 2>/dev/null || { echo "ended $(date +%s%N)"; exit 0; }
set -- ${stat##*) }
[ "${20}" = "$start" ] || { echo "ended $(date +%s%N)"; exit 0; }
now=$(date +%s%N)
kill -s CONT "$pid" || exit 4
echo "undone $now"
