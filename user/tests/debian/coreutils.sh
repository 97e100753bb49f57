# coreutils, findutils, diffutils, procps: a tree is made, looked at, changed.
. "$SUITE/lib.sh"

t a tree
mkdir -p tree/{a,b,c}/{x,y}; for d in tree/*/*; do for i in 1 2 3; do seq $i 100 >$d/f$i; done; done
ln -s ../a tree/b/link; ln tree/a/x/f1 tree/hard; mkfifo tree/fifo; chmod 640 tree/a/x/f2; touch -d '2001-02-03 04:05:06' tree/a/x/f3
find tree | sort | head -n 50; find tree -type f | xargs md5sum | sort | uniq -c -w 32 | sort -k3 | awk '{ print $1, $3 }'
t ls and stat
ls -1R tree/a; ls -l --time-style=+%F tree/a/x | tail -n +2 | awk '{ print $1, $2, $3, $4, $5, $7 }'; stat -c '%A %h %F %n' tree/* tree/b/link; stat -c %s tree/hard tree/b/link tree/fifo; stat -c %y tree/a/x/f3; du -a --apparent-size tree/a/x | awk '{ print $2 }' | sort
t cp, mv, rm
cp -a tree copy; diff -r tree/a copy/a; rc; stat -c '%a %y' copy/a/x/f2 copy/a/x/f3 | sed '1s/ .*//'; cp -r tree/a/x plain; cp --sparse=always -p tree/hard sparse; cmp tree/hard sparse; rc
mv copy/a moved; ls moved; mv -n plain/f1 plain/f2; ls plain; mv -b plain/f1 plain/f2; ls plain; rm -r copy; rm copy; rc; rm -d moved; rc
cp /dev/null empty; cp -l tree/hard l; stat -c %h l; cp -s "$PWD/tree/hard" s; readlink s | sed "s|$PWD|.|"; install -m 600 -D tree/hard new/dir/file; stat -c '%a %s' new/dir/file; ln -sfn tree s; readlink -f s | sed "s|$PWD|.|"; realpath --relative-to=tree new/dir
t text
seq 1 50000 | shuf --random-source=<(yes) | sort -n | md5sum; seq 1 50000 | sort -R --random-source=<(yes) | sort -r | head -n 2
printf 'b 2\na 1\nc 3\n' >p; sort p | join - <(printf 'a x\nb y\n'); cut -d' ' -f2 p; paste -sd, p; tac p; nl p; wc p; fold -w 2 p; expand -t4 <<<$'a\tb'; tr -dc '0-9\n' <p; head -c 3 p; tail -c +3 p; comm -12 <(sort p) <(printf 'a 1\nc 3\n'); uniq -c <<<$'x\nx\ny'
od -An -tx1 <<<hello; base64 <<<hello | base64 -d; md5sum p; sha256sum p; cksum p; b2sum p | cut -c1-20; split -l 1 p part.; ls part.*; csplit -s p /a/; cat xx01; factor 1234567891 600851475143; expr 6 \* 7; seq -s, 0 .5 2; numfmt --to=iec 1048576; date -u -d @0 +%FT%T; printf '%s\n' z | tee t1 >t2; cat t1 t2
t find
find tree -name 'f[12]' -path '*/x/*' | sort; find tree -newer tree/a/x/f3 -type d | sort | head -n 3; find tree -type f -size -290c -exec echo {} + | tr ' ' '\n' | sort | head -n 3; find tree -perm 640; find tree -links 2 -type f | sort; find tree -type l -printf '%p -> %l\n'; find tree -empty | sort; find tree -depth -type f -name f3 -delete; find tree -name f3 | wc -l; find -L tree -samefile tree/hard | sort
find tree -type f -print0 | sort -z | xargs -0 -n 4 -P 4 cat | wc -l; seq 1 20 | xargs -n 6 echo; echo 'a b' | xargs -I{} echo '<{}>'; xargs false </dev/null; rc; seq 3 | xargs -P3 -n1 sh -c 'exit $0'; rc
t disks and files
dd if=/dev/zero of=z bs=1k count=100 status=none; truncate -s 1M z; stat -c %s z; dd if=z bs=64k status=none | wc -c; fallocate -l 4096 fa; stat -c %s fa; sync z; shred -u -n1 fa; ls fa; rc; df -P . | awk 'NR == 1 { print NF }'; mktemp -d m.XXXXXX | wc -c; touch -r tree/a/x/f1 same; test same -nt tree/a/x/f1; rc; cp --reflink=auto z z2; cmp z z2; rc
t processes
timeout 0.2 sleep 5; rc; timeout -s INT 0.2 sleep 5; rc; timeout 5 true; rc; echo $(($(nice -n 5 nice) - $(nice))); nohup echo nohup 2>/dev/null; env A=1 printenv A; (sleep 10 & echo $! >pid; wait) & until [ -s pid ]; do sleep 0.01; done; kill -TERM "$(cat pid)"; wait; rc; nproc | grep -c '^[0-9]'; stdbuf -oL echo buffered; tty; rc; id -un; groups; whoami; arch; uname -s; pwd | sed 's|.*/||'; yes | head -n 100000 | wc -l
ps -o comm= -p $$; ps -eo pid= | grep -c "^ *$$\$"; pgrep -P $$ -x sleep; rc; sleep 50 & until pkill -P $$ -x sleep; do :; done; wait $! 2>/dev/null; rc; free | wc -l; uptime | grep -c load; cat /proc/$$/status | grep -c ^State; w >/dev/null; rc; vmstat | wc -l; pmap $$ | tail -n 1 | grep -c total; top -bn1 | grep -c ' top$'
t diff
diff -u p t1 | tail -n +3; diff3 p p t1; rc; cmp p t1; sdiff -w 20 p p; diff -rq tree/a tree/b | sort
