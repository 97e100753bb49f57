# Longer shell programs.
. "$SUITE/lib.sh"

t towers of hanoi
hanoi() { [ $1 -eq 0 ] && return; hanoi $(($1-1)) $2 $4 $3; echo "$2$3"; hanoi $(($1-1)) $4 $3 $2; }
hanoi 6 a b c | md5sum
t sieve
sieve=$(seq 2 200); for p in 2 3 5 7 11 13; do sieve=$(for n in $sieve; do [ $n -ne $p ] && [ $((n%p)) -eq 0 ] || echo $n; done); done; echo $sieve | wc -w
t eight queens
q() { local r=$1 c i; if [ $r -eq 6 ]; then n=$((n+1)); return; fi; c=0; while [ $c -lt 6 ]; do
	local ok=1; i=0; while [ $i -lt $r ]; do eval "local p=\$p$i"; d=$((p-c)); [ $d -lt 0 ] && d=$((-d)); { [ $p -eq $c ] || [ $d -eq $((r-i)) ]; } && { ok=0; break; }; i=$((i+1)); done
	[ $ok = 1 ] && { eval "p$r=$c"; q $((r+1)); }; c=$((c+1)); done; }
n=0; q 0; echo $n
t bubble sort
set -- 5 3 9 1 7 2 8; s=1; while [ $s = 1 ]; do s=0; o=; prev=; for x; do if [ -n "$prev" ] && [ $prev -gt $x ]; then o="$o $x"; s=1; else [ -n "$prev" ] && o="$o $prev"; prev=$x; fi; done; o="$o $prev"; set -- $o; done; echo $*
t word count
printf 'the cat and the dog and the bird\n' | tr ' ' '\n' | sort | uniq -c | sort -k1,1nr -k2 | awk '{ print $2, $1 }'
t csv to columns
printf 'name,age\nann,3\nbob,22\n' | while IFS=, read -r a b; do printf '%-6s|%4s|\n' "$a" "$b"; done
t a small calculator by fifos
mkfifo in out; (while read -r e; do echo $((e)); done <in >out) & exec 7>in 8<out; for e in '1+1' '6*7' '2**16'; do echo "$e" >&7; read -r v <&8; echo "$e=$v"; done; exec 7>&- 8<&-; wait
t a pool of workers
mkfifo jobs; exec 9<>jobs; for w in 1 2 3; do (exec 9>&-; while j=$(dd bs=4 count=1 2>/dev/null); [ -n "$j" ]; do echo $((j*j)); done) <jobs >res$w & done; i=100; while [ $i -lt 160 ]; do printf '%03d\n' $i >&9; i=$((i+1)); done; exec 9>&-; wait; cat res? | sort -n | md5sum
t a tree walker
mkdir -p t/a/b t/c; : >t/a/1; : >t/a/b/2; : >t/c/3; walk() { for e in "$1"/*; do [ -e "$e" ] || continue; echo "$2${e##*/}"; [ -d "$e" ] && walk "$e" "$2 "; done; }; walk t ''
t a makefile in shell
printf 'a.o: a.c\nb.o: b.c\nprog: a.o b.o\n' >deps; : >a.c; : >b.c; build() { local d; for d in $(sed -n "s/^$1: //p" deps); do build $d; done; [ -e $1 ] || { echo "make $1"; : >$1; }; }; build prog; build prog
t locking counters
echo 0 >c; for i in 1 2 3 4; do (for j in 1 2 3 4 5; do until ln -s x lock 2>/dev/null; do usleep 500; done; read -r v <c; echo $((v+1)) >c; rm lock; done) & done; wait; cat c
t a log rotated
for i in 1 2 3 4; do echo "entry $i" >log; for k in 3 2 1; do [ -e log.$k ] && mv log.$k log.$((k+1)); done; mv log log.1; done; cat log.1 log.4; ls log.*
t rot13 twice
echo 'Hard Tack' | tr A-Za-z N-ZA-Mn-za-m | tee r13 | tr A-Za-z N-ZA-Mn-za-m; cat r13
t quine
q='q=%s%s%s; printf "$q\\n" "\x27" "$q" "\x27"'; printf '%s\n' "$q" | wc -c
t a template
n=World; cat <<X | sed 's/@N@/'"$n"'/'
Hello @N@
X
t self-extracting archive
mkdir sa; echo one >sa/1; echo two >sa/2; { echo 'sed "1,/^__END__\$/d" "$0" | tar x; exit'; echo __END__; tar c sa; } >self.sh; rm -r sa; sh self.sh; cat sa/1 sa/2
t generated script
for i in 1 2 3; do echo "f$i() { echo fn$i \$1; }"; done >gen.sh; . ./gen.sh; f1 a; f3 b
t associative lookup by eval
for kv in red:1 green:2; do eval "m_${kv%%:*}=${kv#*:}"; done; eval "echo \$m_green \$m_red"
t reading a configuration
printf '# comment\nkey = value\n\nother=two words\n' >conf; sed -n '/^[^#]/p' conf | while IFS='=' read -r k v; do k=$(echo $k); v=$(echo $v); echo "[$k]=[$v]"; done
t binary search
set -- 1 3 5 7 9 11 13 15; bs() { local x=$1 lo=1 hi; shift; hi=$#; while [ $lo -le $hi ]; do local m=$(((lo+hi)/2)); eval "local v=\${$m}"; if [ $v -eq $x ]; then echo $m; return; elif [ $v -lt $x ]; then lo=$((m+1)); else hi=$((m-1)); fi; done; echo none; }; bs 7 "$@"; bs 8 "$@"; bs 15 "$@"
t game of life
g='.....
..#..
..#..
..#..
.....'; echo "$g" | awk '{ l[NR] = $0 } END { for (y = 1; y <= NR; y++) { r = ""; for (x = 1; x <= 5; x++) { n = 0; for (i = -1; i < 2; i++) for (j = -1; j < 2; j++) if ((i || j) && substr(l[y + i], x + j, 1) == "#") n++; c = substr(l[y], x, 1); r = r ((n == 3 || (n == 2 && c == "#")) ? "#" : ".") } print r } }'
t mandelbrot in integers
y=-12; while [ $y -le 12 ]; do x=-39; l=; while [ $x -le 19 ]; do cr=$((x*50)) ci=$((y*100)) r=0 i=0 k=0; while [ $k -lt 12 ] && [ $((r*r+i*i)) -lt 4000000 ]; do t_=$((r*r/1000-i*i/1000+cr)); i=$((2*r*i/1000+ci)); r=$t_; k=$((k+1)); done; if [ $k = 12 ]; then l=$l#; else l=$l.; fi; x=$((x+2)); done; echo "$l"; y=$((y+4)); done
