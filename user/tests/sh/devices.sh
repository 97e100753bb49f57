# needs: root
# Devices.
. "$SUITE/lib.sh"

t null
echo x >/dev/null; rc; cat /dev/null; rc; wc -c </dev/null; head -c 100000 /dev/zero >/dev/null; rc; echo x >>/dev/null; truncate -s 0 /dev/null 2>&1; cat </dev/null | od; test -c /dev/null; rc; dd if=/dev/zero of=/dev/null bs=1000 seek=5 count=2 2>&1 | head -n 2
t zero
head -c 8 /dev/zero | od -An -tx1; echo x >/dev/zero; rc; head -c 1000000 /dev/zero | md5sum; dd if=/dev/zero bs=7 count=3 skip=2 2>/dev/null | wc -c
t full
echo x >/dev/full; sh -c 'echo x >/dev/full' 2>&1; rc; head -c 4 /dev/full | od -An -tx1; cat f 2>/dev/null >/dev/full; rc; printf '' >/dev/full; rc; seq 1 100000 2>&1 >/dev/full; rc
t random
head -c 100 /dev/urandom | wc -c; head -c 100 /dev/random | wc -c; a=$(head -c 16 /dev/urandom | od -An -tx1); b=$(head -c 16 /dev/urandom | od -An -tx1); [ "$a" = "$b" ]; rc; head -c 100000 /dev/urandom | gzip -c | wc -c | awk '{ print ($1 > 99000) }'; echo seed >/dev/urandom; rc; head -c 5000 /dev/urandom | od -v -An -tu1 -w1 | sort -un | wc -l | awk '{ print ($1 > 250) }'
t tty without a terminal
sh -c 'echo x >/dev/tty' 2>&1; rc; tty; rc; [ -t 0 ]; rc; stty 2>&1; rc; ls -l /dev/tty | awk '{ print $5 $6 }'
t numbers and modes
for d in null zero full random urandom tty; do stat -c '%n %t %T %F' /dev/$d; done
t a made node is the device
mknod nn c 1 3; stat -c '%F %t,%T' nn; ls -l nn | awk '{ print $1, $5 $6 }'; mknod bb b 7 300 ; stat -c '%F %t,%T' bb; rm nn bb; mknod pp p; stat -c %F pp; mknod 2>&1 | head -n 1; mknod x c 2>&1 | head -n 1; mknod x q 1 2 2>&1 | head -n 1; mknod pp p 2>&1; rc; mknod -m 600 mm c 5 1; stat -c %a mm
t devices and directories in dev
ls -d /dev/.; [ -d /dev ]; rc; cat /dev/nothing 2>&1; rc; ls -l /dev/null | cut -c1-10; cat /dev 2>&1; rc; ls /dev/null/x 2>&1; rc
t seeking in devices
dd if=/dev/zero bs=1 skip=1000000 count=2 2>/dev/null | od -An -tx1; exec 3</dev/null; cat <&3; rc; exec 3<&-
