# Redirections of files and descriptors.
. "$SUITE/lib.sh"

t output, append, input
echo one >f; echo two >>f; cat <f
t truncate by redirection alone
>f; wc -c <f
: >g; ls g
t stderr
ls nothing-here 2>err; rc; cat err
t both, order matters
{ echo out; echo err >&2; } >both 2>&1; cat both
{ echo out; echo err >&2; } 2>&1 >onlyout | sed 's/^/pipe: /'; cat onlyout
t digits are descriptors only next to the arrow
echo 2>two; cat two; echo 2 >two; cat two
t read and write
printf 'abcdef' >rw; exec 5<>rw; printf 'XY' >&5; cat <&5; echo; exec 5>&-; cat rw; echo
t append keeps both writers
: >a; (echo 1 >>a); (echo 2 >>a); echo 3 >>a; cat a
t append at end although another truncated
exec 4>>ap; echo long line >&4; : >ap; echo short >&4; exec 4>&-; cat ap
t shared offset of a duplicate
exec 4>dup 5>&4; echo four >&4; echo five >&5; exec 4>&- 5>&-; cat dup
t separate offsets of two opens
exec 4>sep 5>sep; printf AAAA >&4; printf BB >&5; exec 4>&- 5>&-; cat sep; echo
t offset shared with a child
printf '1\n2\n3\n' >lines
{ read -r a; sh -c 'read -r b; echo "child $b"'; read -r c; echo "$a $c"; } <lines
t closed descriptors
sh -c 'echo to nowhere' >&-; rc
sh -c 'cat' <&-; rc
echo x 3>&- ; rc
t bad descriptor
sh -c 'echo hi >&9'; rc
sh -c 'cat <&9'; rc
t missing file
cat <missing; rc
sh -c 'read x <missing; echo "after $?"'; rc
t a directory
echo x >.; rc
sh -c 'cat <.'; rc
t path through a file
echo x >f/x; rc
t noclobber
set -C; echo 1 >nc; echo 2 >nc; rc; echo 3 >|nc; cat nc; echo 4 >>nc; cat nc; set +C
t redirection of compound commands
for i in 1 2; do echo $i; done >loop; cat loop
while read -r l; do echo "got $l"; done <loop
if true; then echo yes; fi >iff; cat iff
case x in x) echo case;; esac >cs; cat cs
t redirection of a function
f() { echo in f; echo err >&2; }
f >ff 2>&1; cat ff
t name from an expansion
n=named; echo x >"$n.txt"; cat named.txt
echo y >"with space"; cat "with space"
t no splitting of the name
n='a b'; echo z >$n; ls 'a b'
t assignment with redirection only
v=1 >empty; rc; echo "v=$v"
t dash as name
echo dash >-; cat ./-
t /dev/null
echo gone >/dev/null; cat /dev/null | wc -c
t writing to a read-only descriptor
sh -c 'echo x >&3' 3<f; rc
t many descriptors
exec 3>d3 4>d4 5>d5 6>d6 7>d7 8>d8 9>d9
for i in 3 4 5 6 7 8 9; do eval "echo $i >&$i"; done
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
cat d3 d4 d5 d6 d7 d8 d9 | tr '\n' ' '; echo
