# md5sum, sha*sum, crc32, base64, uuencode, cmp of sums.
. "$SUITE/lib.sh"

printf 'abc' >abc; : >e; seq 1 10000 >s; head -c 1000000 /dev/zero >z
for c in md5sum sha1sum sha256sum sha512sum sha3sum crc32; do
	t $c
	$c abc e s z; $c <abc; echo x | $c; $c missing 2>&1; rc; $c abc missing 2>&1; rc
done
t check
md5sum abc s >m; md5sum -c m; rc; sha256sum abc e >h; sha256sum -c h; rc; echo y >>s; md5sum -c m 2>&1; rc; md5sum -s -c m; rc; md5sum -c missing 2>&1; rc; echo garbage | md5sum -c 2>&1; rc; md5sum -w -c m 2>&1 | tail -n 1
t at block edges
for n in 1 54 55 56 57 63 64 65 111 112 119 120 127 128 129; do head -c $n z | md5sum; head -c $n z | sha1sum; head -c $n z | sha256sum; head -c $n z | sha512sum | cut -c1-40; done | md5sum
t base64
base64 abc; base64 e; base64 -w 0 s | md5sum; base64 s | head -n 1; base64 s | base64 -d | cmp - s; rc; echo YWJj | base64 -d; echo; echo 'YW Jj' | base64 -d 2>&1; echo; echo '!!' | base64 -d 2>&1; rc; printf 'YQ==' | base64 -d; echo
t uuencode
uuencode abc name; uuencode -m abc name; uuencode abc name | uudecode -o out; cat out; echo; uuencode -m s n | uudecode -o -| cmp - s; rc; chmod 600 abc; uuencode abc made | uudecode; stat -c %a made; echo junk | uudecode 2>&1; rc; uuencode name <abc
t all of busybox itself
md5sum /bin/busybox | cut -c1-32 >a; cat /bin/busybox | md5sum | cut -c1-32 >b; dd if=/bin/busybox bs=511 2>/dev/null | md5sum | cut -c1-32 >c; cmp a b; rc; cmp a c; rc; cat a
t mkpasswd
mkpasswd -m md5 -S abcdefgh secret 2>&1; mkpasswd -m sha512 -S abcdefgh secret 2>&1; mkpasswd -m des -S ab secret 2>&1
