# needs: root
# umask, chmod, mode bits.
. "$SUITE/lib.sh"

m() { stat -c '%a %A %F' "$@"; }
t umask
umask; umask -S; umask 027; umask; umask -S; umask u=rwx,g=rx,o=; umask; umask 022; umask 999 2>&1; rc; umask g+w; umask; umask 022
t umask applies
for u in 000 022 027 077 177 777; do (umask $u; : >f$u; mkdir d$u; mkfifo p$u; m f$u d$u p$u); done; rm -r f* d* p*
t octal
: >f; for a in 0 7 70 700 777 644 1777 2755 4755 7777 04711; do chmod $a f; m f; done
t symbolic
chmod 644 f; for a in u+x g+w o-r a+x u=rw,g=r,o= +x -x u+s g+s +t a= u=rwx g=u o=g u-s,g-s,-t ug+rw,o=r a-w,u+w =r u=rwX; do chmod $a f; printf '%s ' $a; stat -c '%a %A' f; done
t conditional X
chmod 644 f; chmod a+X f; m f; chmod u+x f; chmod a+X f; m f; mkdir d; chmod 600 d; chmod a+X d; m d
t symbolic honours umask
chmod 0 f; (umask 077; chmod +rwx f); m f; chmod 0 f; (umask 022; chmod +w f); m f
t recursive
mkdir -p r/s; : >r/a; : >r/s/b; chmod -R 750 r; find r | sort | xargs stat -c '%a %n'; chmod -R u=rwX,go= r; find r | sort | xargs stat -c '%a %n'
t verbose
chmod -v 600 f; chmod -c 600 f; chmod -c 644 f; chmod -f 644 missing; rc
t mkdir and mkfifo with a mode
mkdir -m 1777 dm; m dm; mkfifo -m 620 pm; m pm; (umask 077; mkdir -m 755 dm2; mkdir -p dp/dq; m dm2 dp dp/dq)
t set-group on a directory is inherited
mkdir sg; chmod 2775 sg; mkdir sg/sub; : >sg/file; m sg sg/sub sg/file
t mode survives rename, link and truncation
chmod 4751 f; mv f g; m g; ln g h; m h; : >g; m h
t write keeps, write of set-id as root keeps
chmod 644 g; echo x >>g; m g
t cp and its modes
chmod 4755 g; cp g c1; m c1; cp -p g c2; m c2; (umask 077; cp g c3; m c3); chmod 400 g; cp g c4; m c4; echo over >c4; cp c4 g; m g; cat g
t install of directories
mkdir -p i/j/k; m i/j/k
t test operators
chmod 7777 g; [ -u g ]; rc; [ -g g ]; rc; [ -k g ]; rc; chmod 0 g; [ -u g ]; rc; [ -x g ]; rc
chmod 100 g; [ -x g ]; rc; [ -r . ]; rc
t find by mode
find . -perm 100 | sort; find . -maxdepth 1 -perm -4000 | sort; find . -maxdepth 1 -type d -perm /007 | sort
t ls shows the bits
for a in 4755 4655 2755 2745 1777 1776 7777 7666 0; do chmod $a g; ls -l g | cut -c1-10; done
t sticky
mkdir st; chmod 1777 st; m st; : >st/x; rm st/x; rc
t tar keeps modes
chmod 4751 g; tar cf g.tar g; rm g; tar xf g.tar; m g; tar tvf g.tar | cut -c1-10
