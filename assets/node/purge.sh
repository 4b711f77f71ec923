# Removes everything in the shared folder, not the folder itself, and says how many files and bytes,
# and before that which links: `link PATH` for a few of them. Links go, what they point to stays:
# find goes down folder by folder, too. After shared.sh, called in the node as
# `sh -c … flinklab-purge MOUNT`.
# What is mounted in it is somebody else's.
where=$(printf %s "$top" | sed 's/\\/\\134/g; s/ /\\040/g')
while read -r a b c d point rest; do
  case $point in "$where"/*) refuse "mount ${point#"$where"/}" ;; esac
done </proc/self/mountinfo
find . -xdev -type l -printf 'link %P\n' 2>/dev/null | head -n 4
files=$(find . -xdev -mindepth 1 -printf x | wc -c)
bytes=$(du -sxb . | cut -f1)
find . -xdev -mindepth 1 -delete || exit 1
echo "$files $bytes"
