# env, uname, id, which, mktemp, getopt, run-parts, du, chroot, hostname, misc.
. "$SUITE/lib.sh"

t env
env -i A=1 B= env; env -i env; env | sort | sed "s,^PWD=.*,PWD," | sed "s,^OTHER=.*,OTHER,"; A=x env -u A env | grep -c '^A='; env A=1 sh -c 'echo $A'; env missing 2>&1; rc; env -i /apps/pwd | sed "s,$PWD,.,"; env -0 -i X=1 2>&1 | tr '\0' '\n'; env false; rc; env - Y=2 env; env X=1 X=2 env | grep ^X
t uname
uname; uname -s; uname -m; uname -o; uname -s -m; uname -p; [ -n "$(uname -r)" ]; rc; [ -n "$(uname -v)" ]; rc; [ "$(uname -n)" = "$(hostname)" ]; rc; uname -a | awk '{ print $1, $NF }'; uname -r | grep -c '^[0-9]*\.[0-9]'; arch
t id
id; id -u; id -g; id -un; id -gn; id -G; id root; id 0 2>&1; id -u alice; whoami; groups; id nosuch 2>&1; rc
t pwd and cd
here=$PWD; cd /; pwd; cd - >/dev/null; [ "$PWD" = "$here" ]; rc; mkdir -p a/b; cd a/b; pwd | sed 's,.*/t/,,'; cd ../..; cd a//b/./..; basename "$PWD"; cd ..; cd missing 2>&1; rc; cd a b 2>&1; rc; HOME=$PWD/a; cd; basename "$PWD"; cd ..; HOME=/nowhere; cd 2>&1; rc; CDPATH=$PWD/a; cd b | sed 's,.*/t/,,'; cd "$CDPATH/.."; unset CDPATH; /apps/pwd | sed 's,.*/,,'; PWD=/wrong /apps/pwd | sed 's,.*/,,'; ln -s a sl; cd sl; pwd | sed 's,.*/,,'; pwd -P | sed 's,.*/,,'; /apps/pwd | sed 's,.*/,,'; cd ..; cd '' ; rc
t which
which ls; which ls cat; which nosuch; rc; which -a ls; PATH=$PWD which ls; rc; : >prog; chmod +x prog; PATH=$PWD:/apps which prog | sed "s,$PWD,.,"
t type and command
type ls cd if nosuch 2>&1; rc; command -v ls cd; command -v nosuch; rc; command -V cd; command ls -d a; alias xx='echo aliased'; alias xx; eval 'xx y'; unalias xx; eval 'xx y' 2>&1; rc; alias nosuch 2>&1; rc; hash; hash nosuch 2>&1; rc; builtin_() { :; }; type builtin_; PATH=/nowhere; ls -d a; cat /dev/null; rc; PATH=/apps
t mktemp
f=$(mktemp -p .); [ -f "$f" ]; rc; stat -c '%a %s' "$f"; d=$(mktemp -d ./dir.XXXXXX); stat -c '%a %F' "$d"; mktemp x.XXXXXX | sed 's/\.[A-Za-z0-9]*/.R/'; mktemp no/x.XXXXXX 2>&1; rc; mktemp -u u.XXXXXX | sed 's/\.[A-Za-z0-9]*/.R/'; TMPDIR=$PWD mktemp -t z.XXXXXX | sed 's,.*/,,; s/\..*/.R/'; for i in 1 2 3 4 5; do mktemp m.XXXXXX; done | sort -u | wc -l
t getopt
getopt ab:c -- -a -b val rest; getopt -o ab: -l long,arg: -- --long --arg=x -a file; getopt -o a -- -z 2>&1; rc; getopt -q -o a -- -z; rc; getopt -T; rc; getopt -o a -- 'two words' "it's"; getopt -n name -o a -- -b 2>&1; getopt -u -o a -- -a x; eval set -- "$(getopt -o x: -- -x 'a b' c)"; echo $# "$2"
t run-parts
mkdir rp; for i in 10-b 05-a 20_c bad.name; do printf '#!/bin/sh\necho "ran %s $*"\n' $i >rp/$i; chmod +x rp/$i; done; : >rp/99-noexec; run-parts rp; rc; run-parts --test rp; run-parts -a x rp; printf '#!/bin/sh\nexit 3\n' >rp/07-f; chmod +x rp/07-f; run-parts rp 2>&1; rc; run-parts nosuch 2>&1; rc; run-parts --reverse rp 2>&1; rc
t du
mkdir -p du/s; head -c 4096 /dev/zero | tr '\0' x >du/f; du -a du | cut -f2 | sort; du -s du | cut -f2; du du | cut -f2 | sort; [ "$(du -k du/f | cut -f1)" -ge 4 ]; rc; du -s du missing 2>&1 | cut -f2; ln du/f du/g; [ "$(du -sk du | cut -f1)" -lt 100 ]; rc; du -h du/f | cut -f2; du -d 0 du | cut -f2; du -c du/f | tail -n 1 | cut -f2; : >e0; du -k e0
t chroot
mkdir -p cr/bin cr/d; cp /bin/busybox cr/bin/busybox; chroot cr /bin/busybox ls /; chroot cr /bin/busybox pwd; chroot cr /bin/busybox sh -c 'cd ..; pwd; ls /../d/..; cat /etc/passwd' 2>&1; chroot cr /missing 2>&1; rc; chroot nosuch true 2>&1; rc; echo x >outside; chroot cr /bin/busybox cat /../outside 2>&1; rc; ln -s /d cr/abs; chroot cr /bin/busybox readlink -f abs
t setsid
setsid sh -c 'exit 5'; rc; setsid missing 2>&1; rc; echo in | setsid cat
t sync, fsync, clear, ascii, hostid
sync; rc; clear | od -c | head -n 1; ascii 2>/dev/null | md5sum; sync f 2>&1; rc; arch
t link, unlink, readlink, realpath
echo l >l1; link l1 l2; stat -c %h l2; link l1 l2 2>&1; rc; unlink l2; readlink l1; rc; readlink -f l1 | sed "s,$PWD,.,"; readlink -f . | sed "s,$PWD,.,"; readlink -f no | sed "s,$PWD,.,"; readlink -f no/no; rc; realpath a/../l1 | sed "s,$PWD,.,"; realpath no 2>&1 | sed "s,$PWD,.,"; rc; realpath . / | sed "s,^$PWD,.,"; readlink -n sl; echo; readlink -v l1 2>&1; rc
t true and false
true x y; rc; false x; rc; /apps/true --help; rc; /apps/false; rc
t busybox itself
busybox | head -n 1; busybox --list | wc -l; busybox nosuch 2>&1; rc; busybox sh -c 'echo nested'; busybox echo a b; busybox --help | head -n 1; busybox --list | md5sum; ls --help 2>&1 | head -n 3; busybox true; rc
t fdisk and mkswap on a file
truncate -s 1000000 img; fdisk -l img 2>&1 | head -n 3; printf 'n\np\n1\n1\n\nw\n' | fdisk img >/dev/null 2>&1; rc; od -An -tx1 -j 510 -N 2 img; mkswap img 2>&1 | head -n 1 | sed 's/UUID.*//'; od -An -c -j 4086 -N 10 img
