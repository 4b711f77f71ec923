# Starts the kubelet again where a shutdown of the node was broken off after it had been stopped;
# says `started` then. One that keeps failing restarts by itself, and before kubeadm there is none.
[ -f /var/lib/kubelet/config.yaml ] || exit 0
# What was broken off may still be ending containers: a command outlives who asked for it.
n=0
while pgrep -f 'flinklab-quie[t]' >/dev/null && [ $n -lt 300 ]; do
  n=$((n + 1))
  sleep 0.2
done
# kubeadm stops and starts it by itself.
pgrep -x kubeadm >/dev/null && exit 0
case $(systemctl is-active kubelet) in
  active | activating | reloading) exit 0 ;;
esac
systemctl start kubelet || exit 4
echo started
