# expr, test, [, printf, bc, dc, factor, seq, ipcalc.
. "$SUITE/lib.sh"

e() { expr "$@" 2>&1; rc; }
t expr
e 1 + 2; e 5 - 7; e 3 \* 4; e 7 / 2; e 7 % 3; e 1 / 0; e 2 \< 10; e a \< b; e 5 = 5; e 5 != 5; e 1 \| 0; e 0 \| 0; e 0 \& 1; e '' \| x; e \( 1 + 2 \) \* 3; e abc : 'a\(.\)c'; e abc : 'a.*'; e abc : x; e length hello; e substr hello 2 3; e index hello l; e match hello 'l*'; e 0; e x; e; e 1 +; e a + 1; e 9223372036854775807 + 1; e -1; e quote x 2>&1; e '+' = '+'
t test strings
for a in "a = a" "a = b" "a != b" "a == a" "-n a" "-z a" "a" "! a" "! ! a" "a -a b" "a -o ''" "( a )" "a < b" "b > a" "-n" "=" "! =" "( = )" "-a" "! -n a" "1 = 1 -a 2 = 2" "1 = 1 -a ( 2 = 3 -o 4 = 4 )"; do set -f; set -- $a; [ "$@" ] 2>&1; echo "$a: $?"; set +f; done; test ''; rc; test; rc; [ ]; rc; test a b 2>&1; rc; [ a 2>&1; rc; [ a = a b 2>&1; rc; test a -foo b 2>&1; rc
t test numbers
for a in "1 -eq 1" "1 -eq 01" "1 -ne 2" "1 -lt 2" "2 -le 2" "3 -gt 2" "-1 -lt 0" "2 -ge 3" "x -eq 1" "1 -eq 1x" "-5 -eq -5" "9223372036854775807 -gt 0" "' 1' -eq 1"; do set -- $a; [ "$@" ] 2>&1; echo "$a: $?"; done
t test files
: >e; echo x >f; mkdir d; ln -s f l; ln -s no dl; mkfifo p; chmod 755 f; for i in e f d l dl p no /dev/null; do for o in b c d e f g h k L p r S s u w x; do [ $o$i != sd ] && [ -$o $i ] && printf '%s' $o; done; echo " $i"; done; [ -t 0 ]; rc; [ -t 9 ]; rc; [ -t x ] 2>&1; rc
t double bracket
[[ a == a ]]; rc; [[ abc == a* ]]; rc; [[ abc =~ b ]]; rc; [[ a && b ]]; rc; [[ -z '' || x ]]; rc; [[ 2 -lt 10 ]]; rc; v='a b'; [[ $v == 'a b' ]]; rc; [[ ! -e no ]]; rc
t printf
printf '%d %i %u %o %x %X %c %s|\n' 42 -7 9 8 255 255 abc str; printf '%5d|%-5d|%05d|%+d|% d\n' 1 2 3 4 5; printf '%s %s\n' a b c; printf '%%|%b|%q\n' 'a\tb' 'q' 2>&1; printf '%.3f %e %g %G\n' 3.14159 12345.678 0.00001 1e10; printf '%10s|%-10s|%.2s|%*d\n' right left abc 5 7; printf '\a\b\f\n\r\t\v\\\"\101\x41\0' | od -c; printf '%d %d %d\n' 0x1f 010 "'A"; printf '%s\n'; printf '%d\n' ''; printf '%d\n' abc 2>&1; rc; printf 2>&1; rc; printf '%z\n' 2>&1; rc; printf 'no newline'; echo; printf '%c%c\n' a b; printf '%s,' 1 2 3; echo; printf -- '-x\n'; printf '%5%|\n' 2>&1; printf '%b' 'stop\chere'; echo; printf '%ld %llu\n' 9223372036854775807 18446744073709551615; printf '%x\n' -1
t /bin printf and echo
/apps/printf '%d\n' 5; /apps/echo -n a; /apps/echo -e 'b\tc'; /apps/echo -E 'b\tc'; echo -ne 'x\n'; echo -n; echo -e 'a\0101\x41\c no'; echo; echo -- -n; echo - x
t bc
for x in '1+2*3' '2^100' 'scale=10; 1/3' '10%3' 'scale=2; sqrt(2)' 'obase=16; 255' 'ibase=2; 1010' 'a=5; a*a' 'for (i=0;i<3;i++) i' 'define f(n) { if (n < 2) return 1; return n * f(n-1); } f(20)' 'if (3 > 2) "yes\n"' '1/0' '-5 / 2' 'length(12345)' '2^0.5' 'x=1; while (x < 100) x = x * 2; x' '1.50 + 2.25' '(1+2'; do echo "$x" | bc 2>&1; done; echo 'scale=20; 4*a(1)' | bc -l; echo 'e(1)' | bc -l; echo '2^1000' | bc | md5sum
t dc
for x in '1 2 + p' '2 100 ^ p' '10 k 1 3 / p' '5 d * p' '16 o 255 p' '2 i 1010 p' '7 3 % p' '1 2 3 f' '4 v p' '1 2 r f' '[lp] p' '5 sa la la * p' '1 0 / p' '3 2 - n' 'z p' '[1 p] x'; do echo "$x" | dc 2>&1; done; dc -e '2 3 * p'
t factor
factor 1 2 12 97 1024 123456789 4294967291 2>&1; echo 30 | factor; factor x 2>&1; rc; factor 0 2>&1
t ipcalc
ipcalc -bnmp 192.168.1.10/24; ipcalc -n 10.1.2.3 255.255.0.0; ipcalc 1.2.3.4/33 2>&1; rc
t let and shell numbers
let x=5*3; echo $x; echo $((0x7fffffffffffffff)) $((-0x7fffffffffffffff - 1))
