# Deep directories and long names.
. "$SUITE/lib.sh"

t a hundred levels
i=0; p=.; while [ $i -lt 100 ]; do p=$p/d$i; i=$((i+1)); done
mkdir -p $p; rc; echo bottom >$p/file; cat $p/file
find . | wc -l; find . -name file | md5sum
t walk down and up
here=$PWD; cd $p && basename "$PWD"; [ "$(pwd -P)" = "$PWD" ]; rc
i=0; while [ $i -lt 100 ]; do cd ..; i=$((i+1)); done; [ "$PWD" = "$here" ]; rc
t dot-dot on the way
cat $p/../d99/../../d98/d99/file
t moved as a whole
mv d0 e0; find . -name file | cut -c1-8; rm -r e0; ls; rc
t removed level by level
mkdir -p r/a/b/c; rmdir -p r/a/b/c; rc; ls
t deeper than PATH_MAX by steps
n=0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789
i=0; while [ $i -lt 45 ]; do mkdir $n; cd $n 2>/dev/null || break; i=$((i+1)); done; echo $i
ls | wc -l; echo far >f; cat f
sh -c "cd $n 2>/dev/null; pwd | wc -c; cd -P .; pwd | wc -c" 2>&1 | sed 's/0123456789//g'
while [ $i -gt 0 ]; do cd -P ..; rm -r $n || break; i=$((i-1)); done; echo $i
cd "$here"; ls
t longest name
l=$(printf '%0255d' 7); echo x >$l; rc; cat $l; ls | awk '{ print length }'; mv $l short; cat short; ln -s $l sl; readlink sl | wc -c; rm sl
mkdir $l; rc; touch $l/$l; ls $l | wc -c; rm -r $l; rc
t a name too long
m=$(printf '%0256d' 7)
sh -c "echo x >$m" 2>&1 | sed 's/00*7/NAME/'
touch $m 2>&1 | sed 's/00*7/NAME/'; mkdir $m 2>&1 | sed 's/00*7/NAME/'; cat $m 2>&1 | sed 's/00*7/NAME/'
ln -s x $m 2>&1 | sed 's/00*7/NAME/'; mv short $m 2>&1 | sed 's/00*7/NAME/'
t a path too long
pp=; i=0; while [ $i -lt 1024 ]; do pp=$pp./.; pp=$pp/; i=$((i+1)); done; echo ${#pp}
cat "${pp}short" 2>&1 | sed 's/[.\/]\{99,\}/PATH/'
q=$(echo $pp | cut -c1-4080); cat "${q}/short"
t many slashes
cat .//////short; cat "$here"////short; ls -d ./././.
t names with every printable byte
for c in '!' '"' '#' '$' '%' '&' "'" '(' ')' '*' + , - . : ';' '<' '=' '>' '?' @ '[' '\' ']' '^' _ '`' '{' '|' '}' '~' ' '; do
	printf '%s' "$c" >"x$c"; done; ls -1 x* | md5sum; cat x* | od -c | head -n 4; rm x*
t bytes that are not text
f=$(printf 'b\001\177\200\377n'); echo odd >"$f"; for i in b*; do printf '%s' "$i" | od -An -tx1; cat "$i"; done; rm "$f"
t newline in names
f='two
lines'; echo nl >"$f"; find . -name 'two*' -print0 | tr '\0\n' ' |'; echo; find . -name '*
*' -exec cat {} \;; rm "$f"
t leading dash
echo dash >-n; cat -- -n; rm -- -n; ls
t symlinks of long targets
tgt=$(printf '%01000d' 0); ln -s $tgt long; readlink long | wc -c; cat long 2>&1 | sed 's/00*/NAME/'
tgt=$(printf '%04096d' 0); ln -s $tgt longer 2>&1 | sed 's/00*/NAME/g'; ls -d longer 2>&1
t short and long symlinks around 60 bytes
for n in 1 59 60 61 100 1000; do s=$(printf "%0${n}d" 0); ln -s $s l$n; [ "$(readlink l$n)" = $s ]; rc; stat -c %s l$n; done
