# File name patterns.
. "$SUITE/lib.sh"

touch a b c ab abc .hid 'sp ace' 1 2 10 A B 'st*r' q-r
mkdir d d/e; touch d/x d/y d/e/z .hdir
t star
echo *
echo a* *c *b*
t question
echo ? ?? ???
t bracket
echo [ab] [a-c] [0-9] [!a-c] [^a-c]
echo [[:upper:]] [[:digit:]]* [[:alpha:]]
t hidden
echo .h* .[!.]*
t directories
echo */ d/* d/*/* */*
t no match stays
echo nothing* zz?
t quoted is literal
echo "*" '?' \* st\*r "st*"*
t in a variable
p='a*'; echo $p; echo "$p"
t words with spaces
for f in sp*; do echo "<$f>"; done
t in case
for w in apple banana cherry .dot ''; do
	case $w in
	a*) echo "a: $w" ;;
	?anana) echo "?: $w" ;;
	[c-d]*) echo "[]: $w" ;;
	'') echo empty ;;
	*) echo "other: $w" ;;
	esac
done
t set -f
set -f; echo * a?; set +f
t in assignments there is none
v=*; echo "$v"
t sorted by bytes
mkdir s; touch s/Z s/a s/_ s/0 s/z s/B s/-; echo s/*
t slash is not matched
echo d*z d/*z
t dot-dot
echo d/../a*
t of an unreadable or missing directory
echo missing/* missing/../a*
t names with newline and tab
touch 'n
l' 't	b'; for f in n* t*; do echo "[$f]"; done
t escaped bracket
touch ']' '[x]'; echo []]* \[x* [[]x]
t many
mkdir m; i=0; while [ $i -lt 300 ]; do : >m/f$i; i=$((i+1)); done
set -- m/*; echo $# $1 $300
set -- m/f?; echo "$*"
set -- m/f??; echo $#
t range
echo [a-b]* [!0-9]
t through a symlink
ln -s d ld; echo ld/* l*/x
t a dangling link is a name
ln -s nowhere dang; echo da*
