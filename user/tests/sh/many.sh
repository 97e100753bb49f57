# Many files.
. "$SUITE/lib.sh"

t a thousand files
mkdir m; i=0; while [ $i -lt 1000 ]; do echo $i >m/file-$i; i=$((i+1)); done
ls m | wc -l; ls m | md5sum; cat m/* | sort -n | md5sum; find m -type f | wc -l
t look-up of each
i=0; miss=0; while [ $i -lt 1000 ]; do [ -f m/file-$i ] || miss=$((miss+1)); i=$((i+1)); done; echo $miss
[ -e m/file-1000 ]; rc
t every third removed
i=0; while [ $i -lt 1000 ]; do rm m/file-$i; i=$((i+3)); done; ls m | wc -l; ls m | md5sum
t and made again under other names
i=0; while [ $i -lt 400 ]; do echo n$i >m/new-name-that-is-longer-$i; i=$((i+1)); done; ls m | wc -l; ls m | md5sum
t renamed
for f in m/new*; do mv $f m/r${f##*-}; done; ls m | md5sum; cat m/r399
t removed
rm m/file*; ls m | wc -l; rm -r m; ls; rc
t a hundred directories
mkdir d; i=0; while [ $i -lt 100 ]; do mkdir d/$i; i=$((i+1)); done; stat -c %h d; rmdir d/*; stat -c %h d; rmdir d; rc
t three hundred links to one file
echo one >l; i=0; while [ $i -lt 300 ]; do ln l l$i; i=$((i+1)); done; stat -c %h l; rm l??; stat -c %h l; rm l?*; stat -c %h l; cat l
t three hundred symlinks
i=0; while [ $i -lt 300 ]; do ln -s l s$i; i=$((i+1)); done; cat s* | wc -l; rm s*; ls
t made and removed in one loop
i=0; while [ $i -lt 200 ]; do : >tmp$i; rm tmp$i; i=$((i+1)); done; ls
t the same name again and again
i=0; while [ $i -lt 500 ]; do echo $i >same; i=$((i+1)); done; cat same
t two processes in one directory
mkdir c; (i=0; while [ $i -lt 200 ]; do : >c/a$i; i=$((i+1)); done) & (i=0; while [ $i -lt 200 ]; do : >c/b$i; i=$((i+1)); done) & wait
ls c | wc -l; ls c | md5sum
t two processes remove them
(rm c/a*) & (rm c/b*) & wait; ls c | wc -l
t many opens of one file
for i in 1 2 3 4 5 6 7 8 9 10; do (cat same >/dev/null) & done; wait; rc
t wide tree
for a in 1 2 3 4 5 6; do for b in 1 2 3 4 5 6; do mkdir -p w/$a/$b; for e in 1 2 3 4 5; do echo $a$b$e >w/$a/$b/$e; done; done; done
find w -type f | wc -l; find w -type d | wc -l; find w -type f | sort | xargs cat | md5sum
cp -r w w2; diff -r w w2; rc; rm -r w/3; find w | wc -l; diff -r w w2 | head -n 3; rm -r w w2; ls
t many small appends
i=0; while [ $i -lt 1000 ]; do echo "line $i" >>log; i=$((i+1)); done; wc log; md5sum <log
