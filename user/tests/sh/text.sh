# tr, cut, paste, fold, expand, head, tail, wc, tee, cat, strings, dos2unix.
. "$SUITE/lib.sh"

seq 1 20 >n; printf 'a:b:c\nd:e:f\nnone\n' >c; printf 'The quick brown fox\njumps over\tthe lazy dog\n' >f
t tr
tr a-z A-Z <f; tr -d aeiou <f; tr -s ' o' <f; tr -c 'a-z\n' _ <f; tr -cd 'a-z' <f; echo; tr '[:lower:]' '[:upper:]' <f; echo 'a\b' | tr '\\' /; printf 'a\0b' | tr '\0' x; echo; echo hello | tr el ip; echo abc | tr abc x; echo 'a-b' | tr - _; printf '\101\102' | tr '\101' z; echo; tr -d '[:space:]' <f; echo; echo aabbcc | tr -s a-c; echo abc | tr -ds b c; tr -dc '[:digit:]' <n; echo; echo 12 | tr 0-9 a-j; tr 2>&1 | head -n 1
t cut
cut -d: -f2 c; cut -d: -f1,3 c; cut -d: -f2- c; cut -d: -f-2 c; cut -d: -s -f1 c; cut -c1-3 f; cut -c5- f; cut -c1,3,5 f; cut -b2-4 f; cut -f2 f; cut -d' ' -f2 f; cut -d: -f3,1 c; cut -c f 2>&1; rc; cut -d:: -f1 c 2>&1 | head -n 1; cut -f1 -c1 c 2>&1 | head -n 1; cut -d: -f1 missing 2>&1; rc
t paste
paste n c | head -n 4; paste -d, n c | head -n 3; paste -s c; paste -s -d+ n; seq 1 6 | paste - - -; paste -d '\n' c c | head -n 2; paste missing 2>&1; rc
t head and tail
head -n 3 n; head -3 n; head -c 5 n; head -n -18 n; head -q -n 1 n c; head -n 1 n c; tail -n 2 n; tail -2 n; tail -n +19 n; tail -c 5 n; tail -c +48 n; tail -n 1 n c; tail -q -n 1 n c; head -n 0 n; tail -n 0 n; head -v -n 1 c; printf 'no nl' | tail -n 1; echo; seq 1 100000 | tail -n 3; seq 1 100000 | head -n 100000 | tail -n 1; head missing n 2>&1 | head -n 3; tail -n 1 missing 2>&1; rc
t tail -f
: >tf; tail -f tf >tfo & p=$!; echo one >>tf; until_true grep -q one tfo; echo two >>tf; until_true grep -q two tfo; kill $p; wait $p 2>/dev/null; cat tfo
t wc
wc n; wc -l n c; wc -w f; wc -c f; wc -m f; wc -L f; wc <n; printf 'no nl' | wc; printf '' | wc; wc missing n 2>&1; rc; printf 'a\0b c\n' | wc
t tee
echo x | tee t1 t2; cat t1 t2; echo y | tee -a t1; cat t1; echo z | tee no/t 2>&1; rc; seq 1 20000 | tee t3 t4 | md5sum; md5sum <t3; cmp t3 t4; rc; echo i | tee -i t5
t cat
cat c c; cat - <c; echo in | cat c - c | wc -l; cat -n c; cat -b c; printf 'a\tb\001\200\n' | cat -v; printf 'a\tb\n' | cat -t; printf 'a\tb\n' | cat -e; printf 'a\tb\n' | cat -A; cat missing c 2>&1 | head -n 2; cat c >>c2; cat c2 c2 >c3; wc -l c3; cat </dev/null; cat c -missing 2>&1 | head -n 1
t fold
fold -w 10 f; fold -s -w 12 f; fold -b -w 5 f | head -n 2; printf 'ab\tc\n' | fold -w 4; printf '%0200d\n' 0 | fold | awk '{ print length }'
t expand
expand f; expand -t 4 f; unexpand -a f 2>&1; printf 'a       b\n        c\n' | unexpand | od -c; printf '\ta\n' | expand -t 2; expand -i f | tail -n 1
t strings
printf 'ab\0longer text\001\002more printable\377x' | strings; strings -n 10 f; printf '\001abcdef\002' | strings -o; strings /bin/busybox | grep -c .
t dos2unix
printf 'a\nb\n' | unix2dos | od -c; printf 'a\r\nb\r\n' | dos2unix | od -c; printf 'x\r\n' >d; dos2unix d; od -c d; unix2dos d; od -c d
t seq
seq 3; seq 2 4; seq 1 3 10; seq 5 -2 1; seq -w 8 11; seq -s, 4; seq 1.5 3; seq 0.1 0.1 0.5; seq 3 1; seq -2 1 2>&1 | head -n 1; seq 1 0 1 2>&1 | head -n 2; seq 2>&1 | head -n 1
t yes
yes | head -n 2; yes a b | head -n 2; yes 123 | head -c 10 | od -c
t basename and dirname
for p in /usr/lib /usr/ usr / . .. a/b/ //x '' a//b; do echo "[$(basename "$p")] [$(dirname "$p")]"; done; basename a.txt .txt; basename .txt .txt; basename a/b.c .c; basename 2>&1 | head -n 1; dirname a b 2>&1 | head -n 2
t ts
printf 'x\n' | ts '%%' 2>&1; printf 'x\ny\n' | ts 'at' | cat
t more and less pass through
more c; less c; more <c; cat c | less
