# Subshells and what they share with their parent.
. "$SUITE/lib.sh"

t variables are copied
x=1; (x=2; echo $x); echo $x
t directory is its own
mkdir d; (cd d && basename "$PWD"); basename "$PWD"
t status
(exit 3); rc; (true); rc; (false); rc
t exit ends only the subshell
(exit 0; echo no); echo yes
t descriptors are inherited
exec 3>f; (echo sub >&3); echo parent >&3; exec 3>&-; cat f
t closing is local
exec 3>f; (exec 3>&-); echo still >&3; exec 3>&-; cat f
t nesting
( ( ( (echo four; exit 4); rc ); rc ); rc )
t depth 30
d() { if [ $1 -gt 0 ]; then (d $(($1-1))); else echo bottom; fi; }; d 30
t umask is its own
umask 022; (umask 077; umask); umask
t functions and aliases are inherited
f() { echo "f $1"; }; (f sub)
t set -e in a subshell
(set -e; false; echo no); rc
t dollar dollar is that of the parent
a=$$; b=$( (echo $$) ); [ $a = $b ]; rc
t the process id differs
c=$(sh -c 'echo $PPID'); (d=$(sh -c 'echo $PPID'); [ "$d" != "$$" ]); rc; [ -n "$c" ]; rc
t pipelines in subshells
(echo a; echo b) | (read -r x; read -r y; echo $y$x)
t redirection of a subshell
(echo o; echo e >&2) >o 2>e; cat e o
t background subshell
(exit 7) & wait $! 2>/dev/null; rc
t memory is copied on write
big=$(seq 1 3000); (big=x; echo ${#big}); echo ${#big}
t copies of copies
v=0; (v=1; (v=2; (v=3; echo $v); echo $v); echo $v); echo $v
t a file offset is shared
seq 1 6 >n; { read -r a; (read -r b; echo sub $b); read -r c; echo $a $c; } <n
t many subshells in turn
n=0; i=0; while [ $i -lt 100 ]; do (exit $((i%7))) || n=$((n+1)); i=$((i+1)); done; echo $n
t many at once
i=0; while [ $i -lt 50 ]; do (echo $i >p$i) & i=$((i+1)); done; wait
cat p? p?? | sort -n | tr '\n' ' '; echo
t traps are reset
trap 'echo parent' USR1; (trap); trap - USR1
t exec in a subshell
(exec echo replaced; echo no); echo on
