# The text of errors as applets print it.
. "$SUITE/lib.sh"

echo data >f; mkdir d full; : >full/x; mkfifo p
try() { "$@" 2>&1; rc; }
t ENOENT
for c in cat 'ls -d' rm rmdir 'chmod 644' 'head -n 1' 'tail -n 1' wc md5sum stat sort od 'cmp f' 'grep x' 'sed p' 'awk 1' 'readlink -f no/y/z' tac rev nl 'cut -c1' gzip gunzip 'cp f no/q' du find 'diff f' 'tar cf /dev/null' sha1sum xxd hexdump base64 uniq paste fold expand strings 'chown 0' 'chgrp 0' 'ar t' run-parts 'patch -i' less more unix2dos bzip2 zcat 'tar tf' 'cpio -t -F' unlink realpath 'stat -L' 'shuf' 'ed' 'uuencode' 'xz -d' 'crc32' 'readlink' 'sh' 'sha512sum' 'unexpand' 'which' 'tac' 'awk -f' 'sed -f' 'grep -f' 'link x' 'blockdev --getsz' 'fdisk -l'; do
	echo "-- $c"; $c missing </dev/null 2>&1 | head -n 2; done
try touch no/x; try mkdir no/x; try tee no/x </dev/null; try truncate -c -s 0 no/x; try dd if=no of=x; try dd if=f of=no/x; try cp f no/q; try cp no q; try mv f no/q; try mv no q; try ln no x; try ln f no/x; try sort -o no/x f; try mktemp no/XXXXXX; try sh -c 'cd no'; try sh -c 'echo >no/x'; try sh -c '<no'; try mkfifo no/p; try cmp f no; try sed -i p no
t ENOTDIR
for c in cat ls rm 'chmod 644' touch mkdir rmdir 'ln -s x' 'cp f' 'mkfifo' stat; do try $c f/x; done
sh -c 'cd f' 2>&1; rc
t EISDIR
try cat d; try sh -c 'echo x >d'; try rm d; try dd of=d if=f; try cp d x; try md5sum d; try sort d; try grep x d; try wc d; try head d; try cmp f d; try gzip d; try sed p d; try awk 1 d; try od d; try tee d; try truncate -s 0 d
t EEXIST
try mkdir d; try mkdir f; try mkfifo p; try ln f d/../p; try ln -s f p; try mknod p p; try mv -n f p; try cat f
t ENOTEMPTY
try rmdir full; try rm f/.; try rmdir .; try rmdir ..; try rm -r .; try rm -r ..
t EINVAL
try rmdir d/.; try mv d d/e; try readlink f; try dd if=f skip=x
t ENXIO and ENOTTY
try tty; try stty; try sh -c 'cat </dev/tty'; try sh -c 'echo >/dev/tty'
t ENOSPC
try sh -c 'echo x >/dev/full'; try cp f /dev/full; try dd if=/dev/zero of=/dev/full bs=1 count=1
echo x | try tee /dev/full; try sort -o /dev/full f
t ESPIPE
echo x | sh -c 'dd skip=1 bs=1 2>/dev/null'; echo x | tail -c +1
t ENOEXEC, EACCES of exec
chmod 644 f; try ./f; try ./d; try env ./f; try env d; try xargs ./f; try timeout 1 ./f; try setsid ./f; try chroot . ./f
t EBADF
try sh -c 'cat <&8'; try sh -c 'echo >&8'; try sh -c 'exec 9>&8; echo no'
t ELOOP
ln -s k k; try cat k; try ls k/; try mkdir k/x; try chmod 1 k; try rm k/; try rm k
t EXDEV
try ln f "$OTHER/q" | sed "s,$OTHER,OTHER,g"
t ESRCH and ECHILD
try kill 99999999; try kill -0 99999999; try wait 99999999; try renice 1 99999999
t EFBIG
(ulimit -f 1; trap '' XFSZ; dd if=/dev/zero of=big bs=1024 count=4 2>&1 | grep -v records | sed 's/ [0-9.]* seconds.*//'); wc -c <big
t usage
for a in cp mv ln mkdir rmdir chmod kill cut grep sed awk tr cmp dd mkfifo mknod basename dirname expr head sort; do
	echo "-- $a"; $a --no-such-option </dev/null 2>&1 | head -n 2; done
for a in cp mv ln mkdir rmdir chmod chown cut grep sed tr cmp mkfifo mknod basename expr sleep usleep timeout; do
	echo "-- $a"; $a </dev/null 2>&1 | head -n 2; done
t bad numbers
try head -n x f; try tail -n x f; try sleep x; try usleep x; try chmod 999 f; try chmod u+q f; try seq x; try seq 1 x; try dd bs=0; try dd count=-1; try truncate -s x f; try fold -w x f; try cut -c x f; try expand -t x f; try timeout x true; try kill -99 1; try sort -k 0 f; try date -d nonsense; try touch -d nonsense f; try mktemp noXs; try od -t z f; try printf '%d\n' x; try printf '%q' x; try test 1 -eq x; try expr 1 + x; try expr 1 / 0
