# Symbolic links.
. "$SUITE/lib.sh"

mkdir d d/e; echo data >f; echo inner >d/e/g
t make and follow
ln -s f l; cat l; readlink l; lsl l; stat -c '%F %s' l; stat -L -c '%F %s' l
t to a directory
ln -s d dl; cat dl/e/g; ls dl; ls -d dl; lsl -d dl dl/
t chain
ln -s l l2; ln -s l2 l3; cat l3; readlink l3; readlink -f l3 | sed "s,$PWD,.,"; realpath l3 | sed "s,$PWD,.,"
t relative to where it lies
ln -s ../f d/up; cat d/up; ln -s e/g d/in; cat dl/in; ln -s ../../d/e/g d/e/far; cat d/e/far
t absolute
ln -s "$PWD/f" abs; cat abs
t dangling
ln -s nowhere dang; cat dang 2>&1; ls -d dang; [ -e dang ]; rc; [ -L dang ]; rc; readlink dang; readlink -f dang | sed "s,$PWD,.,"; stat -L dang 2>&1; rc
t write through a dangling link makes the target
ln -s target tl; echo made >tl; cat target; rm tl target
ln -s missing/target tm; sh -c 'echo x >tm' 2>&1; rm tm
t loops
ln -s a b; ln -s b a; cat a 2>&1; rc; ls a/x 2>&1; [ -e a ]; rc; readlink -f a; rc
ln -s self self; cat self 2>&1; sh -c 'cd self' 2>&1; mkdir self/x 2>&1; sh -c 'echo x >self' 2>&1
stat -L self 2>&1; chmod 600 self 2>&1; touch self 2>&1; cp self x 2>&1; realpath self 2>&1; rc
t forty links are allowed, forty-one are not
echo end >c0; i=1; while [ $i -le 41 ]; do ln -s c$((i-1)) c$i; i=$((i+1)); done; cat c40; cat c41 2>&1; rm c*
t directory loop
ln -s . dot; cat dot/dot/dot/f; ln -s .. d/parent; cat d/parent/d/parent/f
t trailing slash
cat l/ 2>&1; ls -d dl/; ls dang/ 2>&1
t rm and mv act on the link
ln -s f r1; rm r1; cat f; ln -s d r2; rm r2; ls d; ln -s f m1; mv m1 m2; readlink m2; cat f; rm m2
rm dl/ 2>&1; ls -d dl 2>&1; ln -s d dl; rmdir dl 2>&1; ls -d dl
t existing name
ln -s x f 2>&1; rc; ln -s x d; readlink d/x; rm d/x; ln -sf f l; readlink l; ln -sfn e dl; readlink dl; ln -sfn d dl
t cd logical and physical
cd dl/e; basename "$PWD"; pwd | sed 's,.*/\(t/\),\1,'; pwd -P | sed 's,.*/\(t/\),\1,'; cd ..; basename "$PWD"; cd ..
cd -P dl; pwd | sed 's,.*/\(t/\),\1,'; cd ..
t copy
cp l copy; test -L copy; rc; cp -P l copy2; readlink copy2; cp -d dl copy3; readlink copy3; cp -a dl copy4; readlink copy4; rm d/parent dot; cp -rL d dcopy; ls -lR dcopy | cut -c1; rm -r dcopy; cp -a d dcopy; ls -R dcopy
t test operators
for i in f d l dl dang nothing; do printf '%s' $i; for o in e f d L h r s; do [ -$o $i ] && printf ' %s' $o; done; echo; done
t hard link to a symlink
ln -P l hl 2>/dev/null || ln l hl; test -L hl && readlink hl
t empty target
ln -s '' empty 2>&1; rc
t find
find . -type l | sort; find -L . -name g 2>/dev/null | sort; find . -type l -exec readlink {} \; | sed "s,$PWD,.," | sort | uniq -c
t owner and mode of the link stay apart
chmod 600 l; stat -c %a f; stat -c %a l; chmod 644 f
t through a file
ln -s f/x bad; cat bad 2>&1; ln -s d/../f ok; cat ok
t exec through links
ln -s /bin/busybox sh2; ln -s sh2 busybox9; ./busybox9 echo ran
t touch through and not
touch -d '2001-02-03 04:05:06' l; stat -c %y f; touch -h -d '2002-02-03 04:05:06' l; stat -c %y l; stat -c %y f
