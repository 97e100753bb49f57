# Traps.
. "$SUITE/lib.sh"

t exit trap
sh -c 'trap "echo bye" EXIT; echo hi'; rc
sh -c 'trap "echo zero" 0; exit 3'; rc
t on a signal
sh -c 'trap "echo usr1" USR1; kill -USR1 $$; echo after'; rc
sh -c 'trap "echo got; exit 9" TERM; kill $$; echo no'; rc
t by number
sh -c 'trap "echo ten" 10; kill -10 $$'; rc
t several signals
sh -c 'trap "echo sig" HUP INT TERM; kill -HUP $$; kill -INT $$; kill -TERM $$'; rc
t ignored
sh -c 'trap "" TERM; kill $$; echo alive'; rc
t ignored is inherited
sh -c 'trap "" USR1; sh -c "kill -USR1 \$\$; echo child alive"'; rc
t caught is reset in a child
sh -c 'trap "echo no" USR1; sh -c "kill -USR1 \$\$; echo no"' 2>/dev/null; rc
t reset
sh -c 'trap "echo no" USR1; trap - USR1; kill -USR1 $$; echo no' 2>/dev/null; rc
t list
sh -c 'trap "echo a b" USR1; trap "it'"'s"'" INT; trap "" HUP; trap'
t saved and restored
sh -c 'trap "echo kept" USR1; s=$(trap); trap - USR1; eval "$s"; kill -USR1 $$'
t in a subshell they are reset
sh -c 'trap "echo parent" EXIT; (echo sub); echo end'
sh -c '(trap "echo sub bye" EXIT; echo sub); echo end'
t in a command substitution
sh -c 'x=$(trap "echo inner" EXIT; echo body); echo "$x"'
t status in a trap
sh -c 'trap "echo st \$?" USR1; false; kill -USR1 $$; true'
sh -c 'trap "echo st \$?" EXIT; exit 4'; rc
t the trap keeps the status
sh -c 'trap "false" USR1; kill -USR1 $$; echo $?'
t exit in an exit trap
sh -c 'trap "exit 2" EXIT; exit 1'; rc
t a trap that sets another
sh -c 'trap "trap \"echo second\" USR1; echo first" USR1; kill -USR1 $$; kill -USR1 $$'
t waits for the foreground child
sh -c 'trap "echo trapped" USR1; sh -c "kill -USR1 $$; echo child"; echo after'
# The end of who kills is waited for: SIGCHLD would interrupt the open.
t interrupts wait
mkfifo gate
sh -c 'trap "echo hit" USR1
	cat gate & c=$!
	(until_true() { until "$@"; do usleep 10000; done; }
	until_true grep -q "^State:.S" /proc/$$/status; kill -USR1 $$) & k=$!
	wait $c 2>/dev/null; [ $? -gt 128 ] && echo interrupted
	wait $k; echo open >gate; wait $c 2>/dev/null; echo $?'
t function as trap
sh -c 'h() { echo "handler $1"; }; trap "h x" USR1; kill -USR1 $$'
t nested signals
sh -c 'trap "echo one; kill -USR2 \$\$; echo one-end" USR1; trap "echo two" USR2; kill -USR1 $$; echo end'
t the handler kills itself by its own signal
sh -c 'trap "echo cleanup; trap - TERM; kill \$\$" TERM; kill $$; echo no' 2>/dev/null; rc
t KILL cannot be caught
sh -c 'trap "echo no" KILL; kill -KILL $$' 2>/dev/null; rc
t bad names
sh -c 'trap "x" NOSIG; echo "st $?"' 2>&1
sh -c 'trap "x" 99; echo "st $?"' 2>&1
t exec drops the exit trap
sh -c 'trap "echo no" EXIT; exec true'; rc
t many signals in turn
sh -c 'n=0; trap "n=\$((n+1))" USR1; i=0; while [ $i -lt 50 ]; do kill -USR1 $$; i=$((i+1)); done; echo $n'
t signal from a child
sh -c 'trap "echo from child" USR2; (kill -USR2 $$); :; echo done'
t cleanup of a temporary file
sh -c 'f=tmpfile; trap "rm -f $f" EXIT; echo x >$f; ls $f'; ls tmpfile 2>&1
t CHLD
sh -c 'trap "echo chld" CHLD; true & wait $! 2>/dev/null; :' | sort -u
