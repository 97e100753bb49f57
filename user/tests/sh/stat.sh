# stat, touch, date of files.
. "$SUITE/lib.sh"

echo 12345 >f; mkdir d; ln -s f l; mkfifo p; ln f h
t formats
stat -c '%n %s %a %A %F %h %U %G %u %g %f' f d l p | sed 's/^d [0-9]*/d SIZE/'; stat -L -c '%F' l; stat -c '%N' l f; stat -c '%t %T' /dev/null /dev/zero; stat -c '%F' /dev/null; stat -t f | cut -d' ' -f1,2,4-6; stat -c '%%%n' f; stat -c '%s
%s' f
t same inode, same file system
[ "$(stat -c %i f)" = "$(stat -c %i h)" ]; rc; [ "$(stat -c %d f)" = "$(stat -c %d d)" ]; rc; [ "$(stat -c %i f)" = "$(stat -c %i d)" ]; rc; [ "$(stat -c %d .)" = "$(stat -c %d "$OTHER")" ]; rc
t whole output
touch -d '2001-02-03 04:05:06' f; stat f | sed -e 's/Device.*Links/Links/' -e 's/Blocks: .*/Blocks/' | grep -v Change; stat missing 2>&1; rc; stat f missing 2>&1 | grep -c .
t file system
stat -f -c '%n' .; stat -f -c '%s' . >/dev/null; rc; stat -f missing 2>&1; rc
t touch
touch n; stat -c %s n; touch -c none; ls none 2>&1; for s in '2001-02-03 04:05:06' '1970-01-01 00:00:00' '2037-12-31 23:59:59' '2004-02-29 12:00:00' @1000000000 @0; do touch -d "$s" n; stat -c '%y %Y %x' n; done; touch -t 200102030405.06 n; stat -c %y n; touch -t 0102030405 n 2>&1; stat -c %y n | cut -c1-16; touch -r f n; stat -c %y n; touch -a -d '2010-10-10 10:10:10' n; stat -c '%x %y' n; touch -m -d '2011-11-11 11:11:11' n; stat -c '%x %y' n; touch -h -d '2002-02-02 02:02:02' l; stat -c %y l f; touch -d bad n 2>&1; rc; touch f n d p; rc
t writing moves the time on
touch -d '2001-01-01 00:00:00' w; r=$(stat -c %Y w); cat w; [ "$(stat -c %Y w)" = $r ]; rc; echo x >>w; [ "$(stat -c %Y w)" -gt $r ]; rc; touch -d '2001-01-01 00:00:00' w; chmod 600 w; [ "$(stat -c %Y w)" = $r ]; rc; mv w w2; [ "$(stat -c %Y w2)" = $r ]; rc; : >w2; [ "$(stat -c %Y w2)" -gt $r ]; rc; touch -d '2001-01-01 00:00:00' w2; cat w2 >/dev/null; : >>w2; [ "$(stat -c %Y w2)" = $r ]; rc
t the time of a directory moves with its entries
for c in ': >d/a' 'mv d/a d/b' 'ln d/b d/c' 'rm d/c' 'mkdir d/s' 'rmdir d/s' 'ln -s x d/y' 'mkfifo d/q'; do touch -d '2001-01-01 00:00:00' d; eval "$c"; [ "$(stat -c %Y d)" -gt 1000000000 ]; echo "$c $?"; done; touch -d '2001-01-01 00:00:00' d; echo x >>d/b; chmod 600 d/b; ls d >/dev/null; stat -c %Y d
t change time
c=$(stat -c %Z f); touch -d '2001-01-01 00:00:00' f; [ "$(stat -c %Z f)" -ge "$c" ]; rc; [ "$(stat -c %Z f)" -gt 1500000000 ]; rc
t newer by test
touch -d '2001-01-01' old; touch -d '2002-01-01' new; [ new -nt old ]; rc; [ old -nt new ]; rc; [ old -ot new ]; rc; [ new -nt missing ]; rc; [ f -ef h ]; rc; [ f -ef d ]; rc
t fractions of a second
touch -d '2001-02-03 04:05:06.5' f 2>&1; touch f h; [ f -nt h ]; rc
t date -r
touch -d '2003-04-05 06:07:08' f; date -r f '+%Y %j %H:%M:%S'; date -r missing 2>&1; rc
