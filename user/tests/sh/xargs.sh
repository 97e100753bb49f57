# xargs.
. "$SUITE/lib.sh"

t basic
echo a b c | xargs; echo a b c | xargs echo x; printf 'a\nb\n' | xargs -n 1 echo; seq 1 10 | xargs -n 3; echo | xargs echo empty; echo | xargs -r echo no; xargs echo none </dev/null; xargs -r echo no </dev/null
t quotes
echo "'a b' \"c d\" e\\ f" | xargs -n 1 echo; printf "it's\n" | xargs echo 2>&1; rc
t -0
printf 'a b\0c\nd\0' | xargs -0 -n 1 echo "<>"
t -I
printf 'one\ntwo three\n' | xargs -I {} echo "[{}] {}"; printf 'x\n' | xargs -I % sh -c 'echo "% done"'
t -s and -E
seq 1 100 | xargs -s 60 | head -n 3; printf 'a\nEND\nb\n' | xargs -E END echo
t statuses
echo a | xargs false; rc; echo a | xargs true; rc; echo a | xargs missing-cmd 2>&1; rc; echo a | xargs sh -c 'exit 255' 2>&1; rc; echo a | xargs sh -c 'exit 7'; rc; printf 'a\nb\n' | xargs -n 1 sh -c 'echo run $0; [ $0 = b ]'; rc; echo a | xargs sh -c 'kill -TERM $$' 2>&1; rc; echo x >noexec; echo a | xargs ./noexec 2>&1; rc
t trace
echo a b | xargs -t echo 2>&1
t -P
seq 1 20 | xargs -n 1 -P 4 echo | sort -n | tr '\n' ' '; echo; seq 1 8 | xargs -P 3 -n 2 sh -c 'exit $(($0 > 6))'; rc
t input is not given to the child
printf 'a\n' | xargs sh -c 'cat; echo end'
t interactive, without a terminal
printf 'a\n' | xargs -p echo 2>&1 | head -n 2
t large
seq 1 30000 | xargs echo | wc; seq 1 30000 | xargs -n 1000 echo | wc -l; seq 1 300 | xargs -n 1 expr 1 + | tail -n 1; head -c 20000 /dev/zero | tr '\0' a | xargs echo | wc -c
t with find
mkdir d; for i in 1 2 3; do echo $i >"d/f $i"; done; find d -type f -print0 | xargs -0 cat | sort; find d -type f -print0 | xargs -0 rm; ls d
t from a file
printf 'x y\n' >l; xargs -a l echo 2>&1 | head -n 1
