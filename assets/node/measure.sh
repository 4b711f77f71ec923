# Says how many files and bytes are in the shared folder, and before that which links: `link PATH`
# for a few of them. After shared.sh, called in the node as `sh -c … flinklab-measure MOUNT`.
find . -xdev -type l -printf 'link %P\n' 2>/dev/null | head -n 4
echo "$(find . -xdev -mindepth 1 -printf x | wc -c) $(du -sxb . | cut -f1)"
