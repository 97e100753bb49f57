# find.
. "$SUITE/lib.sh"

mkdir -p a/b/c a/d .hid; echo 12345 >a/f1; echo 1 >a/b/f2.txt; : >a/b/c/empty; echo x >a/d/F3.TXT; ln -s f1 a/ln; mkfifo a/p; mkdir a/void; echo h >.hid/s; dd if=/dev/zero of=a/d/big bs=1024 count=10 2>/dev/null
touch -d '2001-01-01 00:00:00' a/f1; touch -d '2002-01-01 00:00:00' a/b/f2.txt; touch -d '2003-01-01 00:00:00' a/d/F3.TXT; chmod 755 a/f1; chmod 600 a/d/F3.TXT; ln a/f1 a/d/hard
s() { sort; }
t all
find | s; find a | s; find a/b a/d | s; find . -print | s
t name
find a -name f1; find a -name 'f*' | s; find a -iname 'f*.txt' | s; find . -name '.*' | s; find a -name '[F]*'; find a -name '?'|s
t path and regex
find a -path 'a/b/*' | s; find a -path '*/c/*'; find a -regex '.*/f[0-9].*' | s; find a -ipath 'A/B*' 2>&1 | s
t type
for k in f d l p; do echo $k; find a -type $k | s; done
t depth
find a -maxdepth 0; find a -maxdepth 1 | s; find a -mindepth 3 | s; find a -mindepth 1 -maxdepth 1 -type d | s
t size and empty
find a -type f -size -7c | s; find a -type f -size +5k; find a -size 6c -type f | s; find a -empty | s
t mode, links, same file
find a -perm 600; find a -type f -perm -111 | s; find a -type f -perm /111 | s; find a -type f -links 2 | s; find a -samefile a/f1 | s; find a -executable -type f | s; find a -inum "$(stat -c %i a/d/big)"
t newer
find a -type f -newer a/b/f2.txt | s; find a -newer a/f1 ! -newer a/d/F3.TXT -type f | s; find a -type f -mtime +365 | s; find a -type f -mtime -1 | s; find a -type f -mmin -1000 | s
t operators
find a -type f -a -name 'f*' | s; find a -name f1 -o -name empty | s; find a ! -type d ! -type f | s; find a \( -name b -o -name d \) -type d | s; find a -type f -not -name 'f*' | s
t prune
find a -name b -prune -o -type f -print | s
t exec
find a -name 'f*' -exec echo found {} \; | s; find a -type f -name 'f*' -exec cat {} \; | s; find a -type f -exec echo {} + | tr ' ' '\n' | s; find a -name f1 -exec sh -c 'echo "sh $1"' x {} \;
find a -type f -exec false \; -print; find a -name f1 -exec true \; -print; find a -name f1 -exec missing-cmd {} \; 2>&1; rc
t print0 and quit
find a -type f -print0 | tr '\0' '\n' | s; find a -name f1 -print -quit; find a/b/c -print -quit
t delete
cp -r a z; find z -name '*.txt' -exec rm {} \;; find z | s | head -n 4; find z -depth -type d -empty -exec rmdir {} \;; find z -type d | s; rm -r z
t depth first
find a/b/c -depth; find a -depth | s | md5sum
t follow
ln -s ../a/b .hid/lb; find .hid | s; find -L .hid | s; find -H .hid/lb | s
t user and group
find a -user root | wc -l; find a -group 0 | wc -l; find a -user 4711 | wc -l
t xdev
find . -xdev -name f1
t errors
find missing 2>&1; rc; find a missing -name f1 2>&1; rc; find a -nosuch 2>&1 | head -n 1; find a -name 2>&1 | head -n 1; find a -type q 2>&1 | head -n 1
t names with spaces and newlines
mkdir 'o d'; : >'o d/x y'; : >'o d/n
l'; find 'o d' -type f | s; find 'o d' -type f -exec printf '[%s]' {} \; | tr ']' '\n' | s
t with xargs
find a -type f -print0 | xargs -0 ls -1 | s; find a -name '*.t*' | xargs -n 1 basename
