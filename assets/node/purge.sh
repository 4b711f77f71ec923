# Removes everything below a folder, not the folder itself, and says how many files and bytes.
# Called in the node as `sh -c … flinklab-purge DIR`.
cd "$1" || exit 1
files=$(find . -xdev -mindepth 1 | wc -l)
bytes=$(du -sxb . | cut -f1)
find . -xdev -mindepth 1 -delete || exit 1
echo "$files $bytes"
