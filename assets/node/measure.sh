# Says how many files and bytes are below a folder. Called in the node as
# `sh -c … flinklab-measure DIR`.
cd "$1" || exit 1
echo "$(find . -xdev -mindepth 1 | wc -l) $(du -sxb . | cut -f1)"
