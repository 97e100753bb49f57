# bash: the language, and what it asks of the kernel.
. "$SUITE/lib.sh"

t functions, locals, recursion
fact() { local n=$1; ((n < 2)) && echo 1 || echo $((n * $(fact $((n - 1))))); }
fact 10
outer() { local x=1; inner; echo "outer $x"; }; inner() { x=2; }; x=0; outer; echo $x
t arrays
a=(one "two words" three); a+=(four); echo "${#a[@]} ${a[1]} ${a[@]:1:2} ${!a[@]}"
unset 'a[0]'; printf '<%s>' "${a[@]}"; echo
declare -A m=([k]=v [x y]=z); m[new]=1; for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done | sort
mapfile -t lines < <(seq 1 1000); echo "${#lines[@]} ${lines[999]}"
t parameters
p=/usr/lib/file.tar.gz; echo "${p##*/} ${p%%.*} ${p/lib/LIB} ${p^^} ${p:5:3} ${#p} ${none:-default}"
set -- a b c; shift; echo "$# $* ${@: -1}"
t arithmetic and regular expressions
echo $((2**62 % 1000003)) $((0x1f ^ 033)) $((7 > 3 ? 1 : 0))
[[ "key=value" =~ ^([a-z]+)=(.*)$ ]] && echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
t here-documents
cat <<END
$((6 * 7)) $(echo nested)
END
cat <<'END'
$not expanded
END
tr a-z A-Z <<<"a here-string"
seq 1 30000 >long; cat <<END | md5sum
$(cat long)
END
t process substitution
diff <(printf '1\n2\n3\n') <(printf '1\n3\n'); rc
paste <(seq 3) <(seq 4 6)
seq 1 1000 | tee >(wc -l >count) | tail -n 1; until [ -s count ]; do sleep 0.01; done; cat count
t pipelines, their status and signals
false | true; echo "$? ${PIPESTATUS[*]}"; set -o pipefail; false | true; rc; set +o pipefail
yes | head -n 2; seq 1 100000 | { read -r x; echo "$x"; }
shopt -s lastpipe; echo last | read -r y; echo "$y"
t traps
(trap 'echo exit trap' EXIT; echo body)
(trap 'echo usr1; exit 3' USR1; kill -USR1 $BASHPID; echo never); rc
(trap '' TERM; kill -TERM $BASHPID; echo ignored)
trap 'echo "error at $BASH_LINENO"' ERR; false; trap - ERR
{ bash -c 'kill -KILL $$'; rc; } 2>/dev/null
bash -c 'trap "echo int" INT; kill -INT $$; echo after'
t jobs and wait
sleep 0.2 & one=$!; (exit 7) & two=$!; wait $two; rc; wait $one; rc
(sleep 0.1; exit 4) & wait -n; rc
for i in 1 2 3 4 5 6 7 8; do (exit $i) & pids[i]=$!; done; for i in 8 1 5; do wait "${pids[i]}"; echo -n "$? "; done; echo
sleep 100 & kill $!; wait $! 2>/dev/null; rc
t coprocesses
coproc up { while read -r line; do echo "<$line>"; done; }; echo one >&"${up[1]}"; read -r got <&"${up[0]}"; echo "$got"; eval "exec ${up[1]}>&-"; wait "$up_PID"; rc
t descriptors
exec 5>f; echo five >&5; exec 5>&-; cat f; exec {fd}<f; read -r l <&$fd; echo "$l"; exec {fd}<&-
{ echo out; echo err >&2; } 2>&1 >/dev/null | sed 's/^/seen: /'
cat nonexistent 2>/dev/null; rc; echo x >/nowhere/f; rc
set -o noclobber; echo x >f; rc; echo y >|f; set +o noclobber; cat f
t globs
shopt -s extglob nullglob globstar dotglob
mkdir d; touch d/{a,b,c}{1,2}.txt d/.hidden; echo d/*; echo d/[ab]?.txt; echo d/!(a*); echo none*; echo **/*1*
t read with a time limit
mkfifo fifo; exec 6<>fifo; read -t 0.1 -u 6 z; (( $? > 128 )) && echo "timed out"; exec 6>&-
t commands
type -t cd ls fact if; command -v ls; builtin echo builtin; hash -r
printf '%05d|%-6s|%x|%q\n' 42 left 255 'a b'
printf '%(%Y-%m-%d)T\n' 86400; time_s=$SECONDS; echo $((time_s < 600))
ulimit -n; umask; (umask 077; touch private; stat -c %a private)
t scripts and exec
printf '#!/bin/bash\necho "script $0 $*"\n' >s; chmod +x s; ./s 1 '2 3'; printf 'echo without a line\n' >n; chmod +x n; ./n
(exec -a other bash -c 'echo $0'); (exec ./missing); rc; ./d; rc; printf '#!/no/such\n' >b; chmod +x b; ./b; rc
env -i bash -c 'echo ${PATH:+a path}'; bash -c 'echo $0 $@' zero one two
t many children
for ((i = 0; i < 100; i++)); do (:); done; s=0; for ((i = 0; i < 50; i++)); do s=$((s + $(echo $i))); done; echo $s
