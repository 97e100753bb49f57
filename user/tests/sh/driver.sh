# Run the suite's scripts one after another: on the Linux host in a sandbox,
# on Hardtack as the command of scripts/run. Both get the same process tree,
# environment and directories, so that only the kernel differs.
#
#   sh /suite/driver.sh RESULTS LIMIT HOME OTHER NAME...
#
# HOME is the parent of the working directory, OTHER a directory on another
# file system, LIMIT the seconds a script may take. RESULTS receives, for each
# script, a line "=== NAME STATUS BYTES" and what it wrote to stdout and
# stderr. Progress goes to stdout: it says where a kernel that died was.
B=/bin/busybox
results=$1 limit=$2 home=$3 other=$4
shift 4

$B mkdir -p /apps "$home" "$other" || exit 1
[ -e /apps/sh ] || $B --install -s /apps || exit 1
PATH=/apps
export PATH
umask 022
ulimit -n 1024
ulimit -c 0
: >"$results" || exit 1
log=$results.log
leader=$results.leader

for name in "$@"; do
	work=$home/t
	rm -rf "$work"
	mkdir "$work" && cd "$work" || exit 1
	echo "run $name"
	# In the foreground: a background child of a script ignores SIGINT.
	env -i PATH=/apps HOME=/ TZ=UTC0 SUITE=/suite OTHER="$other" \
		LEADER="$leader" LIMIT="$limit" SCRIPT="/suite/$name.sh" \
		setsid sh -c 'echo $$ >"$LEADER"
			exec env -u LEADER -u LIMIT -u SCRIPT \
				timeout -s KILL "$LIMIT" sh "$SCRIPT"' \
		</dev/null >"$log" 2>&1
	status=$?
	# What a failed script left behind must not disturb the next one.
	kill -KILL -"$(cat "$leader")" 2>/dev/null
	cd /
	echo "=== $name $status $(wc -c <"$log")" >>"$results"
	cat "$log" >>"$results"
	rm -rf "$work"
	# If the kernel dies in the next one, what is known is on the disk.
	sync
done
rm -f "$log" "$leader"
echo "suite done"
