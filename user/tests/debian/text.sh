# grep, sed, gawk over a text that they make themselves.
. "$SUITE/lib.sh"

t a text
gawk 'BEGIN { srand(42); split("the quick brown fox jumps over a lazy dog while rain falls", w, " ")
	for (i = 0; i < 3000; i++) { line = i ":"; n = 1 + (i * 7919) % 11; for (j = 0; j < n; j++) line = line " " w[1 + (i * 31 + j * 17) % 12]; print line } }' >text; wc text; md5sum text
t grep
grep -c fox text; grep -n 'dog.*fox' text | head -n 3; grep -o 'j[a-z]*' text | sort | uniq -c; grep -v o text | wc -l; grep -E '^(1|2)0+:' text; grep -P '(?<=lazy )dog' text | wc -l; grep -w a text | wc -l; grep -m2 -A1 -B1 rain text; grep -i QUICK text | tail -n 1; grep -F 'a lazy' text | wc -l; grep -q nothing text; rc; grep x missing; rc; mkdir d; cp text d/1; cp text d/2; grep -rlc fox d | sort; grep -Z -l fox d/1 | od -c | tail -n 2; grep -f <(echo '^99[0-9]:') text | wc -l; printf 'bin\0ary\n' | grep bin
t sed
sed -n '10,12p;$p' text; sed 's/fox/FOX/g;/dog/!d' text | head -n 2; sed -E 's/^([0-9]+): (\w+)/\2 \1/' text | tail -n 2; sed '1~1000!d' text; sed -e '/^5:/{N;s/\n/ + /}' -e '7q' text; sed -i.bak 's/rain/snow/' d/1; cmp d/1.bak text; rc; grep -c snow d/1; sed '$!N;$!D' text; sed y/abc/xyz/ text | head -n 1; sed -n '/^20:/,/^22:/p' text; echo hello | sed 's/./&\n/3;P;D'; sed --posix -s -n 1p d/1 d/2; sed 5w\ out text >/dev/null; cat out; sed 'bad' text; rc; sed G <<<x | od -c | head -n 1
t gawk
gawk '{ n += NF } END { print NR, n }' text; gawk '{ for (i = 2; i <= NF; i++) c[$i]++ } END { PROCINFO["sorted_in"] = "@ind_str_asc"; for (k in c) print k, c[k] }' text; gawk -F: 'NR % 500 == 0 { printf "%5d %s\n", $1, substr($2, 2, 10) }' text; gawk 'BEGIN { "echo piped" | getline x; print x; print "sorted\nat\nlast" | "sort"; close("sort"); system("exit 3"); print toupper("up"), length("abc"), index("abc", "c"), sprintf("%.3f", atan2(0, -1)), strftime("%F", 0, 1) }'; gawk 'match($0, /(fox).*(dog)/, m) { print m[1], m[2], RSTART; exit }' text; gawk 'BEGINFILE { print FILENAME } ENDFILE { print FNR }' d/1 d/2; gawk 'BEGIN { cmd = "cat"; print "co" |& cmd; close(cmd, "to"); cmd |& getline y; print y }'; gawk 'BEGIN { while ((getline l < "text") > 0) n++; print n; printf "%s", 1e6 * 3; print ""; print -3 % 2, 2 ^ 10, 1 / 3 }'; gawk 'BEGIN { exit 5 }'; rc; gawk 'function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) } BEGIN { print f(18) }'
t all in a row
tr ' ' '\n' <text | grep -E '^[a-z]+$' | sort | uniq -c | sort -rn | sed 5q | gawk '{ print $2 "=" $1 }' | paste -sd' '
