# awk.
. "$SUITE/lib.sh"

printf 'alice 30 red\nbob 25 blue\ncarol 35 red\ndave 28 green\n' >f; printf 'a:b:c\nd:e:f\n' >c
t fields
awk '{ print $1, $3 }' f; awk '{ print $NF, NF, NR }' f; awk -F: '{ print $2 }' c; awk '{ print $0 }' c; awk '{ $2 = "x"; print }' f | head -n 1; awk '{ $5 = "new"; print; print NF }' f | head -n 2; awk '{ NF = 2; print }' f | head -n 1; awk -F '[:b]' '{ print $1 "|" $3 }' c
t patterns
awk '/red/' f; awk '!/red/' f; awk '$2 > 28' f; awk '$3 == "red" && $2 > 30' f; awk 'NR == 2, NR == 3' f; awk '/bob/, /dave/ { print NR }' f; awk '$1 ~ /^[ab]/' f; awk '$1 !~ /a/' f; awk 'END { print NR }' f; awk 'BEGIN { print "b" } { n++ } END { print n }' f
t variables
awk -v x=5 'BEGIN { print x * 2 }'; awk '{ print FILENAME, FNR, NR }' f c; awk 'BEGIN { FS = ":"; OFS = "-" } { $1 = $1; print }' c; awk 'BEGIN { ORS = ";" } { print $1 } END { printf "\n" }' f; awk 'BEGIN { RS = "" } { print NF }' f; printf 'a;b;c' | awk 'BEGIN { RS = ";" } { print NR, $0 }'; awk '{ print x }' x=1 f x=2 c | uniq -c
t numbers
awk 'BEGIN { print 1 / 3, 7 % 3, -7 % 3, 1e6, 1e20, 0.1 + 0.2, 100000 * 100000 }'; awk 'BEGIN { print int(3.9), int(-3.9) }'; awk 'BEGIN { print sqrt(16) }' 2>&1; rc; awk 'BEGIN { x = "3x"; print x + 1, "a" + 0, "10" + "20", "10" "20" }'; awk 'BEGIN { print (2 < 10), ("2" < "10"), ("abc" < "abd"), 1 == 1.0, "1" == 1 }'; awk 'BEGIN { i = 5; print i++, i, ++i, i--, i; i += 3; i -= 1; i *= 2; i /= 4; i %= 7; print i }'
awk 'BEGIN { printf "%d %i %5d|%-5d|%05d %x %X %o %c %c %s %5s|%-5s|%.2s %e %.3f %g %%\n", 42.9, 7, 42, 42, 42, 255, 255, 8, 65, "hello", "str", "ab", "ab", "abcdef", 12345.678, 3.14159, 0.0001 }'
awk 'BEGIN { OFMT = "%.2f"; print 3.14159; CONVFMT = "%.3f"; x = 3.14159 ""; print x }'
t strings
awk 'BEGIN { s = "hello world"; print length(s), length, index(s, "wor"), substr(s, 1, 5), substr(s, 7), substr(s, 0, 3), substr(s, -1), toupper(s), tolower("ABC") }'
awk 'BEGIN { s = "aXbXc"; n = split(s, a, "X"); print n, a[1], a[3]; n = split("a b  c", b); print n, b[3]; n = split("abc", d, ""); print n, d[2]; n = split("", e); print n }'
awk 'BEGIN { s = "foo bar foo"; n = gsub(/foo/, "[&]", s); print n, s; sub(/bar/, "\\&", s); print s; t = "aaa"; gsub("a", "b", t); print t; gsub(/x*/, "-", t); print t }'
awk 'BEGIN { if (match("xxabcxx", /abc/)) print RSTART, RLENGTH; print match("x", /y/), RSTART, RLENGTH }'
awk 'BEGIN { print "a\tb\\n\"q\" \/ \101" }'; awk 'BEGIN { print "con" "cat" 1 2 + 3 }'; awk 'BEGIN { print sprintf("%03d-%s", 7, "x") }'
t arrays
awk '{ n[$3]++; s[$3] += $2 } END { for (k in n) print k, n[k], s[k] }' f | sort; awk 'BEGIN { a["x"] = 1; if ("x" in a) print "in"; if (!("y" in a)) print "not in"; delete a["x"]; print length(a) }'; awk 'BEGIN { a[1, 2] = 3; for (k in a) { split(k, p, SUBSEP); print p[1], p[2] }; if ((1, 2) in a) print "yes" }'; awk 'BEGIN { a[1]; a[2]; delete a; for (k in a) print "no"; print "ok" }'
t control
awk 'BEGIN { for (i = 0; i < 5; i++) { if (i == 1) continue; if (i == 4) break; print i } while (i > 2) i--; print i; do { i++ } while (i < 5); print i; print i == 5 ? "five" : "no" }'
awk 'NR == 2 { next } { print $1 }' f; awk '{ print; exit }' f; awk 'BEGIN { exit 3 } END { print "end" }'; rc; awk 'END { exit 4 }' f; rc; awk 'FNR == 2 { nextfile } { print FILENAME, $1 }' f c 2>&1
t functions
awk 'function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) } BEGIN { print f(15) }'; awk 'function g(a, i) { a["k"] = 1; i = 5 } BEGIN { i = 1; g(x, i); print x["k"], i }'; awk 'function h() { return } BEGIN { print "[" h() "]" }'
t getline
awk 'BEGIN { while ((getline l < "f") > 0) n++; print n, l; close("f"); getline < "f"; print $1 }'; awk 'NR == 1 { getline; print } ' f; awk 'BEGIN { "echo cmd" | getline x; print x; while (("seq 1 3" | getline y) > 0) t += y; print t; print (getline z < "missing") }'; awk 'NR == 1 { getline v; print v, NR }' f
t output
awk '{ print $1 > $3 ".out" }' f; cat red.out; awk '{ print $1 >> "app" }' f; awk 'END { print "more" >> "app" }' f; wc -l app; awk '{ print $1 | "sort -r" }' f; awk 'BEGIN { print "x" | "cat"; close("cat"); print "y" }'; awk 'BEGIN { printf "err\n" > "/dev/stderr" }' 2>&1; awk 'BEGIN { print "std" > "/dev/stdout" }'
t system and environment
awk 'BEGIN { r = system("exit 3"); print r; system("echo from sh") }'; A=env awk 'BEGIN { print ENVIRON["A"] }'; awk 'BEGIN { for (i = 0; i < ARGC; i++) print i, ARGV[i] }' x y=1; awk 'BEGIN { fflush(); print "f" }'
t regular expressions
echo 'a1b22c333' | awk '{ gsub(/[0-9]+/, "#"); print }'; echo 'abc' | awk '/^a.c$/ { print "m" }'; awk '$0 ~ "b[o]b"' f; echo 'a.b' | awk -F. '{ print $2 }'; echo 'a|b' | awk -F'|' '{ print $2 }'; echo 'x  y' | awk -F' ' '{ print $2 }'; echo 'aab' | awk '/a{2}b/ { print "rep" }'; echo tab | awk -F'\t' '{ print NF }'
t bit functions
awk 'BEGIN { print and(12, 10), or(12, 10), xor(12, 10), lshift(1, 4), rshift(16, 2) }' 2>&1
t programs
awk '{ for (i = NF; i; i--) printf "%s ", $i; print "" }' f; awk '{ l[NR] = $0 } END { for (i = NR; i; i--) print l[i] }' f; printf 'a b a\nc a b\n' | awk '{ for (i = 1; i <= NF; i++) w[$i]++ } END { for (k in w) print w[k], k }' | sort; awk 'length($1) > 3' f; awk 'BEGIN { for (i = 2; i < 30; i++) { p = 1; for (j = 2; j * j <= i; j++) if (i % j == 0) p = 0; if (p) printf "%d ", i } print "" }'; seq 1 1000 | awk '{ s += $1; q += $1 * $1 } END { print s, q, s / NR }'; awk '!seen[$3]++' f; awk 'NR == FNR { a[$1] = $2; next } $1 in a { print $1, a[$1] }' f f | head -n 2
awk 'BEGIN { srand(1); a = rand(); srand(1); print (a == rand()), (a >= 0 && a < 1) }'; awk 'BEGIN { print strftime("%Y-%m-%d %H:%M:%S", 86400 * 365), mktime("1971 01 01 00 00 00") }'; awk 'BEGIN { print substr("hello", 2, 100) length() }' </dev/null
t script file
printf '# c\n/red/ { print "r", $1 }\nEND { print NR }\n' >p; awk -f p f
t long input
seq 1 20000 | awk '{ a[$1 % 100] += $1 } END { for (i = 0; i < 100; i++) s = s a[i]; print length(s), a[7] }'; head -c 50000 /dev/zero | tr '\0' z | awk '{ print length($0) }'
t errors
awk 2>&1 | head -n 1; awk '{' f 2>&1; rc; awk 'BEGIN { print 1 / 0 }' 2>&1; rc; awk '{ print }' missing 2>&1; rc; awk 'BEGIN { f(1) }' 2>&1; rc; awk '/(/' f 2>&1; rc; awk -f missing f 2>&1; rc; awk 'BEGIN { printf "%d\n" }' 2>&1; rc; awk 'BEGIN { getline x < "missing"; print "go" }'
