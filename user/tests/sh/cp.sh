# cp.
. "$SUITE/lib.sh"

echo one >a; echo two >b; mkdir d; chmod 640 b; touch -d '2001-02-03 04:05:06' b
t file to file, to directory
cp a x; cat x; cp a b d; cat d/a d/b; cp b x; cat x; cp a d/new; cat d/new
t modes
cp b y; stat -c '%a' y; cp -p b z; stat -c '%a %y' z; cp a z; stat -c %a z
t errors
cp a missing/ 2>&1; rc; cp missing x 2>&1; rc; cp a b missing 2>&1; rc; cp a a 2>&1; rc; cp d x 2>&1; rc; cp d dd 2>&1; rc; cp a d d 2>&1; ls d
t recursive
mkdir -p t/u/v t/empty; echo 1 >t/1; echo 2 >t/u/2; echo 3 >t/u/v/3; ln -s 1 t/link; ln -s nowhere t/dang; mkfifo t/p; chmod 700 t/u; chmod 600 t/1
cp -r t r; find r | sort; readlink r/link; cat r/u/v/3; stat -c '%a %F' r/u r/1 r/p
t archive
touch -d '2005-05-05 05:05:05' t/1 t/u/v/3 t/u/v t/u; cp -a t s; find s | sort | xargs stat -c '%a %F %n'; stat -c '%y' s/1 s/u/v/3 s/u/v s/u
t into an existing directory
mkdir ex; cp -r t ex; ls ex; cp -r t/. ex; ls ex; cp -rT t ex2; ls ex2
t over existing
echo old >t2; cp -f a t2; cat t2; chmod 0 t2; cp a t2; rc; cp -n b t2; cat t2; cp -u b t2; cat t2
t links
cp -l a hard; stat -c %h a; rm hard; cp -s a soft; readlink soft; ln -s a sl; cp sl fol; [ -L fol ]; rc; cp -P sl nofol; readlink nofol; cp -d sl nofol2; readlink nofol2; cp -L sl fol2; cat fol2; cp -H sl fol3; cat fol3
t to a symlink
ln -s target ts; echo t >target; cp b ts; cat target; readlink ts; ln -s nowhere2 td; cp a td 2>&1; ls nowhere2 2>&1
t -t and -T
cp -t d a b; ls d; cp -T a d 2>&1; rc
t parents
cp --parents t/u/2 ex 2>&1; ls ex/t/u 2>&1
t verbose
cp -v a vv; cp -rv d vd | sort
t interactive, answer no and yes
echo n | cp -i a b 2>&1; cat b; echo y | cp -i a b 2>&1; echo; cat b
t binary
head -c 100000 /bin/busybox >bin1; cp bin1 bin2; cmp bin1 bin2; rc; cp /bin/busybox big; cmp /bin/busybox big; rc; md5sum <big | cmp - /dev/null >/dev/null 2>&1; rm big bin2
t empty and large
: >e; cp e e2; wc -c <e2; dd if=/dev/zero of=l bs=65536 count=32 2>/dev/null; cp l l2; cmp l l2; rc; wc -c <l2; rm l l2
t holes are zeroes
dd if=/dev/zero of=h bs=1 count=1 seek=500000 2>/dev/null; cp h h2; cmp h h2; rc; wc -c <h2
t from and to devices
cp /dev/null n; wc -c <n; cp a /dev/null; rc; cat /dev/zero | head -c 5 >z5; cp z5 /dev/stdout | od -An -tx1
t reading what is being written
cp -r t t/u/inside 2>&1 | sed 's/inside.*/inside/'; ls t/u | head -n 2
t many
mkdir m; seq 1 200 | while read -r i; do echo $i >m/$i; done; cp m/1 m/2 m2 2>&1; mkdir m2; cp m/* m2; ls m2 | wc -l; diff -r m m2; rc
