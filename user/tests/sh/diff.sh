# diff, patch, cmp.
. "$SUITE/lib.sh"

seq 1 20 >a; sed -e '5s/.*/five/' -e 12d -e '18a inserted' a >b; cp a c; printf 'no nl' >n1; printf 'no nl\n' >n2
h() { sed 's/^\(---\|+++\) \([^	]*\)	.*/\1 \2/'; }
t diff
diff a c; rc; diff a b | h; rc; diff -u a b | h; diff -U 0 a b | h; diff -U1 a b | h; diff -q a b; rc; diff -q a c; rc; diff -s a c; diff n1 n2 | h; diff - a <a; rc; diff a - <c; rc; diff -L old -L new -u a b; diff -T a b | h | head -n 4
t diff ignoring
printf 'a b\n\nC\n' >w1; printf 'a  b\nc\n' >w2; diff w1 w2 | h; diff -b w1 w2 | h; diff -w w1 w2 | h; diff -i w1 w2 | h; diff -B w1 w2 | h; diff -biB w1 w2; rc
t diff directories
mkdir -p d1/s d2/s; echo x >d1/f; echo y >d2/f; echo only >d1/o; echo o2 >d2/p; echo same >d1/s/e; echo same >d2/s/e; diff -r d1 d2 | h; diff -rq d1 d2; rc; diff -rN d1 d2 | h; diff d1/f d2; rc; mkdir d2/o; diff -r d1 d2 2>&1 | h
t diff errors and binaries
diff a missing 2>&1; rc; diff missing a 2>&1; rc; diff 2>&1 | head -n 1; diff a d1/s 2>&1; rc; printf 'a\0b' >b1; printf 'a\0c' >b2; diff b1 b2; rc; diff -a b1 b2 | od -c | head -n 3
t diff of empty files
: >e1; : >e2; diff e1 e2; rc; diff e1 n2 | h; diff -u a e1 | h | head -n 4; diff -N missing n2 | h
t diff large
seq 1 5000 >l1; seq 1 5000 | sed '0,/2500/!s/99/xx/' >l2; diff l1 l2 | md5sum; diff l1 l2 | grep -c '^[0-9]'; seq 5000 -1 1 >l3; diff l1 l3 | wc -l
t patch
diff -u a b >p; cp a t; patch t <p; cmp t b; rc; patch -R t <p; cmp t a; rc; cp a b2f; patch -p0 --dry-run b2f <p 2>&1; cmp a b2f; rc; mkdir pd; cp a pd/file; diff -u a b | sed '1s,.*,--- x/file,;2s,.*,+++ y/file,' >p1; (cd pd; patch -p1 <../p1; cmp file ../b; rc); patch -i p a 2>&1; cp c a
t patch makes and removes files
printf -- '--- /dev/null\n+++ made\n@@ -0,0 +1,2 @@\n+one\n+two\n' | patch -p0; cat made; printf -- '--- made\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n' | patch -p0; ls made 2>&1
t patch that does not fit
seq 50 70 >u; patch u <p 2>&1; rc; ls u*; patch missing <p 2>&1 | head -n 2; echo garbage | patch a 2>&1; rc; sed 1,3d a >off; patch off <p 2>&1; rc; cp b again; patch again <p 2>&1; rc; patch -N again <p 2>&1; rc
t cmp
cmp a c; rc; cmp a b; rc; cmp -s a b; rc; cmp -l b1 b2; cmp n1 n2; rc; cmp a - <c; rc; cmp a missing 2>&1; rc; cmp -s a missing; rc; cmp e1 a 2>&1; rc; cmp a b 5 5 2>&1; rc; cmp -n 5 a b; rc; cmp /dev/zero /dev/null 2>&1; rc; cmp a d1 2>&1; rc
