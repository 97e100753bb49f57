# Quoting and word splitting.
. "$SUITE/lib.sh"

args() { printf '%s:' "$#"; for a; do printf '<%s>' "$a"; done; echo; }
t single, double, backslash
args 'a b' "c d" e\ f 'it'\''s' "say \"hi\"" \\ "\\" '\'
t empty arguments
args '' "" a'' ''
t adjacent
args a'b'"c"d
t dollar in quotes
x='1  2'; args $x "$x" '$x' \$x "\$x" "$x"'$x'
t newline in quotes
args 'a
b' "c
d"
t line continuation
args a\
b "c\
d" 'e\
f'
t backslash in double quotes
args "\a\$\`\"\\\n"
t dollar-single
args $'a\tb\n' $'\x41\102' $'\'' $'\e' | od -c
t at and star
set -- 'a b' c ''
args $@; args "$@"; args $*; args "$*"; args "x$@y"; args "$@$@"
set --; args "$@"; args "$*"; args "x$@"
t star with IFS
set -- a b c; IFS=,; args "$*"; args $*; IFS=; args "$*"; unset IFS; args "$*"
t splitting only expansions
IFS=:; x=a:b; args $x a:b; unset IFS
t tilde
HOME=/home/x; args ~ ~/y '~' "~" a~ ~nouser; p=~/z; args $p; p=a:~/q; args $p
t backquotes
args `echo a b` "`echo a b`" `echo \`echo nested\``
t quotes inside substitution inside quotes
args "$(echo "a  b" 'c  d')" "$(printf '%s' "\"")"
t comment
args a#b # comment
args '#' \# #x
t semicolons and ampersands quoted
args 'a;b' "c&d" e\|f '(g)' '<h>'
t long word
w=0123456789; w=$w$w$w$w$w$w$w$w; w=$w$w$w$w$w$w$w$w; w=$w$w$w$w$w$w$w$w
args "$w$w" | wc -c
t bytes above 127
args 'äö' "$(printf '\377\200')" | od -An -tx1
t reserved words quoted
'if' 2>&1; rc
t unterminated
sh -c 'echo "abc' 2>&1; rc
sh -c "echo 'abc" 2>&1; rc
sh -c 'echo `abc' 2>&1; rc
sh -c 'echo $(abc' 2>&1; rc
sh -c 'if true; then' 2>&1; rc
sh -c 'fi' 2>&1; rc
sh -c 'echo ${x' 2>&1; rc
sh -c 'case x in' 2>&1; rc
sh -c ')' 2>&1; rc
sh -c '&& true' 2>&1; rc
