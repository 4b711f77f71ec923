# Makes folders of the shared folder, each after the one that it is in, gives them to 9999:9999, the
# user of the Flink image, and proves it by a write as that user. Readable whatever the umask of who
# made it: the host looks into them, too. After shared.sh, called in the node as
# `sh -c … flinklab-own MOUNT FOLDER…`; says `ok` for each folder and for the mount itself. A file is
# left behind there, which the host must see: `seen NAME`.
give() {
  chown 9999:9999 . && chmod 755 . && writable || exit 1
  echo ok
}
give
for folder in "$@"; do
  cd -P "$top" || exit 1
  at=$top
  case $folder in */*) descend "${folder%/*}" || exit 1 ;; esac
  name=${folder##*/}
  enter "$name" || {
    mkdir "./$name" || exit 1
    enter "$name" || exit 1
  }
  give
done
cd -P "$top" || exit 1
seen=$(as_flink mktemp ./.flinklab-seen-XXXXXXXXXX) || exit 1
echo "seen ${seen#./}"
