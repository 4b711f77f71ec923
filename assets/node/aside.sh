# Moves the manifest of the API server aside and waits until the kubelet has stopped it. Called in
# the node as `sh -c … flinklab-aside FROM TO`.
from=$1 to=$2
[ -f "$from" ] || { echo "$from is not there" >&2; exit 3; }
echo "sent $(date +%s%N)"
mv "$from" "$to" || exit 4
exec 9>&-
n=0
while [ -n "$(crictl ps -q --name kube-apiserver)" ]; do
  n=$((n + 1))
  [ $n -lt 300 ] || { echo "the API server still runs" >&2; exit 5; }
  sleep 0.2
done
echo "stopped $(date +%s%N)"
