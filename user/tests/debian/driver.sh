# Run the suite's jobs one after another, by Debian's programs: on the Linux
# host in a sandbox, on Hardtack as the command of scripts/run.
#
#   bash /suite/driver.sh RESULTS LIMIT HOME NAME...
#
# HOME is the parent of the jobs' folders, LIMIT the seconds a job may take.
# RESULTS receives, for each job, a line "=== NAME STATUS BYTES" and what it
# wrote to stdout and stderr (the format of ../sh/driver.sh). Progress, with the
# seconds each took, goes to stdout.
results=$1 limit=$2 home=$3
shift 3
umask 022
ulimit -n 1024
ulimit -c 0
mkdir -p "$home"
: >"$results" || exit 1
log=$results.log

for name in "$@"; do
	work=$home/t
	rm -rf "$work"
	mkdir "$work" && cd "$work" || exit 1
	begin=${EPOCHREALTIME/./}
	echo "run $name"
	env -i PATH=/usr/bin:/bin HOME=/root TZ=UTC0 LC_ALL=C.UTF-8 \
		SUITE=/suite setsid -w timeout -s KILL "$limit" \
		bash "/suite/$name.sh" </dev/null >"$log" 2>&1
	status=$?
	cd /
	echo "took $name $((${EPOCHREALTIME/./} - begin)) us"
	echo "=== $name $status $(wc -c <"$log")" >>"$results"
	cat "$log" >>"$results"
	# If the kernel dies in the next one, what is known is on the disk.
	sync
done
rm -rf "$log" "$home/t"
echo "suite done"
