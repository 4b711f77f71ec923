# Ends every container of the node and lets none start again: first the kubelet, then all at once.
# $1: seconds that each has for an end in order.
systemctl stop kubelet
crictl ps -q | xargs -r -n 1 -P 16 crictl stop -t "$1" >/dev/null 2>&1
true
