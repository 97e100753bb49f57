# Pipelines: order, statuses, builtins and functions as stages.
. "$SUITE/lib.sh"

t two stages
echo hello | cat
t five stages
printf '%s\n' c a b a | sort | uniq | tr a-z A-Z | tac
t status is the last stage
false | true; rc
true | false; rc
t pipefail
set -o pipefail
false | true; rc
(exit 3) | (exit 5) | true; rc
true | true; rc
set +o pipefail
t negation
! true | false; rc
! false; rc
! true; rc
t a stage is a subshell
x=1
echo | x=2
echo "x=$x"
t a group as stage
{ echo one; echo two; } | { read -r a; read -r b; echo "$b $a"; }
t a loop as stage
for i in 1 2 3; do echo "n$i"; done | while read -r l; do echo "<$l>"; done
t a function as stage
shout() { tr a-z A-Z; }
echo quiet | shout | cat
t errors through the pipe
ls /nonexistent 2>&1 | cat
t reader that reads nothing
echo ignored | true; rc
t empty input
true | wc -c
t input survives an exec in the stage
echo data | sh -c 'exec cat'
t background pipeline
echo slow | cat >out &
wait $! 2>/dev/null; rc
cat out
t nested pipelines
(echo b; echo a) | (sort | (tr ab xy | cat))
t ten stages
echo 0 | (read -r n; echo $((n+1))) | (read -r n; echo $((n+1))) |
	(read -r n; echo $((n+1))) | (read -r n; echo $((n+1))) |
	(read -r n; echo $((n+1))) | (read -r n; echo $((n+1))) |
	(read -r n; echo $((n+1))) | (read -r n; echo $((n+1)))
t pipe across lines
echo lines |
	cat |
	rev
t and-or of pipelines
echo a | grep -q b && echo yes || echo no
echo a | grep -q a && echo yes || echo no
t the stages are one process group
sh -c 'sed "s/.*) //" /proc/self/stat' | cut -d" " -f1
t a byte at a time
printf abcdef | while read -r -n 1 c; do printf '%s.' "$c"; done; echo
