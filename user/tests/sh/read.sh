# The read builtin.
. "$SUITE/lib.sh"

t fields
echo 'a b c d' | { read -r x y; echo "<$x><$y>"; }
echo 'a' | { read -r x y z; echo "<$x><$y><$z>"; }
echo '  lead  and trail  ' | { read -r x; echo "<$x>"; }
echo '  lead  and trail  ' | { read -r x y; echo "<$x><$y>"; }
t without -r
printf 'a\\b c\\\nd\n' | { read x y; echo "<$x><$y>"; }
t with -r
printf 'a\\b c\\\nd\n' | { read -r x y; echo "<$x><$y>"; }
t end of file
printf '' | { read -r x; rc; echo "<$x>"; }
printf 'no newline' | { read -r x; rc; echo "<$x>"; }
t REPLY
echo 'to  reply' | { read -r; echo "<$REPLY>"; }
t -n
printf 'abcdef' | { read -r -n 3 x; echo "<$x>"; read -r y; echo "<$y>"; }
t -d
printf 'one;two;three' | { read -r -d ';' x; read -r -d ';' y; echo "$x $y"; }
t -u
echo fd3 >f; read -r -u 3 x 3<f; echo "$x"
t -t on ready data
echo ready | { until_true true; read -r -t 100 x; rc; echo "$x"; }
t -t expires
mkfifo q; sh -c 'exec 3<>q; read -r -t 1 x <&3; [ $? -ne 0 ] && echo expired'
t -t 0 at end of file
read -r -t 0 x </dev/null; rc
t prompts go only to a terminal
echo x | { read -r -p 'prompt> ' x; echo "$x"; } 2>&1
t IFS
echo a:b::c | { IFS=: read -r w x y z; echo "<$w><$x><$y><$z>"; }
echo 'a, b,c' | { IFS=', ' read -r x y z; echo "<$x><$y><$z>"; }
echo 'key=val=more' | { IFS='=' read -r k v; echo "<$k><$v>"; }
echo ' keep ' | { IFS= read -r x; echo "<$x>"; }
t one byte at a time, the rest is for others
printf 'first\nsecond\nthird\n' | { read -r x; cat; }
t file position after read
printf '1\n2\n3\n' >l; { read -r a; read -r b; cat; } <l
t loop
printf '1 a\n2 b\n' >l; while read -r n c; do echo "$c$n"; done <l
t loop keeps variables
n=0; while read -r x y; do n=$((n+x)); done <l; echo $n
t last line without newline
printf 'a\nb' | while read -r x || [ -n "$x" ]; do echo "<$x>"; done
t two files at once
printf '1\n2\n' >l1; printf 'x\ny\n' >l2
while read -r a <&3 && read -r b <&4; do echo $a$b; done 3<l1 4<l2
t long line
head -c 20000 /dev/zero | tr '\0' z >long; echo >>long; read -r x <long; echo ${#x}
t from a fifo
mkfifo ff; echo through >ff & read -r x <ff; echo "$x"; wait
t bad names and descriptors
sh -c 'echo x | read 1x' 2>&1; rc
sh -c 'read x <&7' 2>&1; rc
sh -c 'read -n x y </dev/null' 2>&1; rc
t read-only variable
sh -c 'readonly r; echo x | read r' 2>&1; rc
t nul bytes
printf 'a\0b\n' | { read -r x; echo ${#x}; }
