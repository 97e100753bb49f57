# date, cal, sleep, usleep, time, timeout, uptime.
. "$SUITE/lib.sh"

t date of a moment
for s in 0 1 86399 86400 951782400 1000000000 1078012800 1709164800 2147483647 2147483648 4102444800; do date -u -d @$s '+%Y-%m-%d %H:%M:%S %a %b %j %U %w %y %e %s'; done
t formats
date -u -d @1000000000; date -u -d @1000000000 '+%A %B %C %D %F %I %k %l %p %R %T %h %n%t%% %u %V %W %Z %z %G %g'; date -u -R -d @1000000000; date -u -I -d @1000000000; date -u -Iseconds -d @1000000000; date -u -d @5 +%N 2>&1
t parsing
for s in '2001-02-03' '2001-02-03 04:05' '2001-02-03 04:05:06' '200102030405' '2001.02.03-04:05:06' '2001-13-01' 'x' '2000-02-30' '@-1'; do date -u -d "$s" '+%F %T' 2>&1; done; date -u -D '%d/%m/%Y' -d '03/02/2001' '+%F'; date -u -d '2001-02-03T04:05:06' '+%F %T' 2>&1
t zones
TZ=EST5EDT date -d @1000000000; TZ=CET-1CEST,M3.5.0,M10.5.0/3 date -d @1000000000; TZ=CET-1CEST,M3.5.0,M10.5.0/3 date -d @980000000; TZ=UTC date -d @0; TZ=IST-5:30 date -d @0 '+%F %T %z'; TZ=EST5EDT date -d '2001-07-04 12:00:00' +%s
t now runs
a=$(date +%s); b=$(date +%s); [ "$b" -ge "$a" ]; rc; [ "$a" -gt 1500000000 ]; rc; date -u '+%Y-%m-%d' | grep -c '^20[2-9][0-9]-[01][0-9]-[0-3][0-9]$'
t cal
cal 2 2000; cal 9 1752; cal -j 3 2024; cal 2023 | md5sum; cal 13 2000 2>&1; rc
t sleep
sleep 0; rc; usleep 0; rc; usleep 1000; rc; sleep 0.01; rc; sleep 0s 0m; rc; a=$(date +%s); sleep 1; b=$(date +%s); [ $((b - a)) -ge 1 ]; rc; sleep -1 2>&1 | head -n 1; sleep 1x 2>&1 | head -n 1
t time
time true 2>&1 | sed 's/[0-9.]\{1,\}s/Ns/; s/[0-9]*m/Nm/'; time sh -c 'exit 3' 2>/dev/null; rc; /apps/time -p true 2>&1 | sed 's/ [0-9.]*/ N/'; /apps/time -f '%C' true 2>&1; /apps/time -f '%x' sh -c 'exit 4' 2>&1 | tail -n 1; /apps/time missing 2>&1 | head -n 1; /apps/time -o tf true; grep -c . tf
t timeout
timeout 100 true; rc; timeout 100 sh -c 'exit 9'; rc; timeout 1 sleep 1000; rc; timeout -s KILL 1 sleep 1000; rc; timeout -s USR1 1 sh -c 'trap "echo usr1; exit 5" USR1; while :; do usleep 10000; done'; rc; timeout 100 missing 2>&1; rc; echo in | timeout 100 cat; timeout 0 true; rc; timeout 1m true; rc
t times
times | wc -l; sh -c 'times' | sed 's/[0-9.]*m[0-9.]*s/T/g'
t uptime and load
uptime | grep -c 'up .*load average: [0-9.]*, [0-9.]*, [0-9.]*$'; a=$(cut -d. -f1 /proc/uptime); [ "$a" -ge 0 ]; rc
t processor time is counted
until times >tm; read -r u s <tm; [ "$u$s" != 0m0.000s0m0.000s ]; do :; done; echo counted
t setting needs a good value
date -s nonsense 2>&1; rc
t watch and hwclock usage
watch 2>&1 | head -n 1
