# Drops what a pod says to other pods and to the API server, and what other pods say to it. The
# rules carry a mark, by which they are found again. Called in the node as
# `sh -c … flinklab-cut MARK ADDRESS`.
mark=$1 address=$2
rule() { iptables -w 5 -I "$@" -m comment --comment "$mark" -j DROP || exit 4; }
echo "sent $(date +%s%N)"
rule FORWARD -s "$address"
rule FORWARD -d "$address"
rule INPUT -s "$address" -p tcp --dport 6443
echo "stopped $(date +%s%N)"
