# sed.
. "$SUITE/lib.sh"

seq 1 10 >n; printf 'hello world\nfoo bar\nhello again\n' >f
t substitute
sed s/hello/bye/ f; sed s/o/0/g f; sed s/o/0/2 f; echo aaaa | sed s/a/b/2g; sed 's/HELLO/x/I' f; sed -n 's/foo/FOO/p' f; sed 's,/,|,g' <<X
a/b/c
X
t groups and ampersand
sed 's/\(hello\) \(.*\)/\2 \1/' f; sed 's/hello/[&]/' f; sed 's/o/\&/' f; echo ab | sed 's/\(a\)\(b\)/\2\1\0/'
t extended
sed -E 's/(h)(e)/\2\1/' f; sed -r 's/[aeiou]+/<&>/g' f; echo aab | sed -E 's/a{2}/X/'; echo abc | sed -E 's/a|c/-/g'
t addresses
sed -n 2p n; sed -n '2,4p' n; sed -n '$p' n; sed -n '/3/,/5/p' n; sed -n '/9/,$p' n; sed 3d n | head -n 3; sed '2,9d' n; sed -n '2,+2p' n; sed '/1/!d' n; sed -n '2!p' n | head -n 2; sed -n '0,/1/p' n; sed -n '5,2p' n
t several commands
sed -e 's/1/one/' -e 's/2/two/' n | head -n 2; sed 's/1/one/;s/2/two/' n | head -n 2; sed '/foo/{s/bar/baz/;s/foo/fu/}' f; sed -n '1{p;p}' f
t append, insert, change
sed '1a after' f; sed '1i before' f; sed '2c changed' f; sed '2a\
two\
lines' f; sed '$a last' f; sed '1,2c both' f
t delete, print, quit
sed 2q n; sed -n '3{p;q}' n; sed '/foo/d' f; sed -n '$!p' f
t next and hold
sed 'n;d' n; sed 'N;s/\n/-/' n; sed -n 'H;${x;s/\n/,/g;p}' n; sed 'G' f; sed -n '1!G;h;$p' f; sed 'x;p;x' f | head -n 4; sed '$!N;P;D' n | tail -n 2
t branches
sed ':a;s/^\(x*\)y/\1x/;ta' <<X
yyyz
X
sed ':a;N;$!ba;s/\n/+/g' n; sed '/foo/b;s/$/!/' f; sed 's/hello/x/;T;s/$/ T/' f 2>&1
t transliterate
sed 'y/abc/xyz/' <<X
aabbcc
X
sed 'y/lo/01/' f
t line number and files
sed -n '$=' n; sed = f | head -n 4; sed -n '$p' n f; sed 'r n' f | head -n 5; sed -n 'w out' f; cat out; sed 's/hello/X/w w2' f; cat w2
t in place
cp f i; sed -i s/hello/edited/ i; cat i; cp f i; sed -i.bak 2d i; cat i i.bak; cp f i1; cp f i2; sed -i 1d i1 i2; cat i1 i2; stat -c %a i1
t script file
printf 's/hello/from file/\n# comment\n/foo/d\n' >scr; sed -f scr f
t special characters
echo 'a.b*c' | sed 's/\./-/;s/\*/+/'; echo 'a/b' | sed 's/\//|/'; echo abc | sed 's/b/\n/'; echo 'a b' | sed 's/ /\t/' | od -c | head -n 1; printf 'x\ny\n' | sed 'N;s/\n/ /'; echo 'a[b' | sed 's/[[]/(/'; echo 'a]b' | sed 's/[]]/)/'; echo "it's" | sed "s/'/\"/"
t case conversion is not there
echo abc | sed 's/b/\U&/'
t empty expression is the last
echo abcabc | sed '/b/s//X/g'
t anchors and empty matches
echo abc | sed 's/^/>/;s/$/</'; echo abc | sed 's/x*/-/g'; echo hello | sed 's/l*/X/2'; echo '' | sed 's/^$/empty/'
t no newline at the end
printf 'a\nb' | sed 's/b/c/' | od -c; printf 'a' | sed p | od -c
t long line
head -c 20000 /dev/zero | tr '\0' a | sed 's/a/b/g' | wc -c
t errors
sed 2>&1 | head -n 1; sed 's/a' f 2>&1; rc; sed k f 2>&1; rc; sed p missing 2>&1; rc; sed '/a' f 2>&1; rc; sed 's/\(/x/' f 2>&1; rc; sed b5 f 2>&1; rc; sed 's/a/b/k' f 2>&1; rc; sed -n p missing f 2>&1; rc; sed '{p' f 2>&1; rc
t programs
printf 'one two\nthree four\n' | sed 's/\([^ ]*\) \([^ ]*\)/\2 \1/'
sed -n '/hello/{=;p}' f; echo 1234567 | sed ':a;s/\B[0-9]\{3\}\>/,&/;ta'; printf 'a\n\n\nb\n\nc\n' | sed '/./,/^$/!d'; sed '1!G;h;$!d' n | head -n 3
t many lines
seq 1 30000 | sed 's/7/seven/g' | md5sum; seq 1 5000 | sed -n '$!d;p'
