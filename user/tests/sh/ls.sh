# ls.
. "$SUITE/lib.sh"

touch a b .h 'sp ace'; echo 12345 >c; mkdir d .hd; echo x >d/in; ln -s a l; mkfifo p; ln c c2; chmod 755 a; mknod n p
touch -d '2001-02-03 04:05:06' a; touch -d '2003-02-03 04:05:06' b; touch -d '2002-02-03 04:05:06' c
touch -h -d '2000-01-01 00:00:00' l; touch -d '1999-12-31 23:59:59' d 'sp ace' p n .h .hd
t plain and one column
ls; ls -1
t hidden
ls -a; ls -A
t long
lsl; ls -l a b c | tr -s ' '; ls -l l | tr -s ' '
t times
ls -l --full-time a b c | tr -s ' '
t order
ls -t a b c; ls -tr a b c; ls -S a c; ls -Sr a c; ls -r a b c; ls -X a b; ls -v d a 2>&1
t directories
ls d; ls -d d; ls d a; ls -R; ls -d .; ls -ld d | cut -c1-10; ls d/ d/.
t marks
ls -F; ls -p
t numbers and sizes
ls -n c | tr -s ' ' | cut -d' ' -f1-5; ls -s d/in | wc -l; dd if=/dev/zero of=k bs=1024 count=3 2>/dev/null; ls -lh k | tr -s ' ' | cut -d' ' -f5; rm k
t columns
ls -C -w 40; ls -x -w 20
t colour never to a file
ls --color=never a; ls --color=always -d d | od -c | head -n 2
t links followed
ls -L l; ls -lL l | cut -c1-10; ls -H l; ln -s d ld; ls ld; ls -l ld | wc -l; ls -l ld/ | tail -n +2 | tr -s ' ' | cut -d' ' -f5,9
t several with errors
ls a missing d 2>&1; rc
t quoting of odd names
touch 'n
l' "$(printf 't\001b')"; ls -1 | od -c | tail -n 4
t inode agreement
[ "$(ls -i c | awk '{print $1}')" = "$(ls -i c2 | awk '{print $1}')" ]; rc
t empty directory
mkdir e; ls e; ls -la e | tail -n +2 | wc -l; ls -A e; rc
t devices
ls -l /dev/null /dev/zero /dev/full /dev/random /dev/urandom | awk '{ print $1, $5 $6, $NF }'
ls -L /dev/null
t too many arguments for one line
seq 1 300 | sed 's/^/m/' | xargs touch; ls m* | wc -l; ls | sort -c; rc
