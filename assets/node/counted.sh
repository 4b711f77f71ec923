# How many packets the rules with a mark dropped. Called in the node as
# `sh -c … flinklab-counted MARK`.
iptables -w 5 -nvxL | {
  sum=0
  while read -r packets line; do
    case $line in *"/* $1 */"*) sum=$((sum + packets)) ;; esac
  done
  echo "$sum"
}
