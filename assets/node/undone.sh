# Before a script that takes something back: says so in the node, after which nothing of the run is
# applied there any more. RUN is its first argument. A lock that is not free is no reason not to undo.
run=$1
shift
exec 9>>"/run/flinklab-$run.lock"
flock -w 10 9 || :
: >"/run/flinklab-$run.undone"
