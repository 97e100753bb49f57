# Functions.
. "$SUITE/lib.sh"

t call and arguments
f() { echo "f: $# $1 $*"; }
f; f a; f 'a b' c
t the caller keeps its arguments
set -- x y; f 1 2 3; echo "$*"
t return
r() { return $1; }
r 0; rc; r 5; rc; r 255; rc; r 256; rc
t return without value
g() { false; return; }
g; rc
t last status
h() { true; false; }
h; rc
t local
v=global; l() { local v=local; echo $v; m; }; m() { echo "m sees $v"; }; l; echo $v
l2() { local v; echo "${v-unset}"; v=x; }; l2; echo $v
t recursion
fact() { if [ $1 -le 1 ]; then echo 1; else echo $(( $1 * $(fact $(($1-1))) )); fi; }
fact 10
t deep recursion
deep() { [ $1 -eq 0 ] && { echo bottom; return; }; deep $(($1-1)); }
deep 500
t mutual recursion
ev() { [ $1 -eq 0 ] && return 0; od $(($1-1)); }
od() { [ $1 -eq 0 ] && return 1; ev $(($1-1)); }
ev 10; rc; ev 7; rc
unset -f od
t redefinition
f() { echo new; }; f
t function shadows an applet
ls() { echo "my ls $*"; }; ls a; command ls /dev/null; unset -f ls; ls /dev/null
t function keyword
function k { echo k; }; k
t function in a subshell
(sub() { echo sub; }; sub); sub 2>/dev/null; rc
t defined inside a function
outer() { inner() { echo inner; }; }; outer; inner
t body is another compound
c1() (x=inside; echo $x); x=outside; c1; echo $x
c2() for i in "$@"; do echo "c2 $i"; done; c2 p q
c3() if [ "$1" ]; then echo "c3 yes"; else echo "c3 no"; fi; c3 a; c3
t output captured
o=$(f; f); echo "$o"
t in a pipeline and background
f | cat; f & wait $! 2>/dev/null; rc
t exit in a function ends the shell
(e() { exit 4; }; e; echo unreachable); rc
t return at top of a subshell
(return 3); rc
t shift in a function
s() { while [ $# -gt 0 ]; do printf '%s ' "$1"; shift; done; echo; }; s 1 2 3
t dollar zero
z() { echo "$0"; }; [ "$(z)" = "$0" ]; rc
t break does not cross
b() { break; }; for i in 1 2; do b; echo "i=$i"; done
t many arguments
set --; i=0; while [ $i -lt 500 ]; do set -- "$@" $i; i=$((i+1)); done; n() { echo $# ${500}; }; n "$@"
t a trap set in a function
(tf() { trap 'echo bye' EXIT; }; tf; echo body)
t unset
unset -f f; f 2>&1; rc
t type
f() { :; }; type f; command -v f; command -V f
