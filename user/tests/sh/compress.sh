# gzip, bzip2, xz, lzma, lzop, compress: gunzip, zcat and the like.
. "$SUITE/lib.sh"

seq 1 5000 >f; cp f g; head -c 50000 /bin/busybox >bin; : >e
t gzip
gzip g; ls g* ; gunzip g.gz; cmp f g; rc; gzip -c f | wc -c; gzip -c f | gunzip -c | cmp - f; rc; gzip -9 -c f | zcat | md5sum; gzip -1 -c f | gzip -dc | md5sum; gzip -k g; ls g g.gz; zcat g.gz | tail -n 1; gzip -t g.gz; rc; gunzip -t g.gz; rc; gunzip -k -f g.gz; cmp f g; rc
t gzip bytes
gzip -n -c f 2>&1 | head -c 3 | od -An -tx1; gzip -c <f | tail -c 8 | od -An -tx1
t gzip errors
gzip g.gz 2>&1; rc; gunzip f 2>&1; rc; gunzip missing.gz 2>&1; rc; echo junk >j.gz; gunzip j.gz 2>&1; rc; zcat j.gz 2>&1; rc; head -c 500 g.gz >t.gz; zcat t.gz 2>&1 >/dev/null; rc; gzip missing 2>&1; rc; gzip -c g.gz >h.gz; gzip -f h.gz 2>&1; cp f h; gzip -k h; gzip h 2>&1; rc; ls h*
t gzip of several, empty, binary, joined
cp f a; cp f b; gzip a b; ls a.gz b.gz; gunzip a.gz b.gz; cmp a b; rc; gzip -c e | gunzip -c | wc -c; gzip -c bin | gunzip -c | cmp - bin; rc; (echo one | gzip -c; echo two | gzip -c) | gunzip -c; zcat g.gz g.gz | wc -l
t modes are kept
chmod 640 b; touch -d '2001-02-03 04:05:06' b; gzip b; stat -c %a b.gz; gunzip b.gz; stat -c %a b
t damaged
gzip -c f >d.gz; printf 'X' | dd of=d.gz bs=1 seek=3000 conv=notrunc 2>/dev/null; zcat d.gz 2>&1 >/dev/null | tail -n 1; gunzip -t d.gz 2>/dev/null; rc
t bzip2
cp f z; bzip2 z; ls z*; bunzip2 z.bz2; cmp f z; rc; bzip2 -c f | md5sum; bzip2 -c f | bzcat | md5sum; bzip2 -9 -c bin | bunzip2 -c | cmp - bin; rc; bunzip2 f 2>&1; rc; echo junk >j.bz2; bunzip2 j.bz2 2>&1; rc; bzip2 -c e | bunzip2 | wc -c; bzip2 -c f | head -c 200 | bunzip2 2>&1 >/dev/null; rc
t xz and lzma
printf '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQALaGVsbG8gd29ybGQKADwMTKBxMDi9AAEkDKYYlIDUBBEfHbbzfQEAAAAABFla\n' | base64 -d >x.xz; xz -dc x.xz 2>&1; unxz -c x.xz 2>&1; xzcat x.xz 2>&1; echo junk >j.xz; unxz j.xz 2>&1; rc; echo junk >j.lzma; unlzma j.lzma 2>&1; rc; lzcat j.lzma 2>&1; rc; xz -dc missing 2>&1; rc
t lzop
cp f l; lzop -c l 2>/dev/null | lzop -dc 2>/dev/null | cmp - f; rc; lzop -c e | wc -c; echo junk >j.lzo; lzop -d j.lzo 2>&1; rc
t uncompress
printf '\037\235\220\141\304\214\001' >c.Z; uncompress -c c.Z 2>&1; zcat c.Z 2>&1; rc
t pipelines
cat f | gzip | bzip2 | bunzip2 | gunzip | md5sum; seq 1 100000 | gzip | zcat | tail -n 1; head -c 2000000 /dev/zero | gzip -c | wc -c; head -c 2000000 /dev/zero | gzip | gunzip | tr -d '\0' | wc -c
