# Moves the files of a job's state back, if they were moved aside; those of checkpoints that are gone
# are of no use any more. Called in the node as `sh -c … flinklab-return FOLDER ASIDE`.
folder=$1 aside=$2
now=$(date +%s%N)
if [ -d "$aside" ] && [ ! -L "$aside" ]; then
  cd "$aside" || exit 4
  for file in shared/* chk-*/*; do
    [ -f "$file" ] && [ ! -L "$file" ] && [ -d "$folder/${file%/*}" ] && [ ! -L "$folder/${file%/*}" ] || continue
    [ -e "$folder/$file" ] || mv "$file" "$folder/$file" || exit 5
  done
  cd / && rm -r "$aside" || exit 6
fi
echo "undone $now"
