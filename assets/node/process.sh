# The first process of a container: pid, start (field 22 of its stat) and pod.
# Called in the node as `sh -c … flinklab-process CONTAINER`.
known=$(crictl inspect --output go-template --template '{{.info.pid}} {{.status.state}} {{index .status.labels "io.kubernetes.pod.uid"}}' "$1") || exit 4
set -- $known
pid=$1 state=$2 pod=$3
[ "$state" = CONTAINER_RUNNING ] || { echo "the container is $state" >&2; exit 5; }
case $pid in ''|*[!0-9]*|0|1) echo "no process id: $pid" >&2; exit 5 ;; esac
IFS= read -r stat <"/proc/$pid/stat" || exit 5
set -- ${stat##*) }
echo "pid=$pid start=${20} pod=$pod"
