# kill, and what signals do to processes.
. "$SUITE/lib.sh"

# A child that has set up its handler says so through a file.
ready() { until_true test -e "$1"; rm -f "$1"; }

t status of a killed child
for s in HUP KILL USR1 USR2 ALRM TERM PIPE; do
	sleep 1000 & kill -$s $!; wait $! 2>/dev/null; echo $s $?
done
t forms of kill
sleep 1000 & kill $!; wait $! 2>/dev/null; rc
sleep 1000 & kill -9 $!; wait $! 2>/dev/null; rc
sleep 1000 & kill -s KILL $!; wait $! 2>/dev/null; rc
sleep 1000 & kill -SIGUSR1 $!; wait $! 2>/dev/null; rc
t kill -l
kill -l | head -n 5; kill -l 9 15 17; kill -l TERM; kill -l 129
t kill -0
sleep 1000 & p=$!; kill -0 $p; rc; kill $p; wait $p 2>/dev/null; kill -0 $p 2>/dev/null; rc
t errors
kill 2>&1; rc; kill -NOSIG $$ 2>&1; rc; kill x 2>&1; rc; kill -0 99999999 2>&1; rc
t a handler in the child
sh -c 'trap "echo caught >>log; exit 3" TERM; : >up; while :; do usleep 10000; done' & p=$!
ready up; kill $p; wait $p 2>/dev/null; rc; cat log
t several targets
sleep 1000 & a=$!; sleep 1000 & b=$!; kill $a $b; wait $a 2>/dev/null; rc; wait $b 2>/dev/null; rc
t stop and continue
sleep 1000 & p=$!; kill -STOP $p; until_true in_state $p T; echo stopped
kill -CONT $p; until_true in_state $p S; echo continued; kill $p; wait $p 2>/dev/null; rc
t TERM waits while stopped
sleep 1000 & p=$!; kill -STOP $p; until_true in_state $p T; kill -TERM $p
in_state $p T && echo still stopped; kill -CONT $p; wait $p 2>/dev/null; rc
t KILL does not wait
sleep 1000 & p=$!; kill -STOP $p; until_true in_state $p T; kill -KILL $p; wait $p 2>/dev/null; rc
t HUP ignored across exec
sh -c 'trap "" HUP; exec sh -c "kill -HUP \$\$; echo alive"'; rc
t background children ignore INT in a script
sh -c 'sh -c "kill -INT \$\$; echo alive" & wait $!'; rc
t process group
setsid sh -c 'sh -c "trap \"echo one >>grp; exit\" TERM; : >u1; while :; do usleep 10000; done" 2>/dev/null &
	trap "echo leader >>grp" TERM
	until [ -e u1 ]; do usleep 10000; done
	kill -TERM 0; wait; sort grp'; rc
t negative process id
setsid sh -c ': >u2; sleep 1000 & sleep 1000 & wait' & p=$!
ready u2; kill -TERM -$p; wait $p 2>/dev/null; rc
t a pipeline dies with its group
setsid sh -c 'sleep 1000 | sleep 1000 & : >u3; wait' & p=$!
ready u3; kill -KILL -$p; wait $p 2>/dev/null; rc
t pending signals merge
sh -c 'n=0; trap "n=\$((n+1))" USR1; : >u4; until [ -e go ]; do usleep 10000; done; echo $n' & p=$!
ready u4; kill -STOP $p; until_true in_state $p T; for i in 1 2 3 4 5; do kill -USR1 $p; done; kill -CONT $p
: >go; wait $p 2>/dev/null; rc
t exec keeps ignored, resets caught
sh -c 'trap "" USR1; trap "echo no" USR2; exec sh -c "kill -USR1 \$\$; echo ign; kill -USR2 \$\$; echo no"' 2>/dev/null; rc
t masks in proc
sh -c 'trap "" HUP TERM; exec grep SigIgn /proc/self/status' | cut -c1-7,20-
t alarm by timeout
timeout 1 sleep 1000; rc; timeout -s KILL 1 sleep 1000; rc; timeout 100 true; rc; timeout 100 false; rc
t INT to the foreground child
sh -c 'sh -c "kill -INT \$\$"; echo after'; rc
sh -c 'sh -c "trap \"exit 5\" INT; kill -INT \$\$"; echo $?'; rc
t wait status of exit and signal differ
sh -c 'exit 143' & wait $! 2>/dev/null; rc
sh -c 'kill $$' & wait $! 2>/dev/null; rc
t shell messages
sh -c 'sh -c "kill -KILL \$\$"; echo $?' 2>&1
sh -c 'sh -c "kill -TERM \$\$"; echo $?' 2>&1
sh -c 'sh -c "kill -INT \$\$"; echo after' 2>&1; rc
sh -c 'sh -c "kill -PIPE \$\$"; echo $?' 2>&1
sh -c 'sh -c "kill -USR1 \$\$"; echo $?' 2>&1
sh -c 'sh -c "kill -HUP \$\$"; echo $?' 2>&1
sh -c 'sh -c "kill -ALRM \$\$"; echo $?' 2>&1
t children of a killed shell live on
sh -c 'sh -c ": >u5; until [ -e go5 ]; do usleep 10000; done; echo orphan >out5" & kill -KILL $$' 2>/dev/null; rc
ready u5; : >go5; until_true test -s out5; cat out5
