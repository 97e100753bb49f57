# Pipes larger than the kernel's buffer.
. "$SUITE/lib.sh"

t one stage past 64 KiB
head -c 70000 /dev/zero | wc -c
head -c 65536 /dev/zero | wc -c
head -c 65537 /dev/zero | wc -c
t several MiB through several stages
dd if=/dev/zero bs=4096 count=1024 2>/dev/null | tr '\0' A | cat | tr A B | cat | md5sum
t numbers
seq 1 60000 | md5sum
seq 1 40000 | cat | cat | cat | cat | cat | md5sum
seq 1 20000 | rev | rev | tac | tac | md5sum
t sorted
seq 1 20000 | sort | md5sum
seq 1 20000 | sort -rn | tail -n 1
t compressed and back
seq 1 30000 | gzip -c | gunzip -c | md5sum
seq 1 8000 | bzip2 -c | bunzip2 -c | md5sum
t archive and back
seq 1 30000 >n; tar c n | tar t; tar c n | (mkdir x; cd x; tar x; md5sum n)
t coded and back
seq 1 20000 | base64 | base64 -d | md5sum
seq 1 5000 | od -v -An -tx1 | tr -d ' \n' | wc -c
t small writes, large reads
i=0; while [ $i -lt 1500 ]; do echo $i; i=$((i+1)); done | dd bs=65536 iflag=fullblock 2>/dev/null | md5sum
t large writes, small reads
dd if=/dev/zero bs=1048576 count=1 2>/dev/null | dd bs=512 2>/dev/null | wc -c
t one writer, slow reader
seq 1 20000 | { read -r x; usleep 50000; read -r y; echo $x $y; cat | tail -n 1; }
t two writers into one pipe
{ yes a | head -c 100001 & yes b | head -c 200001 & wait; } | tee both | tr -cd a | wc -c; tr -cd b <both | wc -c
t lines up to the page are not torn
{ for w in a b c d; do ( l=$(printf '%0200d' 0 | tr 0 $w); i=0; while [ $i -lt 50 ]; do echo $l; i=$((i+1)); done ) & done; wait; } |
	grep -c -E '^(a{200}|b{200}|c{200}|d{200})$'
t four stages at once, sums
seq 1 10000 | awk '{ s += $1; print } END { print "s", s >"/dev/stderr" }' 2>s | awk 'NR % 2' | awk '{ t += $1 } END { print t }'; cat s
t pipe of pipes
(seq 1 5000; (seq 5001 9000; seq 9001 10000) | cat) | (head -n 1; tail -n 1)
t background pipelines side by side
(seq 1 20000 | md5sum >m1) & (seq 1 20001 | md5sum >m2) & (seq 1 20002 | md5sum >m3) & wait; cat m1 m2 m3
t through a shell loop
seq 1 1000 | while read -r n; do echo $((n*2)); done | md5sum
t file to pipe to file
dd if=/dev/zero bs=1000 count=1000 2>/dev/null | tr '\0' x >big; cat big | cat >copy; cmp big copy; rc; wc -c <copy
