# Moves the files of a job's state aside: all that its checkpoints share, and what lies in them beside
# their metadata. Called in the node as `sh -c … flinklab-lose FOLDER ASIDE`.
folder=$1 aside=$2 n=0
[ -d "$folder" ] && [ ! -L "$folder" ] || { echo "$folder is no folder" >&2; exit 3; }
cd "$folder" || exit 3
for file in shared/* chk-*/*; do
  case $file in */_metadata) continue ;; esac
  [ -f "$file" ] && [ ! -L "$file" ] && [ ! -L "${file%/*}" ] || continue
  mkdir -p "$aside/${file%/*}" || exit 4
  # What Flink removes meanwhile is not there to be lost.
  mv "$file" "$aside/$file" 2>/dev/null && n=$((n + 1))
done
[ $n -gt 0 ] || { echo "there is no file of state below $folder" >&2; exit 5; }
echo "lost $n"
