# ed and scripted vi.
. "$SUITE/lib.sh"

seq 1 5 >n
t ed
printf '1p\n2,3p\n$p\n=\n.=\nq\n' | ed n; printf '2d\nw\nq\n' | ed n; cat n; printf 'a\nnew line\n.\nw out\nq\n' | ed n; cat out; printf '1i\nfirst\n.\n2c\nsecond\n.\nwq\n' | ed out; cat out; printf '/3/p\n1,$s/e/E/g\n,p\nw\nq\n' | ed out; printf '1,2m3\n,n\nQ\n' | ed out 2>&1; printf '1t.\n,p\nQ\n' | ed out 2>&1; printf 'x\nz\nq\nq\n' | ed out 2>&1; printf 'r n\n,p\nQ\n' | ed out; printf 'e n\n,l\nq\n' | ed 2>&1; printf '1,2j\n,p\nQ\n' | ed n 2>&1; ed missing </dev/null 2>&1; rc; printf 'f\nf x\nq\n' | ed n 2>&1; printf '9p\nq\n' | ed n 2>&1; printf 'g/1/p\nq\n' | ed n 2>&1

# vi asks the terminal for its size unless these say it.
export LINES=24 COLUMNS=80

# Commands without the escape key may be typed ahead.
v() { f=$1; shift; printf "$@" | vi "$f" >/dev/null 2>&1; rc; cat "$f"; }

# vi takes an escape for the start of a function key if more follows at once.
# So keys go in one by one: after an escape the screen must say that the editor
# is out of insert mode ("- NAME" in the last line) before the next is sent.
open_vi() { rm -f keys; mkfifo keys; : >screen; vi "$1" <keys >screen 2>&1 & vp=$!; exec 9>keys; name=$1; }
keys() { printf "$1" >&9; }
shown() { tail -c +$((at + 1)) screen | grep -q -e "$1 $name"; }
ins() { at=0; keys "$1"; until_true shown I; at=$(wc -c <screen); keys '\033'; until_true shown -; : >screen; }
end() { keys "$1"; exec 9>&-; wait $vp 2>/dev/null; rc; cat "$name"; }

t vi: insert and write
open_vi a; ins 'ihello'; end ':wq\n'
open_vi a; ins 'A world'; ins 'Ofirst'; ins 'jolast'; end ':x\n'
open_vi a; ins 'GoZZ end'; end 'ZZ'
open_vi a; ins 'inot kept'; end ':q!\n'
t vi: change
printf 'one two three\n' >c; open_vi c; ins 'cwONE'; end ':wq\n'; open_vi c; ins 'wcwT'; ins 'A.'; ins 'ccall new'; end ':wq\n'; open_vi c; ins '0s<'; ins 'A>'; end 'u:wq\n'
t vi: repeat and counts
printf 'aaaaaa\n' >h; open_vi h; ins 'ozz'; end '..:wq\n'; v h '1Gx..:wq\n'; v h '2x:wq\n'
t vi: delete, put, undo
seq 1 6 >b; v b 'dd:wq\n'; v b '2dd:wq\n'; v b 'ddp:wq\n'; v b 'yyPp:wq\n'; v b 'xxu:wq\n'; printf 'one two three\n' >c; v c 'wdw:wq\n'; v c '$x:wq\n'; v c '0rT:wq\n'; v c '0~:wq\n'; v c 'ywP:wq\n'; v c 'yyp1GJ:wq\n'; v c '0wD:wq\n'
t vi: motions
seq 1 30 >d; v d 'GdggG:wq\n' | tail -n 2; seq 1 30 >d; v d '10Gdd5jdd:wq\n' | md5sum; printf 'a (b) c\n' >e; v e 'fbx:wq\n'; v e '0tcx:wq\n'; printf 'if (x) { y }\n' >e; v e 'f(%%x:wq\n'; v e '$bx:wq\n'; v e '0ex:wq\n'
t vi: search and replace
seq 1 12 >g; v g '/5\ndd:wq\n' | head -n 5; v g ':%%s/1/X/g\n:wq\n'; v g ':2,3d\n:wq\n' | head -n 3; v g '/X\nndd:wq\n' | wc -l; v g ':$\nx:wq\n' | tail -n 1; v g ':s/x/y/\n:wq\n' | head -n 1
t vi: other files
printf 'r\n' >r; printf 'k\n' >k; v k ':r r\n:wq\n'; printf ':w k2\n:q!\n' | vi k >/dev/null 2>&1; cat k2; printf ':q\n' | vi -R k >/dev/null 2>&1; rc; vi -c ':s/k/z/' -c ':wq' k </dev/null >/dev/null 2>&1; cat k; vi -c ':q!' missing </dev/null >/dev/null 2>&1; ls missing 2>&1
t vi: the screen
vi -c ':q' k </dev/null | od -c | head -n 8
t vi: long lines and many lines
head -c 3000 /dev/zero | tr '\0' L >l; echo >>l; v l '$r!:wq\n' | md5sum; seq 1 3000 >m; v m 'G:1000,2000d\n:wq\n' | md5sum; v m ':%%s/0/zero/g\n:wq\n' | md5sum
