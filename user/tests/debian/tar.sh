# tar and gzip: a tree there and back.
. "$SUITE/lib.sh"

mkdir -p s/{deep/er/est,empty}; cp -r /usr/include/asm-generic s/headers; for i in $(seq 1 300); do echo "file $i" >s/deep/f$i; done; seq 1 100000 >s/big; truncate -s 3M s/hole; printf end >>s/hole; ln s/big s/hard; ln -s ../big s/deep/link; mkfifo s/fifo; chmod 4755 s/deep/f1; chmod 500 s/empty; touch "s/odd name" s/$'new\nline'; find s -exec touch -h -d '2010-01-02 03:04:05' {} +
look() { find "$1" -printf '%P %y %m %s %n %l %T@\n' | sed 's/^\(.* \?d [0-9]*\) [0-9]*/\1/' | sort; }
t through gzip and back
tar czf a.tar.gz --sort=name s; rc; mkdir x; tar xpzf a.tar.gz -C x; rc; diff -r --no-dereference s x/s 2>&1 | grep -v fifo; look s >l1; look x/s >l2; wc -l <l1; diff l1 l2; md5sum l1; tar dzf a.tar.gz; rc
t by pipes
tar cf - s | gzip -9 | gunzip | (mkdir y; tar xpf - -C y); look y/s | diff l1 - ; rc
t fractions of seconds
touch -d '2010-01-02 03:04:05.678901234' s/big; tar cf p.tar --format=posix s/big; tar xf p.tar -C x; stat -c %y x/s/big; touch -d '2010-01-02 03:04:05' s/big
t sparse
tar cSf sp.tar s/hole; (( $(stat -c %s sp.tar) < 100000 )); rc; tar xSf sp.tar -C x; cmp s/hole x/s/hole; rc
t listing
tar tzf a.tar.gz | wc -l; tar tvzf a.tar.gz s/big s/deep/f1 s/deep/link; tar czf - --sort=name --owner=0 --group=0 --mtime=@0 s | gunzip | md5sum
t update, delete, exclude, transform
tar cf u.tar --exclude='f*' s; tar tf u.tar | wc -l; echo more >s/new; tar rf u.tar s/new; tar tf u.tar | tail -n 1; tar --delete -f u.tar s/new; tar tf u.tar | grep -c new; tar cf t.tar --transform 's,^s,other,' s/big; tar tf t.tar; tar --listed-incremental=snap -cf i1.tar s; touch s/later; tar --listed-incremental=snap -cf i2.tar s; tar tf i2.tar | grep -v '/$'
t gzip
seq 1 200000 >n; gzip -k n; gzip -l n.gz | awk 'NR == 2 { print $2 }'; gzip -t n.gz; rc; zcat n.gz | cmp - n; rc; gzip -1 <n | gzip -d | cmp - n; rc; rm n; gunzip n.gz; ls n*; printf damaged | gunzip; rc; gzip -c n | head -c 1000 | gunzip 2>&1 >/dev/null | tail -n 1; zgrep -c 99 <(gzip -c n)
t errors
tar xf missing.tar; rc; tar cf e.tar nothing; rc; head -c 5000 a.tar.gz >cut.gz; tar tzf cut.gz 2>&1 | tail -n 1; chmod 700 s/empty
