# Here-documents and here-strings.
. "$SUITE/lib.sh"

v=value
t expanding
cat <<X
a $v $((1+2)) $(echo sub) \$v "q" 'q'
X
t quoted delimiter
cat <<'X'
a $v $((1+2)) $(echo sub) \$v
X
t half-quoted delimiter
cat <<"X Y"
$v
X Y
t tabs stripped
	cat <<-X
	one
		two
	X
t two on one line
cat <<A; cat <<B
first
A
second
B
t two descriptors
{ cat; cat <&3; } <<A 3<<B
zero
A
three
B
t in a loop
for i in 1 2; do cat <<X
i=$i
X
done
t in a function
f() {
	cat <<X
$1
X
}
f arg1; f arg2
t in a pipeline
cat <<X | tr a-z A-Z
upper
X
t as input of while
while read -r a b; do echo "$b-$a"; done <<X
1 one
2 two
X
t line continuation
cat <<X
long \
line
X
t nested in a substitution
echo "$(cat <<X
inner
X
)"
t empty
cat <<X
X
rc
t larger than a pipe holds
i=0; line=0123456789012345678901234567890123456789012345678901234567890
big=$line
while [ $i -lt 11 ]; do big="$big
$big"; i=$((i+1)); done
cat <<X | wc
$big
X
cat <<X | md5sum
$big
X
t the reader stops early
head -n 1 <<X
$big
X
t read from it
read -r first <<X
head tail
X
echo "$first"
t here-strings are not in this shell
sh -c 'cat <<<word' 2>&1; rc
t delimiter inside the text
cat <<END
 END
ENDS
END
t backslashes
cat <<X
a\\b \` \z
X
