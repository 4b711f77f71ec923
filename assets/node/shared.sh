# Before a script that works in the shared folder, where jobs write as 9999 and may put a link in the
# place of any name at any moment. So no path is acted on: the shell goes down folder by folder, sees
# where it has come to, and acts on `.` and on names in it, which no link can lead elsewhere.
# MOUNT, where the node has the folder, is the first argument.
mount=$1
shift

# Ends with 8 and says what is in the way: KIND PATH, and for a link ` -> TARGET`.
refuse() {
  printf 'refused %s\n' "$*" >&2
  exit 8
}

# Which mount the current folder is of.
mounted() {
  id=
  exec 7<. || exit 8
  while read -r key value; do
    case $key in mnt_id:) id=$value ;; esac
  done </proc/self/fdinfo/7
  exec 7<&-
}

cd -P "$mount" || exit 3
# Not the shell's own `pwd`: it may say what it believes, not where it is.
top=$(env pwd -P) || exit 3
at=$top
mounted
own=$id

# Goes into a folder NAME of the current one; 1 if there is none.
enter() {
  under=${at#"$top"}/$1
  under=${under#/}
  case $1 in '' | . | .. | */*) refuse "name $under" ;; esac
  if [ -L "./$1" ]; then
    refuse "link $under -> $(readlink "./$1" | tr '\n' ' ')"
  fi
  if [ ! -d "./$1" ]; then
    [ ! -e "./$1" ] || refuse "file $under"
    return 1
  fi
  # What is not there any more was there a moment ago.
  cd -P "./$1" 2>/dev/null || return 1
  at=$at/$1
  # A link that was put there meanwhile has led elsewhere.
  [ "$(env pwd -P)" = "$at" ] || refuse "moved $under"
  mounted
  [ "$id" = "$own" ] || refuse "mount $under"
}

# Goes down to a folder PATH of the current one; 1 if there is none.
descend() {
  rest=$1
  while [ -n "$rest" ]; do
    step=${rest%%/*}
    case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
    [ -z "$step" ] || enter "$step" || return 1
  done
}

# Back to a folder that is held open as file N and was entered as PATH.
back() {
  cd -P "/proc/self/fd/$1" || exit 8
  at=$2
}

# Runs a command as 9999, the user of the Flink image.
as_flink() { setpriv --reuid 9999 --regid 9999 --clear-groups "$@"; }

# Whether 9999 can write into the current folder, by a real write.
writable() {
  as_flink sh -c 'probe=$(mktemp ./.flinklab-XXXXXXXXXX) && rm -f "$probe"'
}
