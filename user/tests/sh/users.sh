# needs: root
# Users, owners, permission checks.
. "$SUITE/lib.sh"

as() { u=$1; shift; su "$u" -s /bin/sh -c "PATH=/apps; $*" 2>&1; }
chmod 755 .
t who
id; id -u; id -g; id -un; id -gn; whoami; groups; id alice; id -G alice; id bob; id nosuch 2>&1; rc; groups alice
as alice id; as alice whoami; as bob id -Gn; as nobody id -u
t chown
: >f; chown alice f; stat -c '%U %G %u %g' f; chown bob:crew f; stat -c '%U %G' f; chown :alice f; stat -c '%U %G' f; chown 1234:5678 f; stat -c '%U %G %u %g' f; chown alice. f 2>&1; stat -c '%U %G' f; chgrp crew f; stat -c %G f
chown nosuch f 2>&1; rc; chgrp nosuch f 2>&1; rc
t recursive and links
mkdir -p r/s; : >r/s/x; ln -s x r/s/l; chown -R alice:crew r; find r | sort | xargs stat -c '%U %G %n'; chown -h bob r/s/l; stat -c %U r/s/l; stat -c %U r/s/x; chown -v bob r/s/x; rm -r r
t set-id bits fall on chown
: >g; chmod 6755 g; chown alice g; stat -c %a g; chmod 6745 g; chgrp crew g; stat -c %a g
t read, write, execute by owner, group, others
echo data >h; chown alice:crew h
for m in 000 400 040 004 600 060 006; do chmod $m h; printf '%s' $m; for u in alice bob nobody root; do r=-; w=-; as $u 'cat h >/dev/null' >/dev/null && r=r; as $u ': >>h' >/dev/null && w=w; printf ' %s:%s%s' $u $r $w; done; echo; done
printf '#!/bin/sh\necho ran\n' >x; chown alice:crew x
for m in 700 500 550 505 555 100 111 600 000; do chmod $m x; echo "$m alice: $(as alice ./x) bob: $(as bob ./x) nobody: $(as nobody ./x) root: $(sh -c ./x 2>&1)"; done
t errors as others see them
chmod 600 h; chown root h; as nobody 'cat h; echo y >h; rm -f h; mv h i; ln -s a b; mkdir m; chmod 777 h; chown nobody h; touch h; touch n; ls -l h | cut -c1-10; > z'
t directories: r lists, x passes
mkdir d; echo in >d/f; chown alice:alice d d/f
for m in 700 755 711 744 733 000; do chmod $m d; echo "-- $m"; as bob 'ls d; cat d/f; cd d && echo cd; ls d/f; [ -e d/f ] && echo exists; echo n >d/new && rm d/new'; done
t write without x
chmod 722 d; as bob 'echo q >d/q; rm d/f'
t removal belongs to the directory
chmod 777 d; chmod 400 d/f; as bob 'rm -f d/f; ls d'
t sticky directory
mkdir s; chmod 1777 s; as alice 'echo a >s/a; echo b >s/b; chmod 600 s/b'; as bob 'rm -f s/a; mv s/a s/c; rm -f s/b; echo own >s/o; mv s/o s/a; mv s/o s/p; ls s'; cat s/b
as alice 'rm s/a s/b; ls s'
t new files belong to their maker
chmod 777 .; as alice ': >mine; mkdir mydir; mkfifo myfifo; ln -s x mylink; stat -c "%U %G %n" mine mydir myfifo mylink'
as bob 'umask 027; : >bobs; stat -c "%a %U" bobs'
t group of a set-group directory
mkdir sg; chgrp crew sg; chmod 2777 sg; as alice ': >sg/f; mkdir sg/d; stat -c "%G %a %n" sg/f sg/d'
t an owner may change the mode, not the owner
as alice 'chmod 640 mine; stat -c %a mine; chown bob mine; chgrp crew mine; stat -c %G mine; chgrp root mine; touch mine'
as bob 'chmod 777 mine; touch mine; touch -d 2001-01-01 mine'
t touch by right of writing
chmod 666 mine; as bob 'touch mine && echo now; touch -d 2001-01-01 mine && echo then'
t kill
sleep 1000 & p=$!; as nobody "kill $p; kill -0 $p" | sed 's/pid [0-9]*/pid N/'; kill $p; wait $p 2>/dev/null; rc
as alice 'sleep 1000 & kill $!; wait $! 2>/dev/null; echo $?'
t mknod, chroot, mount are for root
as nobody 'mknod m b 1 1; chroot . true; mknod p p && echo fifo; hostname x'
t umask and mode of devices
mknod c c 1 3; stat -c '%F %t %T %a' c; mknod -m 600 b b 8 17; stat -c '%F %t %T %a' b; ls -l c b | tr -s ' ' | cut -d' ' -f1-6
t test operators as root and others
: >n; chmod 0 n; [ -r n ]; rc; [ -w n ]; rc; [ -x n ]; rc; as nobody '[ -r n ]; echo $?; [ -w n ]; echo $?'; as alice '[ -O mine ]; echo $?; [ -O n ]; echo $?; [ -G mine ]; echo $?'
t find by owner
find . -user alice | sort; find . -group crew | sort
t tar keeps owners for root
chown 1234:50 mine; tar cf o.tar mine; rm mine; tar xf o.tar; stat -c '%u %g' mine; as bob 'mkdir ub; cd ub; tar xf ../o.tar; stat -c "%U %G" mine'
t cp -p and owners
cp -p mine kept; stat -c '%u %g' kept; cp mine plain; stat -c '%u %g' plain; as bob 'cp -p mine bcopy 2>&1; stat -c %U bcopy'
t identity in proc
sh -c 'grep "^[UG]id" /proc/self/status'; as alice 'grep "^[UG]id" /proc/self/status; grep ^Groups /proc/self/status'
