# dd, truncate, fallocate, shred, sparse files.
. "$SUITE/lib.sh"

d() { dd "$@" 2>&1 | sed 's/ copied.*//; s/(.*) *//'; }
seq 1 1000 >f
t copy
d if=f of=g; cmp f g; rc; d if=f of=g bs=100; cmp f g; rc; dd if=f 2>/dev/null | cmp - f; rc; dd <f >h 2>/dev/null; cmp f h; rc
t count, skip, seek
dd if=f bs=10 count=2 2>/dev/null; dd if=f bs=10 skip=2 count=1 2>/dev/null; printf 'xxxxxxxxxx' >s; printf AB | dd of=s bs=1 seek=3 conv=notrunc 2>/dev/null; cat s; echo; printf AB | dd of=s bs=1 seek=3 2>/dev/null; cat s; echo; dd if=f bs=1 skip=3888 2>/dev/null; d if=f of=/dev/null skip=100000; d if=f bs=10 count=0
t skip on a pipe
seq 1 1000 | dd bs=10 skip=3 count=1 2>/dev/null; seq 1 10 | d bs=5 skip=100
t seek past the end makes zeroes
printf E | dd of=sp bs=1000 seek=5 2>/dev/null; wc -c <sp; od sp; dd if=sp bs=1 skip=5000 2>/dev/null; echo
t block sizes
d if=f of=/dev/null bs=1k; d if=f of=/dev/null bs=1; d if=f of=/dev/null ibs=100 obs=1000; d if=/dev/zero of=/dev/null bs=64k count=10; d if=/dev/zero of=/dev/null bs=1M count=3; dd if=f bs=2x3 count=1 2>&1 | head -n 1; d if=/dev/zero of=/dev/null bs=1kB count=1
t conv
printf ab | dd bs=4 conv=sync 2>/dev/null | od -c; printf abcd | dd conv=swab 2>/dev/null; echo; d if=f of=g conv=fsync; d if=f of=g conv=noerror; echo up | dd conv=ucase 2>&1 | head -n 1; d if=f of=g conv=notrunc,fsync
t flags
seq 1 20000 | dd bs=50000 count=1 iflag=fullblock 2>/dev/null | wc -c; d if=f bs=1000 count=5 iflag=count_bytes of=/dev/null; dd if=f bs=1000 skip=10 iflag=skip_bytes count=1 2>/dev/null | head -n 2; printf Z >>ap; printf Y | dd of=ap oflag=append conv=notrunc 2>/dev/null; cat ap; echo; printf Q | dd of=sb bs=1k seek=2 oflag=seek_bytes 2>/dev/null; od -c sb
t status
dd if=f of=/dev/null status=none; dd if=f of=/dev/null status=noxfer; d if=f of=/dev/null
t errors
dd if=missing 2>&1; rc; dd if=f of=no/x 2>&1; rc; dd bs=0 2>&1; rc; dd nonsense 2>&1 | head -n 1; dd if=. of=x 2>&1 | head -n 1; dd if=/dev/zero of=/dev/full bs=10 count=1 2>&1 | head -n 1; dd count=x 2>&1; rc
t devices
d if=/dev/zero of=z bs=1000 count=3; od z; d if=/dev/null of=n; wc -c <n; dd if=/dev/urandom bs=100 count=1 2>/dev/null | wc -c; d if=f of=/dev/null bs=7
t truncate
truncate -s 10 t; wc -c <t; od -c t; echo abcdef >t; truncate -s 3 t; cat t; echo; truncate -s +2 t 2>&1; wc -c <t; truncate -c -s 5 nofile; ls nofile 2>&1; truncate -s 1K k; wc -c <k; truncate -s 0 k; wc -c <k; truncate k 2>&1 | head -n 1; truncate -s 20000000 huge; wc -c <huge; dd if=huge bs=1 skip=19999990 2>/dev/null | od -c; rm huge
t shrink and grow shows zeroes
seq 1 3000 >sh; truncate -s 5000 sh; truncate -s 9000 sh; dd if=sh bs=1000 skip=5 2>/dev/null | tr -d '\0' | wc -c; head -c 5000 sh | md5sum; seq 1 3000 | head -c 5000 | md5sum
t holes
printf A >hole; printf B | dd of=hole bs=1 seek=100000 conv=notrunc 2>/dev/null; printf C | dd of=hole bs=1 seek=50000 conv=notrunc 2>/dev/null; wc -c <hole; tr -d '\0' <hole; echo; md5sum <hole; dd if=/dev/zero of=hole bs=1000 seek=20 count=1 conv=notrunc 2>/dev/null; md5sum <hole
t past the double indirect blocks
printf X | dd of=far bs=1M seek=100 2>/dev/null; stat -c %s far; dd if=far bs=1M skip=100 2>/dev/null; echo; head -c 100 far | tr -d '\0' | wc -c; rm far
t shred
echo secret >se; shred se; wc -c <se; grep -c secret se; shred -u se; ls se 2>&1; shred -n 1 -z f; tr -d '\0' <f | wc -c
t random overwrites
dd if=/dev/zero of=ro bs=1000 count=50 2>/dev/null; i=0; x=7; while [ $i -lt 60 ]; do x=$(((x * 75 + 74) % 65537)); printf %05d $x | dd of=ro bs=1 seek=$((x % 49990)) conv=notrunc 2>/dev/null; i=$((i+1)); done; md5sum <ro; wc -c <ro
