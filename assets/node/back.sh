# Moves a manifest back, if it was moved aside. Called in the node as `sh -c … flinklab-back FROM TO`.
from=$1 to=$2
now=$(date +%s%N)
if [ -f "$from" ] && [ ! -e "$to" ]; then mv "$from" "$to" || exit 4; fi
[ -f "$to" ] || { echo "$to is gone, and so is $from" >&2; exit 5; }
echo "undone $now"
