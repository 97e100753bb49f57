# grep, egrep, fgrep.
. "$SUITE/lib.sh"

cat >f <<X
alpha one
Beta two
gamma  three
alpha beta
foo.bar
foo-bar
a+b
(x)
tab	here
1234
x=12

end
X
printf 'alpha other\nnone\n' >g; mkdir -p d/e; echo alpha deep >d/e/h; echo beta >d/i
t basic
grep alpha f; rc; grep missing f; rc; grep alpha <f
t options
grep -i BETA f; grep -v a f; grep -c alpha f; grep -n o f; grep -l alpha f g; grep -L Beta f g; grep -q alpha f; rc; grep -h alpha f g; grep -H Beta f; grep -o 'a[a-z]*' f; grep -w one f; grep -w on f; rc; grep -x 1234 f; grep -m 1 alpha f; grep -s x missing; rc
t several files and patterns
grep alpha f g; grep -e alpha -e 1234 f; printf 'Beta\nend\n' >pat; grep -f pat f; grep -c a f g
t context
grep -A 1 Beta f; grep -B 1 gamma f; grep -C 1 foo-bar f; grep -n -A1 alpha f
t basic expressions
grep '^a' f; grep 'e$' f; grep 'fo*' f; grep 'o\{2\}' f; grep '[0-9][0-9]*$' f; grep '[^a-z ]' f; grep '\(a\)l' f; grep 'foo.bar' f; grep 'foo\.bar' f; grep 'a+b' f; grep '^$' -c f; grep '\<al' f; grep 'one\|two' f; grep '\(.\)\1' f; grep '[[:digit:]]' f; grep '[[:space:]]t' f; grep '\bfoo\b' f
t extended
grep -E '^(alpha|end)' f; grep -E 'o{2}' f; grep -E 'a\+b' f; grep -E '\(x\)' f; grep -E '[0-9]+$' f; grep -E 'thr?ee?' f; egrep 'a|z' f | head -n 2; grep -E '(.)\1' f; grep -E '^.{4}$' f; grep -E '' f | wc -l
t fixed
grep -F 'a+b' f; fgrep foo.bar f; grep -F '(x' f; grep -F -x end f; grep -F -f pat f; grep -F -i BETA f; grep -F -w beta f
t recursive
grep -r alpha d g | sort; grep -rl alpha . | sort; grep -r nothing d; rc; grep -rh alpha d | sort; grep -rn beta d; grep -R alpha d --include='h' 2>&1 | head -n 1
t binary bytes and long lines
printf 'a\0b alpha\n' | grep -c alpha; head -c 30000 /dev/zero | tr '\0' a >long; echo z >>long; grep -c 'a*z$' long; grep -o 'z' long; printf 'no newline' | grep new; printf '\377\376x\n' | grep -c x
t empty pattern and file
grep -c '' f; grep '' /dev/null; rc; grep x /dev/null; rc
t errors
grep 2>&1 | head -n 1; grep x missing 2>&1; rc; grep '[' f 2>&1; rc; grep '\(' f 2>&1; rc; grep -E '(' f 2>&1; rc; grep x d 2>&1; rc; grep -s alpha missing f; rc
t status with an error
grep alpha f missing 2>/dev/null >/dev/null; rc; grep -q alpha missing f 2>/dev/null; rc
t zero-terminated
printf 'one\0two\0' | grep -z tw 2>/dev/null | tr '\0' '\n'
t many lines
seq 1 20000 | grep -c 7; seq 1 20000 | grep -E '^(1|2)+$' | tail -n 1; seq 1 20000 | grep -v 1 | md5sum
