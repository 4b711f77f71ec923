# Before a script that breaks something: takes the run's lock in the node and refuses once the run
# was taken back, for what comes late must not land after its undo. RUN is its first argument.
run=$1
shift
exec 9>>"/run/flinklab-$run.lock"
flock -w 10 9 || [ $? = 127 ] || { echo "the run is being taken back" >&2; exit 6; }
[ ! -e "/run/flinklab-$run.undone" ] || { echo "the run was taken back already" >&2; exit 7; }
