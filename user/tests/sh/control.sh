# if, case, for, while, until, break, continue, and-or lists.
. "$SUITE/lib.sh"

t if
if true; then echo t; fi; if false; then echo f; else echo e; fi
if false; then echo 1; elif true; then echo 2; else echo 3; fi
if false; then :; fi; rc
if (exit 3); then :; else rc; fi
t case
c() { case $1 in a) echo A;; b|c) echo BC;; [0-9]*) echo num;; *.txt) echo txt;; "q t") echo quoted;; \*) echo star;; *) echo other;; esac; }
for i in a b c 42 n.txt 'q t' '*' '' zz; do c "$i"; done
case x in y) ;; esac; rc
case x in x) false;; esac; rc
case "a
b" in a*b) echo multi;; esac
case x in (x) echo paren;; esac
v='*'; case abc in "$v") echo lit;; $v) echo pat;; esac
t for
for i in 1 2 3; do printf '%s ' $i; done; echo
for i in; do echo never; done; rc
set -- p q; for i; do echo $i; done
for i in a; do i=changed; done; echo $i
for f in $(seq 3) x; do printf '%s,' $f; done; echo
t while and until
i=0; while [ $i -lt 3 ]; do i=$((i+1)); printf '%s ' $i; done; echo
i=3; until [ $i -eq 0 ]; do printf '%s ' $i; i=$((i-1)); done; echo
while false; do :; done; rc
i=0; while i=$((i+1)); [ $i -lt 4 ]; do printf '%s ' $i; done; echo
t break and continue
for i in 1 2 3 4 5; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done
for i in 1 2; do for j in a b; do [ $j = b ] && continue 2; echo $i$j; done; done
for i in 1 2; do for j in a b; do [ $i$j = 2a ] && break 2; echo $i$j; done; done; rc
while :; do while :; do break 2; done; done; echo out
t status of a loop
for i in 1 2; do (exit $i); done; rc
i=0; while [ $i = 0 ]; do i=1; (exit 9); done; rc
t and-or
true && echo a || echo b; false && echo a || echo b; false || false || echo c
true && false || true && echo d; (exit 4) || rc
true || echo no && echo yes
t grouping
{ echo a; echo b; } ; { false; } ; rc; { true; }; rc
{ echo x
echo y; } | cat -n
t negation in conditions
if ! false; then echo neg; fi; while ! true; do :; done; ! { false; }; rc
t semicolons and newlines
if
true
then
echo nl
fi
for i in a \
	b
do echo $i; done
t nested
for a in 1 2; do case $a in 1) if true; then for b in x y; do echo $a$b; done; fi;; 2) while :; do echo two; break; done;; esac; done
t loop input
printf 'a\nb\nc\n' | while read -r x; do [ $x = b ] && break; echo $x; done
n=0; while read -r x; do n=$((n+1)); done <<X
1
2
X
echo $n
t loop with a child reading the same input
printf '1\n2\n3\n4\n' | while read -r x; do read -r y; echo "$x+$y"; done
t test bracket in conditions
[ a = a ] && [ ! b = c ] && [ -n x -a -z '' ] && echo chain
[[ abc == a* && 3 -gt 2 ]] && echo dbl
t select-like menu
for o in one two; do echo "$((n+=1))) $o"; done
t empty body is an error
sh -c 'while true; do done' 2>&1; rc
sh -c 'if; then :; fi' 2>&1; rc
t long loop
i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; echo $i
