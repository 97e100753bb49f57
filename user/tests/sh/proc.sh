# needs: root
# /proc, ps, pidof, killall, renice, top, free, uptime, mount. Of the masks of
# signals only the lower 28 are compared, and renice starts from 0 by way of the
# least: who runs the suite may hand down others that are ignored, or a nice
# value.
. "$SUITE/lib.sh"

t own numbers agree
sh -c '[ "$(readlink /proc/self)" != $$ ]; echo $?; read -r p r </proc/$$/stat; [ "$p" = $$ ]; echo $?'
sh -c 'exec readlink /proc/self' >a & wait $! 2>/dev/null; [ "$(cat a)" = $! ]; rc
t stat
sed 's/^[0-9]* (\([a-z]*\)) \([A-Z]\) .*/\1 \2/' /proc/self/stat; awk '{ print NF }' /proc/self/stat; sh -c 'read -r a b c d e f r </proc/$$/stat; [ $d = $PPID ]; echo $?'; awk '{ print ($4 > 0), ($5 > 0), ($6 > 0), $7, ($22 > 0), ($23 > 0), ($24 > 0) }' /proc/self/stat
t session and group of a setsid child
setsid sh -c 'read -r a b c d e f r </proc/$$/stat; [ $e = $$ ]; echo $?; [ $f = $$ ]; echo $?'
t names with spaces and brackets
cp /bin/busybox 'busybox (x) y'; './busybox (x) y' sleep 1000 & p=$!; until [ "$(readlink /proc/$p/exe)" = "$PWD/busybox (x) y" ]; do usleep 10000; done; until_true in_state $p S; sed 's/^[0-9]* (\(.*\)) .*/\1/' /proc/$p/stat; kill $p; wait $p 2>/dev/null
t status
for k in Name State PPid Uid Gid Threads; do grep "^$k:" /proc/self/status | sed '/^PPid/s/[0-9].*/N/'; done; sh -c 'exec grep "^Pid:" /proc/self/status' >s & wait $! 2>/dev/null; [ "$(cut -f2 s)" = $! ]; rc; grep -c '^Vm\(Size\|RSS\):.* kB$' /proc/self/status; grep '^Sig\(Blk\|Ign\|Cgt\):' /proc/self/status | sed 's/\t.*\(.......\)$/ \1/'
t command line, executable, directory, root
sh -c 'tr "\0" "|" </proc/$$/cmdline; echo' x y; readlink /proc/self/exe; readlink /proc/self/cwd | sed "s,$PWD,.,"; readlink /proc/self/root; ls -d /proc/self/cwd/. ; ls /proc/self/cwd/ | head -n 2; /bin/busybox cat /proc/self/cmdline | tr '\0' ' '; echo; (cd /; readlink /proc/self/cwd)
t descriptors
exec 5<a; ls -l /proc/$$/fd/5 | sed "s/.* -> //; s,$PWD,.,"; exec 5<&-; ls /proc/self/fd | head -n 3; ls /proc/$$/fd/5 2>&1 | sed 's/[0-9]\{2,\}/N/'
t states
sleep 1000 & p=$!; until_true in_state $p S; rc; kill -STOP $p; until_true in_state $p T; rc; kill -KILL $p; wait $p 2>/dev/null; ls /proc/$p 2>&1 | sed "s/$p/N/"; sh -c 'exec 3<>/dev/null; while :; do :; done' & p=$!; until_true in_state $p R; rc; kill -KILL $p; wait $p 2>/dev/null
t parent changes when the parent dies
sh -c 'sh -c "echo \$\$ >kid; exec sleep 1000" & until [ -s kid ]; do usleep 1000; done'; k=$(cat kid); until grep -q '^PPid:.1$' /proc/$k/status; do usleep 10000; done; echo adopted; kill $k
t listing
ls /proc 2>/dev/null | grep -c '^[0-9]'>n; [ "$(cat n)" -ge 2 ]; rc; [ -d /proc/1 ]; rc; [ -d /proc/$$ ]; rc; for f in cpuinfo meminfo mounts stat uptime loadavg version filesystems; do [ -r /proc/$f ] && echo $f; done; cat /proc/99999999/stat 2>&1; ls /proc/nothing 2>&1; echo x 2>/dev/null >/proc/new; rc; rm /proc/uptime 2>&1; mkdir /proc/x 2>&1 | sed 's/: [A-Z].*//'
t system files
grep -c '^processor' /proc/cpuinfo >c; [ "$(cat c)" -ge 1 ]; rc; [ "$(nproc)" -ge 1 ]; rc; grep -o '^MemTotal: *[0-9]* kB$\|^MemFree: *[0-9]* kB$\|^Buffers: *[0-9]* kB\|^Cached: *[0-9]* kB\|^SwapTotal: *[0-9]* kB\|^MemAvailable: *[0-9]* kB' /proc/meminfo | sed 's/ *[0-9]\{1,\} / N /'; awk '{ print NF, ($1 > 0), ($2 >= 0) }' /proc/uptime; awk '{ print NF, $4 ~ /^[0-9]+\/[0-9]+$/ }' /proc/loadavg; head -n 1 /proc/stat | cut -c1-5; grep -c '^cpu0 ' /proc/stat; grep '^\(ctxt\|btime\|processes\|procs_running\) ' /proc/stat | sed 's/ [0-9]*/ N/'; [ "$(awk '/^btime/ { print $2 }' /proc/stat)" -gt 1500000000 ]; rc; awk 'NF != 6 { print "bad", $0 }' /proc/mounts; awk '$2 == "/" || $2 == "/proc" { print $2 }' /proc/mounts | sort -u
t sizes of proc files are zero, their text is not
stat -c '%s %F' /proc/uptime /proc/self/stat; wc -c </proc/self/cmdline; head -c 3 /proc/self/stat | wc -c; dd if=/proc/self/cmdline bs=1 skip=3 2>/dev/null | tr '\0' ' '; echo
t ps
ps | head -n 1 | tr -s ' '; sleep 1234 & p=$!; until_true in_state $p S; ps | awk -v p=$p '$1 == p { $1 = "PID"; print $1, $2, $NF }'; ps -o pid,ppid,comm,args | awk -v p=$p -v m=$$ '$1 == p { print ($2 == m), $3, $4, $5 }'; ps -o user,group,pgid,stat,nice,tty 2>&1 | head -n 1 | tr -s ' '; ps -o nosuch 2>&1 | head -n 1; kill $p; wait $p 2>/dev/null; ps | awk -v p=$p '$1 == p' | wc -l
t ps shows a zombie
mkfifo die; sh -c 'sh -c "read x <die" & echo $! >z; exec awk "BEGIN { print >\"die\"; close(\"die\"); getline p <\"z\"; f = \"/proc/\" p \"/stat\"; do { s = \"\"; getline s <f; close(f); sub(/.*\\) /, \"\", s) } while (s !~ /^Z/); system(\"ps\") }"' >psz; awk -v p="$(cat z)" '$1 == p { print $(NF-1), $NF }' psz | sed 's/.*\(Z\)/\1/'
t pidof and killall
cp /bin/busybox busybox-k1; ./busybox-k1 sleep 1000 & p=$!; until [ "$(readlink /proc/$p/exe)" = "$PWD/busybox-k1" ]; do usleep 10000; done; until_true in_state $p S; [ "$(pidof busybox-k1)" = $p ]; rc; pidof no-such-name; rc; killall busybox-k1; rc; wait $p 2>/dev/null; rc; killall no-such-name 2>&1; rc; killall -q no-such-name; rc; killall -l | head -n 2; ./busybox-k1 sleep 1000 & p=$!; until [ "$(readlink /proc/$p/exe)" = "$PWD/busybox-k1" ]; do usleep 10000; done; killall -KILL busybox-k1; wait $p 2>/dev/null; rc
t renice
renice -n -40 $$; renice -n 20 $$; sleep 1000 & p=$!; renice -n 5 -p $p; rc; awk '{ print $19 }' /proc/$p/stat; renice -n 3 -p $p; awk '{ print $19 }' /proc/$p/stat; renice -n 100 $p; awk '{ print $19 }' /proc/$p/stat; renice -n -30 $p; awk '{ print $19 }' /proc/$p/stat; kill $p; wait $p 2>/dev/null; renice -n 7 $$; sh -c "awk '{ print \$19 }' /proc/\$\$/stat"; renice -n 0 99999999 2>&1; rc
t start-stop-daemon
cp /bin/busybox busybox-d; start-stop-daemon -S -b -m -p pidf -x "$PWD/busybox-d" -- sleep 1000; rc; until_true test -s pidf; p=$(cat pidf); until [ "$(readlink /proc/$p/exe)" = "$PWD/busybox-d" ]; do usleep 10000; done; start-stop-daemon -S -p pidf -x "$PWD/busybox-d" -- sleep 1 >/dev/null; rc; start-stop-daemon -K -p pidf -t >/dev/null; rc; start-stop-daemon -K -p pidf >/dev/null; rc; while [ -d /proc/$p ]; do usleep 10000; done; start-stop-daemon -K -p pidf 2>&1 | sed 's/process [0-9]*/process N/'
t free, top, mount, df, uptime run
free | awk '{ print $1, NF }' | head -n 2; top -b -n 1 | head -n 1 | sed 's/[0-9]\{1,\}K/N/g'; mount | awk '$3 == "/proc" { print $1, $2, $3, $4, $5 }'; df . | head -n 1; df . | awk 'NR == 2 { print NF, ($2 > 0), ($2 >= $3) }'; df -h . | head -n 1 | tr -s ' '; df -i . | head -n 1 | tr -s ' '; df missing 2>&1; rc; uptime | wc -l
