# tar, cpio, ar.
. "$SUITE/lib.sh"

mkdir -p s/a/b s/empty; echo one >s/1; echo two >s/a/2; head -c 5000 /dev/zero | tr '\0' z >s/a/b/big; : >s/zero; ln -s 1 s/l; ln s/1 s/hard; mkfifo s/p; chmod 750 s/a; chmod 4711 s/a/2; find s ! -type l -exec touch -d '2004-05-06 07:08:09' {} \;; touch -h -d '2004-05-06 07:08:09' s/l
t create, list, extract
tar cf a.tar s; tar tf a.tar | sort; mkdir x; tar xf a.tar -C x; diff -r s x/s 2>&1; rc; find x/s | sort | xargs stat -c '%a %F %n'; stat -c '%y' x/s/1 x/s/a/2; readlink x/s/l; [ x/s/1 -ef x/s/hard ]; rc; rm -r x
t verbose
tar cvf b.tar s/1 s/zero; tar tvf b.tar | tr -s ' '; tar xvf b.tar
t bytes of an archive are fixed
tar cf c.tar s/1 s/zero s/l s/empty; md5sum <c.tar; wc -c <c.tar; tar c s/1 | od -c | head -n 3
t through pipes
tar c s | tar t | wc -l; tar c s | (mkdir y; cd y; tar x); diff -r s y/s; rc; rm -r y; tar cf - s/1 | tar xOf - ; tar cf - s/1 | tar xf - -O
t members
tar xOf a.tar s/a/2; mkdir z; tar xf a.tar -C z s/a; find z | sort; tar xf a.tar missing 2>&1; rc; tar tf a.tar s/1; rm -r z
t strip
mkdir st; tar xf a.tar -C st --strip-components 1; ls st; rm -r st
t compressed
tar czf f.tgz s; gunzip -c f.tgz | tar t | wc -l; tar tzf f.tgz | wc -l; tar xzf f.tgz -O s/1; tar cjf g.tbz s; tar tjf g.tbz | wc -l; tar tf f.tgz 2>&1 | wc -l; tar caf h.tar.gz s/1 2>&1; tar taf h.tar.gz
t append to what is there, keep and overwrite
echo changed >s/1; tar xf b.tar; cat s/1; echo changed >s/1; tar xkf b.tar 2>&1; cat s/1; tar xf b.tar
t long names
mkdir -p "$(printf 'd%050d/e%050d/f%050d' 0 0 0)"; l=$(printf 'd%050d/e%050d/f%050d/file' 0 0 0); echo long >$l; tar cf l.tar d0*; rm -r d0*; tar xf l.tar; cat $l; tar tf l.tar | tail -n 1 | wc -c
t odd names and empty archives
mkdir o; : >'o/sp ace'; : >"$(printf 'o/n\nl')"; tar cf o.tar o; tar tf o.tar | wc -l; head -c 1024 /dev/zero >none.tar; tar tf none.tar; rc
t fifo and devices
rm s/p; mkfifo s/p; tar cf p.tar s/p; rm s/p; tar xf p.tar; stat -c %F s/p
t errors
tar tf missing 2>&1; rc; echo junk >j; tar tf j 2>&1; rc; tar cf k.tar missing 2>&1; rc; head -c 700 a.tar >t.tar; tar tf t.tar 2>&1 | tail -n 1; tar 2>&1 | head -n 1; tar xf a.tar -C nowhere 2>&1; rc; tar cf x.tar 2>&1; rc
t cpio
cd s; find . | sort | cpio -o -H newc >../c.cpio 2>/dev/null; cd ..; cpio -t <c.cpio 2>/dev/null | sort; mkdir ci; cd ci; cpio -id <../c.cpio 2>&1; cd ..; diff -r s ci; rc; stat -c '%a %n' ci/a ci/a/2; readlink ci/l; mkdir cm; cd cm; cpio -idmv <../c.cpio 2>&1 | sort | head -n 3; stat -c %y 1; cd ..; echo s/1 | cpio -o -H newc 2>&1 >/dev/null; cpio -t <j 2>&1; rc; cpio -i '1' -F c.cpio 2>&1
t ar
printf '!<arch>\n%-16s%-12s%-6s%-6s%-8s%-10s`\nhello\n' m.txt 1000000000 0 0 100644 6 >t.a; ar t t.a; ar p t.a; ar tv t.a | tr -s ' '; ar x t.a; cat m.txt; ar t j 2>&1; rc
t large archive
mkdir m; seq 1 300 | while read -r i; do echo $i >m/$i; done; tar cf m.tar m; rm -r m; tar xf m.tar; cat m/* | sort -n | md5sum; ls m | wc -l
