# sort, uniq, shuf, tac, rev, nl.
. "$SUITE/lib.sh"

printf 'pear 3\napple 10\nfig 2\napple 9\nBanana 1\ncherry 10\n' >f; printf '10\n9\n-3\n2.5\n1e2\nabc\n\n010\n' >n
t sort
sort f; sort -r f; sort -f f; sort -u f; sort -n n; sort -g n 2>&1; sort -nr n; sort -k 2 f; sort -k 2n f; sort -k 2,2nr -k 1,1 f; sort -k 1.2 f; sort -t ' ' -k 2 f; printf 'a:3\nb:1\n' | sort -t: -k2; sort -b -k2 f; sort -k1,1 -u f; sort -k 2n -s f; printf 'Mar\nJan\nFeb\n' | sort -M; printf 'v1.10\nv1.9\n' | sort -V 2>&1; sort -d f; sort -i f
t sort options
sort -c f 2>&1; rc; sort f | sort -c; rc; sort -o f2 f; cat f2; sort -o f2 f2; rc; printf 'b\0a\0' | sort -z | tr '\0' '\n'; sort f n | md5sum; sort - <n | head -n 1; sort -m f2 f2 | uniq -c; printf 'x\nX\nx\n' | sort -fu; sort /dev/null; printf 'no nl' | sort
t sort bytes
printf '\377\n\200\na\nA\n_\n' | sort | od -An -tx1
t sort large
seq 1 20000 | sort -r | md5sum; seq 20000 -1 1 | sort -n | md5sum; awk 'BEGIN { x = 1; for (i = 0; i < 10000; i++) { x = (x * 1103 + 12345) % 65536; print x } }' >r; sort -n r | md5sum; sort -nu r | wc -l; sort -n r | uniq | wc -l
t uniq
printf 'a\na\nb\na\nc\nc\nc\n' >u; uniq u; uniq -c u; uniq -d u; uniq -u u; printf 'A\na\n' | uniq -i; printf '1 x\n2 x\n' | uniq -f 1; printf 'ax\nbx\n' | uniq -s 1; printf 'abx\naby\n' | uniq -w 2; uniq u out; cat out; uniq -dc u; uniq missing 2>&1; rc; printf '' | uniq
t tac and rev
tac f; rev f; printf 'no nl' | tac | od -c | head -n 1; printf 'no nl' | rev; tac f n | head -n 2; tac missing 2>&1; rc; seq 1 5000 | tac | head -n 1
t nl
printf 'a\n\nb\n' | nl; printf 'a\n\nb\n' | nl -ba; printf 'a\nb\n' | nl -w 3 -s ': ' -v 5 -i 2; nl missing 2>&1; rc
t shuf
seq 1 100 | shuf | sort -n | md5sum; seq 1 100 | md5sum; shuf -i 1-10 | sort -n | tr '\n' ' '; echo; shuf -n 3 -i 1-100 | wc -l; shuf -e a b c | sort; shuf -n 0 f | wc -l; shuf missing 2>&1; rc
