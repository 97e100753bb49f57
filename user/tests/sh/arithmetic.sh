# Arithmetic expansion.
. "$SUITE/lib.sh"

t operators
echo $((1+2*3)) $(((1+2)*3)) $((7/2)) $((-7/2)) $((7%3)) $((-7%3)) $((2**10))
t bits
echo $((5&3)) $((5|3)) $((5^3)) $((~5)) $((1<<20)) $((-16>>2)) $((1<<63))
t comparison and logic
echo $((1<2)) $((2<=1)) $((1==1)) $((1!=1)) $((1&&0)) $((1||0)) $((!5)) $((3>2&&2>1))
t ternary and comma
echo $((1?2:3)) $((0?2:3)) $((1,2))
t bases
echo $((0x1f)) $((010)) $((0xFFFFFFFF)) $((16#ff)) $((2#1010)) $((36#z))
t assignment
x=5; echo $((x+=2)) $x $((x*=3)) $((x-=1)) $((x/=4)) $((x%=3)) $((x<<=4)) $((x|=1)) $((x^=3)) $((x&=6)) $((x>>=1)) $x
t increment
i=1; echo $((i++)) $i $((++i)) $i $((i--)) $((--i)) $i
t variables without dollar
a=3 b=4; echo $((a*a+b*b)) $(($a+b)) $((undefined+1))
t variable with an expression
e='1+2'; echo $((e*2)) $(($e*2))
t 64 bits
echo $((9223372036854775807)) $((9223372036854775807+1)) $((-9223372036854775807-1)) $((4294967296*4294967296))
t nested
echo $((1+$((2+$((3)))))) $(($(echo 4)+1))
t spaces and lines
echo $(( 1 +
	2 ))
t short circuit
y=0; : $((0&&(y=1))) $((1||(y=1))); echo $y
t precedence
echo $((2+3<<1)) $((1|2==2)) $((!0+1)) $((-2**2)) $((2**3**2))
t errors
sh -c 'echo $((1/0))' 2>&1; rc
sh -c 'echo $((5%0))' 2>&1; rc
sh -c 'echo $((1+))' 2>&1; rc
sh -c 'echo $((08))' 2>&1; rc
sh -c 'x=abc; echo $((x+1))' 2>&1; rc
t let
let 'a=2*3' 'b=a+1'; rc; echo $a $b; let 0; rc; let 1; rc
t loops
n=0; s=0; while [ $n -lt 1000 ]; do n=$((n+1)); s=$((s+n)); done; echo $s
t gcd
g() { a=$1 b=$2; while [ $b -ne 0 ]; do c=$((a%b)); a=$b; b=$c; done; echo $a; }
g 1071 462; g 17 5; g 123456789 987654321
t primes
p=2; out=; while [ $p -lt 60 ]; do d=2; ok=1
	while [ $((d*d)) -le $p ]; do [ $((p%d)) -eq 0 ] && { ok=0; break; }; d=$((d+1)); done
	[ $ok = 1 ] && out="$out $p"; p=$((p+1)); done; echo $out
t fibonacci by recursion
fib() { if [ $1 -lt 2 ]; then echo $1; else echo $(($(fib $(($1-1)))+$(fib $(($1-2))))); fi; }
fib 8
t collatz
c=27 steps=0; while [ $c -ne 1 ]; do if [ $((c%2)) = 0 ]; then c=$((c/2)); else c=$((3*c+1)); fi; steps=$((steps+1)); done; echo $steps
t hash with overflow
h=5381; for ch in 104 97 114 100 116 97 99 107; do h=$((h*33+ch)); done; echo $h
h=-3750763034362895579; for ch in 1 2 3 4; do h=$(((h^ch)*1099511628211)); done; echo $h
