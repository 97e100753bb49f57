# Background jobs and wait.
. "$SUITE/lib.sh"

t wait for one
(exit 3) & wait $! 2>/dev/null; rc
t wait for all
(exit 1) & (exit 2) & wait; rc
t several, in any order
(exit 4) & a=$!; (exit 5) & b=$!; (exit 6) & c=$!
wait $c 2>/dev/null; rc; wait $a 2>/dev/null; rc; wait $b 2>/dev/null; rc
t a status is kept after the end
(exit 8) & p=$!; until_true in_state $p ''; wait $p 2>/dev/null; rc
t wait with several arguments gives the last
(exit 1) & a=$!; (exit 2) & b=$!; wait $a $b 2>/dev/null; rc
t not a child
wait 1 2>&1; rc; wait 99999999 2>&1; rc
t nothing to wait for
wait; rc
t status of starting is zero
false & rc; wait
t output of jobs
echo from job & wait; { echo a; echo b; } & wait
t stdin of a job is /dev/null
echo data | { cat & wait; }; rc
t ids differ
: & a=$!; : & b=$!; [ $a != $b ]; rc; wait
t order by fifo
mkfifo f; (read -r x <f; echo "got $x") & echo token >f; wait
t twenty jobs
i=0; while [ $i -lt 20 ]; do (exit $i) & eval "p$i=$!"; i=$((i+1)); done
i=0; while [ $i -lt 20 ]; do eval "wait \$p$i"; printf '%s ' $?; i=$((i+1)); done; echo
t hundred jobs
i=0; while [ $i -lt 100 ]; do echo $i >j$i & i=$((i+1)); done; wait; cat j? j?? | sort -n | md5sum
t a job of jobs
( (exit 1) & (exit 2) & wait; echo inner ) & wait; rc
t pipeline job
seq 1 1000 | tail -n 1 >last & wait $! 2>/dev/null; rc; cat last
t and-or job
false || echo or-job & wait
true && (exit 5) & wait $! 2>/dev/null; rc
t killed job
sleep 1000 & kill $!; wait $! 2>/dev/null; rc
t jobs list
sh -c 'sleep 1000 & (exit 3) & wait $! 2>/dev/null; jobs | sed "s/  */ /g"; kill %1; wait; jobs' 2>&1
t kill by job number
sleep 1000 & kill %1; wait; rc
t no such job
sh -c 'fg %5; kill %7; wait %9; echo $?' 2>&1
t job control needs a terminal
sh -c 'set -m; echo "m $?"' 2>&1
t children of a function
f() { (exit 9) & wait $! 2>/dev/null; }; f; rc
t variable after a job
x=1; x=2 & wait; echo $x
t zombie until waited
mkfifo die; sh -c 'sh -c "read x <die; exit 3" & echo $! >zp
	exec awk "BEGIN { print >\"die\"; close(\"die\"); getline p <\"zp\"; f = \"/proc/\" p \"/stat\"
		do { s = \"\"; getline s <f; close(f); sub(/.*\\) /, \"\", s) } while (s !~ /^Z/)
		print \"zombie\" }"'
t orphans go to process 1
sh -c 'sh -c "until grep -q \"^PPid:.1\$\" /proc/\$\$/status; do usleep 10000; done; echo adopted >orphan" &'
until_true test -s orphan; cat orphan
t two producers, one consumer
mkfifo q; sort <q >out & exec 4>q; { echo a; echo b; } >q & p=$!; { echo c; echo d; } >q & wait $p $!; exec 4>&-; wait; cat out
t lock by mkdir
: >count; for i in 1 2 3 4 5; do (
	until mkdir lock 2>/dev/null; do usleep 1000; done
	n=$(cat count); echo $((n+1)) >count; rmdir lock) &
done; wait; cat count
