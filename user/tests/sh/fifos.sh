# Named pipes.
. "$SUITE/lib.sh"

t make
mkfifo f; rc; lsl f; stat -c '%F %a' f; test -p f; rc
mkfifo -m 600 g; stat -c %a g; mkfifo f 2>&1; rc; mkfifo no/f 2>&1; rc
t rendezvous
echo hello >f & cat f; wait
cat f & echo other way >f; wait
t many lines in order
seq 1 500 >f & md5sum <f; wait
t both ends by one process
exec 3<>f; echo self >&3; read -r x <&3; echo "$x"; exec 3>&-
t writer waits for a reader
(echo started >s; echo msg >f; echo done >>s) & p=$!
until_true test -s s; until_true in_state $p S; cat s; cat f; wait; cat s
t reader waits for a writer
(read -r x <f; echo "got $x") & until_true in_state $! S; echo late >f; wait
t two writers
sort f >o & exec 4>f; (echo a; echo b) >f & a=$!; (echo c; echo d) >f & wait $a $!; exec 4>&-; wait; cat o
t end of file when the last writer leaves
exec 4<>f; cat f >o 4>&- & echo one >&4; (echo two >&4); until_true grep -q two o; exec 4>&-; wait; cat o
t reader leaves: the writer dies
sh -c 'yes >f' & p=$!; head -n 2 f; wait $p 2>/dev/null; rc
t reopened by turns
for i in 1 2 3; do echo turn $i >f & read -r x <f; wait; echo "$x"; done
t request and answer
mkfifo req ans
( while read -r a b; do echo $((a+b)); done <req >ans ) &
exec 5>req 6<ans; for i in 1 2 3; do echo $i 10 >&5; read -r s <&6; echo $s; done; exec 5>&- 6<&-; wait
t chain
mkfifo c1 c2; tr a-z A-Z <c1 >c2 & rev <c2 >co & echo chain >c1; wait; cat co
t large through a fifo
head -c 300000 /dev/zero | tr '\0' q >f & wc -c <f; wait
t removed while open
mkfifo r; exec 3<>r; rm r; echo still >&3; read -r x <&3; echo "$x"; exec 3>&-; ls r 2>&1
t hard link to a fifo
mkfifo h1; ln h1 h2; echo linked >h1 & cat h2; wait; stat -c %h h1
t tee into a fifo
cat f >copy & echo both | tee f; wait; cat copy
t cat of two fifos in order
mkfifo x1 x2; echo second >x2 & echo first >x1 & cat x1 x2; wait
t locking by a token
mkfifo tok; exec 9<>tok; echo t >&9; : >cnt; echo 0 >cnt
for i in 1 2 3 4 5 6; do ( read -r k <&9; n=$(cat cnt); echo $((n+1)) >cnt; echo t >&9 ) & done; wait; cat cnt; exec 9>&-
t no reader without waiting
exec 3<>f; dd if=/dev/zero bs=1 count=4 2>/dev/null >&3; dd bs=4 count=1 <&3 2>/dev/null | od -An -tx1; exec 3>&-
