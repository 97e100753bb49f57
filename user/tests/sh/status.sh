# Exit statuses, and the shell options that look at them.
. "$SUITE/lib.sh"

t values
true; rc; false; rc; sh -c 'exit 42'; rc; sh -c 'exit 255'; rc; sh -c 'exit 256'; rc; sh -c 'exit -1' 2>&1; rc
t not found and not executable
no-such-command 2>&1; rc; ./no-such-file 2>&1; rc
echo data >noexec; ./noexec 2>&1; rc
mkdir dir; ./dir 2>&1; rc
echo x >f; ./f/x 2>&1; rc
t empty command
rc; : ; rc; '' 2>&1; rc
t assignment
x=1; rc; x=$(false); rc
t killed by a signal
for s in HUP INT QUIT KILL USR1 USR2 ALRM TERM PIPE; do sh -c "kill -$s \$\$" 2>/dev/null; echo $s $?; done
t names of signals by status
kill -l 137 143 130 141
t set -e
sh -ec 'false; echo no'; rc
sh -ec 'if false; then :; fi; echo yes'; rc
sh -ec 'false || true; echo yes'; rc
sh -ec 'false && true; echo yes'; rc
sh -ec '! true; echo yes'; rc
sh -ec 'x=$(false); echo no'; rc
sh -ec 'f() { false; echo in f; }; f || echo no; echo yes'; rc
sh -ec 'f() { false; echo no; }; f; echo no'; rc
sh -ec 'while false; do :; done; echo yes'; rc
sh -ec 'false | true; echo yes'; rc
sh -ec 'true | false; echo no'; rc
sh -ec '(false; echo no); echo no'; rc
sh -ec 'set +e; false; echo yes'; rc
sh -ec 'trap "echo trapped" EXIT; false'; rc
sh -ec 'false & wait $! 2>/dev/null; echo no'; rc
t set -u
sh -uc 'echo $nope; echo no' 2>&1; rc
sh -uc 'echo ${nope-ok}'; rc
sh -uc 'echo $#$@ $*'; rc
sh -uc 'echo $1' 2>&1; rc
t set -x
sh -xc 'a=1; echo $a; for i in x; do echo "$i y"; done' 2>&1
sh -c 'PS4="> "; set -x; echo "a b" c; set +x; echo off' 2>&1
t set -n
sh -nc 'echo no'; rc; sh -nc 'if' 2>&1; rc
t set -v
printf 'echo a\n# note\necho b\n' >v; sh -v v 2>&1
t set -o
set -o | grep -c .; set -o noglob; echo *; set +o noglob
t status of wait and exit
(exit 9) & wait $! 2>/dev/null; rc; wait; rc; wait 99999999 2>&1; rc
t exit without value
sh -c 'false; exit'; rc; sh -c 'true; exit'; rc
sh -c '(exit 6); trap "exit" EXIT; (exit 7)'; rc
t exit trap changes the status
sh -c 'trap "exit 5" EXIT; exit 1'; rc
sh -c 'trap "true" EXIT; exit 8'; rc
t command and builtin errors
sh -c 'set -Z; echo alive' 2>&1; rc
sh -c 'export 1x=2; echo alive' 2>&1; rc
sh -c 'cd /nowhere; echo alive $?' 2>&1; rc
sh -c '. ./missing; echo alive' 2>&1; rc
sh -c 'exec ./missing; echo no' 2>&1; rc
sh -c 'shift 3; echo alive' 2>&1; rc
sh -c 'return 3; echo after'; rc
sh -c 'break; continue; echo alive'; rc
t syntax errors
sh -c 'echo a; (' 2>&1; rc
printf 'echo one\nif\n' >bad; sh bad 2>&1; rc
sh -c 'eval "if"; echo alive' 2>&1; rc
t script file errors
sh ./missing 2>&1; rc; sh . 2>&1; rc; sh -Q 2>&1 | head -n 1
