# Writers whose reader has gone.
. "$SUITE/lib.sh"

t yes into head
yes | head -n 3
t status of the writer
{ yes; echo $? >st; } | head -n 1; until_true test -s st; cat st
t the writer ignores the signal
{ (trap '' PIPE; yes 2>err; echo $? >st2); } | head -n 1; until_true test -s st2; cat st2 err
t a shell writer
sh -c 'while :; do echo line || exit 9; done' 2>/dev/null | head -n 2
t pipefail sees 141
set -o pipefail; yes | head -n 1; rc; set +o pipefail
t three stages
yes | cat | head -n 2
t large source
seq 1 1000000 | head -n 1
cat /dev/zero | head -c 10 | od -An -tx1
t reader that closes at once
{ (while :; do echo x; usleep 1000; done); echo $? >st3; } | { exec <&-; }
until_true test -s st3; cat st3
t writer in the background
mkfifo f; yes >f & p=$!; head -n 1 <f; wait $p 2>/dev/null; rc
t tee goes on for the file
seq 1 10 | tee copy | head -n 10 | tail -n 1; wc -l <copy
t inherited ignored signal
sh -c 'trap "" PIPE; sh -c "yes 2>&1 >&3; echo \$? >st4" 3>&1 | head -n 1' 2>/dev/null; until_true test -s st4; cat st4
t trap on PIPE
sh -c 'trap "echo trapped >trp; exit 3" PIPE; while :; do echo x 2>/dev/null; done' | head -n 1; until_true test -s trp; cat trp
t grep -q stops early
yes found | grep -q found; rc
t sed q
yes | sed 3q
t awk exit
yes | awk 'NR == 2 { exit 7 }'; rc
t dd count
yes | dd bs=2 count=2 2>/dev/null
t builtin writes to a dead pipe
(trap '' PIPE; { while printf x; do usleep 1000; done 2>e2; echo "failed $?" >f2; } | { exec <&-; })
until_true test -s f2; cat f2 e2
