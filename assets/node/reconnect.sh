# Removes the rules with a mark, however many there are. Called in the node as
# `sh -c … flinklab-reconnect MARK`.
mark=$1
now=$(date +%s%N)
iptables -w 5 -S | while IFS= read -r rule; do
  case $rule in
    "-A "*"--comment $mark "* | "-A "*"--comment \"$mark\" "*)
      set -- ${rule#-A }
      eval "iptables -w 5 -D $*" || exit 4
      ;;
  esac
done || exit 4
echo "undone $now"
