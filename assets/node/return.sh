# Moves the files of a job's state back, if they were moved aside; those of checkpoints that are gone
# are of no use any more. After shared.sh, called in the node as
# `sh -c … flinklab-return MOUNT FOLDER ASIDE`; ASIDE is a folder of FOLDER.
aside=${2##*/}
now=$(date +%s%N)
if descend "$1"; then
  job=$at
  exec 6<.
  if enter "$aside"; then
    exec 5<.
    for folder in shared chk-*; do
      case $folder in shared) ;; *) case ${folder#chk-} in '' | *[!0-9]*) continue ;; esac ;; esac
      back 5 "$job/$aside"
      enter "$folder" || continue
      # Held open: what is moved comes from here, whatever the name leads to by then.
      exec 8<.
      back 6 "$job"
      enter "$folder" || continue
      for file in /proc/self/fd/8/*; do
        name=${file##*/}
        [ -f "$file" ] && [ ! -L "$file" ] && [ ! -e "./$name" ] && [ ! -L "./$name" ] || continue
        mv -T "$file" "./$name" || exit 5
      done
    done
    back 6 "$job"
    rm -rf "./$aside" || exit 6
  fi
fi
echo "undone $now"
