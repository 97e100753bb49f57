# mv, rm, rmdir, unlink, mkdir.
. "$SUITE/lib.sh"

t mv basic
echo a >a; mv a b; cat b; ls a 2>&1; mkdir d; mv b d; cat d/b; mv d/b .; echo c >c; mv b c d; ls d; mv d e; ls e
t mv options
cd e; echo old >o; echo new >n; mv -n n o; cat o; mv -f n o; cat o; echo x >n; echo n | mv -i n o 2>&1; echo; cat o; echo y | mv -i n o 2>&1; echo; cat o
echo v >v; mv -v v w; mv -t . w 2>&1; mkdir q; mv -t q w; ls q; mv -T q q2; ls q2; cd ..
t mv of directories and links
mkdir -p s/t; ln -s t s/l; mv s/l s/m; readlink s/m; mv s/t s/u; ls s; mv s/u . ; ls -d u
t mv errors
mv missing x 2>&1; rc; mv e s e/o 2>&1; rc; mv e e/x 2>&1; rc; touch f; mv f s/m/y 2>&1; rc; mv 2>&1 | head -n 1; mv f f 2>&1; rc
t mv between directories keeps the times and modes
touch -d '2004-04-04 04:04:04' f; chmod 604 f; mv f s/f; stat -c '%a %y' s/f
t rm
touch 1 2 3; rm 1 2; ls 3; rm -f missing; rc; rm missing 3 2>&1; rc; ls 3 2>&1
t rm -r
mkdir -p r/a/b/c r/x; touch r/a/1 r/a/b/2; ln -s ../f r/a/l; mkfifo r/p; rm -r r; rc; ls r 2>&1
mkdir r; rm r 2>&1; rc; rm -rf r missing; rc
t rm interactive
touch i; echo n | rm -i i 2>&1; echo; ls i; echo y | rm -i i 2>&1; echo; ls i 2>&1
mkdir -p ir/s; touch ir/f; printf 'y\ny\ny\ny\n' | rm -ri ir 2>&1 | tr '?' '\n' | sort; ls ir 2>&1
t rm follows no links
mkdir keep; touch keep/me; ln -s keep lk; rm -r lk; ls keep; ln -s ../keep keep/up; rm -r keep/up; ls keep
t rm of odd names
touch -- -f '*' ' ' '?'; rm -- -f; rm '*'; rm ' ' '?'; rc; ls
t rm verbose
touch v1; mkdir v2; touch v2/x; rm -rv v1 v2 2>&1 | head -n 3
t rmdir
mkdir -p p/q/r; rmdir p 2>&1; rc; rmdir p/q/r p/q p; rc; mkdir -p p/q/r; rmdir -p p/q/r; rc; mkdir -p p/q; touch p/f; rmdir -p p/q 2>&1; rc; rmdir --ignore-fail-on-non-empty p; rc; ls p
t mkdir
mkdir m m/n; rc; mkdir m 2>&1; rc; mkdir -p m/n/o/p; mkdir -p m; rc; mkdir x/y 2>&1; rc; mkdir -m 700 z; stat -c %a z; mkdir -v vv; mkdir a1 m a2 2>&1; rc; ls -d a1 a2; mkdir -p f2/../f3 2>&1; ls
t unlink
touch u; unlink u; rc; ls u 2>&1; unlink 2>&1 | head -n 1; unlink m 2>&1; rc
t a directory tree of 200
i=0; while [ $i -lt 200 ]; do mkdir -p big/$((i%10))/$((i%7))/$i; : >big/$((i%10))/f$i; i=$((i+1)); done; find big | wc -l; rm -r big; rc; ls big 2>&1
