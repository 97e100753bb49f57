# needs: root
# ulimit.
. "$SUITE/lib.sh"

t reading
for o in c d e f l m n q r s t u v x; do ulimit -$o >/dev/null 2>&1; printf '%s%s ' $o $?; done; echo; ulimit -n; ulimit -c
t setting
(ulimit -n 100; ulimit -n; ulimit -S -n 50; ulimit -n; ulimit -H -n; ulimit -S -n 100; ulimit -n); ulimit -n; (ulimit -S -n 200; ulimit -S -n 300; rc; ulimit -n); ulimit -n x 2>&1; rc; ulimit -Z 2>&1 | head -n 1; (ulimit -c unlimited; ulimit -c) 2>&1 | sed 's/.*not permitted.*/no/' | tail -n 1 | grep -c .
t inherited
(ulimit -n 64; sh -c 'ulimit -n'); (ulimit -f 100; sh -c 'ulimit -f; sh -c "ulimit -f"')
t file size
(ulimit -f 2; head -c 5000 /dev/zero >big) 2>&1; rc; wc -c <big; (ulimit -f 2; trap '' XFSZ; sh -c 'head -c 5000 /dev/zero >big2' 2>&1); wc -c <big2; (ulimit -f 1; sh -c 'dd if=/dev/zero of=b3 bs=100 count=20 2>/dev/null'; echo $?) 2>&1; wc -c <b3; (ulimit -f 1; trap '' XFSZ; truncate -s 5000 tr 2>&1); (ulimit -f 0; : >empty; echo $?)
t open files
(ulimit -n 6; sh -c 'exec 3<big 4<big 5<big; echo three; exec 6<big; echo no') 2>&1; (ulimit -n 8; i=3; while [ $i -lt 20 ]; do eval "exec $i</dev/null" || break; i=$((i+1)); done) 2>&1 | sed 's/.*line [0-9]*: //'
t stack of a deep recursion
(ulimit -s 256; sh -c 'd() { [ $1 -eq 0 ] && { echo bottom; return; }; d $(($1-1)); }; d 100')
t processes of another user are limited apart from root
(ulimit -u 5; i=0; while [ $i -lt 10 ]; do true & i=$((i+1)); done; wait; echo done)
t address space
(ulimit -v 100000; sh -c 'echo runs'); (ulimit -v 20000; sh -c 'x=$(head -c 90000000 /dev/zero | tr "\0" x); echo no' 2>&1 | head -n 1 | sed 's/.*: //')
t processor time
(ulimit -t 1; sh -c 'while :; do :; done'; echo $?) 2>&1
