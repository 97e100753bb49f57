# Command substitution.
. "$SUITE/lib.sh"

t basic
echo "$(echo a)" `echo b`
t trailing newlines go, inner stay
x=$(printf 'a\n\nb\n\n\n'); echo "<$x>"
x=$(printf '\n\n'); echo "<$x>"
t unquoted is split
set -- $(printf 'a b\nc\n'); echo $#
t status
x=$(exit 5); rc; x=$(true); rc; echo $(false); rc
x=$(false) y=$(true); rc; local_() { local z=$(false); rc; }; local_
t nesting
echo $(echo $(echo $(echo $(echo deep))))
echo "$(echo "$(echo "$(echo "q q")")")"
echo `echo \`echo \\\`echo back\\\`\``
t case and parentheses inside
echo $(case a in a) echo yes;; (b) echo no;; esac)
echo $( (echo sub) ; (echo sub2) )
t quotes and comments inside
echo "$(echo ')' "(" \) # comment )
)"
t here-document inside
echo $(cat <<X
a ) b
X
)
t many lines
x=$(seq 1 2000); echo "$x" | tail -n 1; echo ${#x}
t megabyte
x=$(dd if=/dev/zero bs=1024 count=1024 2>/dev/null | tr '\0' m); echo ${#x}
t nul bytes are dropped
printf 'a\0b' >nul; x=$(cat nul); echo ${#x}
t stderr passes
x=$(ls nope 2>&1); echo "got $x"
t builtins need no child
x=$(echo $((6*7))); echo $x
t variables set inside stay inside
v=1; x=$(v=2; echo $v); echo $v $x
t exit inside
x=$(echo before; exit 3; echo after); rc; echo "$x"
t input is inherited
printf 'l1\nl2\n' | { x=$(head -n 1 | cat); echo "$x"; }
t in loops
s=0; for i in 1 2 3 4 5 6 7 8 9 10; do s=$(expr $s + $i); done; echo $s
t in redirection, assignment, case
f=$(echo name); echo x >$(echo $f.out); cat name.out
case $(echo k) in k) echo matched;; esac
t as command
$(echo echo) run; $(true); rc; $(false); rc; $(exit 6); rc
t in arithmetic
echo $(( $(echo 2) * $(echo 21) ))
t background child holding the pipe delays
x=$( (usleep 100000; echo late) & echo early ); echo "$x" | sort -r
t background child not holding it
x=$( (echo gone >/dev/null) >/dev/null & echo now ); echo $x
t fd beside
x=$( { echo to3 >&3; echo to1; } 3>f3 ); echo "$x $(cat f3)"
t swap stdout and stderr
x=$( { echo out; echo err >&2; } 3>&1 1>&2 2>&3 3>&- ) 2>sw; echo "x=$x $(cat sw)"
t functions
f() { echo "f($1)"; }; echo $(f $(f a))
t pipelines
echo $(seq 5 | tac | head -n 2)
t eval
eval "echo \$(echo evaluated)"
