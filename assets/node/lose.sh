# Moves the files of a job's state aside: all that its checkpoints share, and what lies in them beside
# their metadata. As 9999, who owns them. After shared.sh, called in the node as
# `sh -c … flinklab-lose MOUNT FOLDER ASIDE`; ASIDE is a folder of FOLDER.
aside=${2##*/} n=0
descend "$1" || { echo "$1 is no folder" >&2; exit 3; }
job=$at
exec 6<.
# Goes into a folder of the current one, which is made if there is none.
make() { enter "$1" || { as_flink mkdir "./$1" && enter "$1"; } || exit 4; }
make "$aside"
exec 5<.
back 6 "$job"
for folder in shared chk-*; do
  case $folder in shared) ;; *) case ${folder#chk-} in '' | *[!0-9]*) continue ;; esac ;; esac
  back 5 "$job/$aside"
  make "$folder"
  # Held open: what is moved lands here, whatever the name leads to by then.
  exec 8<.
  back 6 "$job"
  enter "$folder" || continue
  for file in *; do
    [ "$file" != _metadata ] && [ -f "./$file" ] && [ ! -L "./$file" ] || continue
    # What Flink removes meanwhile is not there to be lost.
    as_flink mv -T "./$file" "/proc/self/fd/8/$file" 2>/dev/null && n=$((n + 1))
  done
done
[ $n -gt 0 ] || { echo "there is no file of state below $1" >&2; exit 5; }
echo "lost $n"
