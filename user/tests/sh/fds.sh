# Descriptors: duplication, inheritance, pipes held open, limits.
. "$SUITE/lib.sh"

t save and restore stdout
exec 3>&1 >f; echo in file; exec >&3 3>&-; echo back; cat f
t swap
{ { echo out; echo err >&2; } 3>&1 1>&2 2>&3 3>&-; } 2>swapped | sed 's/^/pipe: /'; cat swapped
t status through the back door of a pipeline
s=$( { { (exit 3); echo $? >&3; } | cat >&4; } 3>&1 4>/dev/null ); echo $s
t tee by descriptors
{ echo both | tee /proc/self/fd/3; } 3>third; cat third
t inherited beyond exec
exec 7>seven; sh -c 'echo via seven >&7'; exec 7>&-; cat seven
t closed in the child only
exec 7>seven; sh -c 'exec 7>&-'; echo still >&7; exec 7>&-; cat seven
t two-digit descriptors
exec 10>ten; echo ten >&10; exec 10>&-; cat ten 2>&1; rc
t variables as descriptors
n=5; eval "exec $n>five"; echo five >&$n; eval "exec $n>&-"; cat five
t end of file needs every writer to close
mkfifo p; cat p >got & exec 5>p 6>&5; echo a >&5; exec 5>&-; echo b >&6; exec 6>&-; wait; cat got
t unlinked file lives
echo ghost >g; exec 5<g; rm g; cat <&5; exec 5<&-; ls g 2>&1
t unlinked and written
exec 5<>u; rm u; echo data >&5; exec 5>&-; ls u 2>&1
t append mode is per open file
echo 1 >ap; exec 5>>ap 6<>ap; printf 22 >&6; printf 33 >&5; exec 5>&- 6>&-; cat ap; echo
t duplicate of a duplicate
exec 5>d 6>&5 7>&6; echo one >&7; exec 5>&-; echo two >&6; exec 6>&-; echo three >&7; exec 7>&-; cat d
t listing
sh -c 'exec 3</dev/null 5</dev/null; ls /proc/self/fd' | tr '\n' ' '; echo
t links
exec 5<f; readlink /proc/self/fd/5 | sed "s,$PWD,.,"; exec 5<&-
readlink /proc/self/fd/0; sh -c 'readlink /proc/self/fd/1' | sed 's/[0-9]\{1,\}/N/'
t opened through proc
echo through >t; exec 5<t; cat /proc/self/fd/5; cat /proc/self/fd/5; exec 5<&-
t proc of a closed one
cat /proc/self/fd/9 2>&1; rc
t limit of open files
sh -c 'ulimit -n 8; exec 3<f 4<f 5<f 6<f 7<f; exec 8<f' 2>&1; rc
sh -c 'ulimit -n 20; ulimit -n'
t a pipe per stage, none leaks
i=0; while [ $i -lt 60 ]; do echo x | cat >/dev/null; i=$((i+1)); done; sh -c 'ls /proc/self/fd' | wc -l
t many opens
i=0; while [ $i -lt 300 ]; do exec 5<f; exec 5<&-; i=$((i+1)); done; echo $i
t reading end closed
sh -c 'trap "" PIPE; { while echo x; do usleep 1000; done; echo "failed $?" >res; } | { exec <&-; }; until [ -s res ]; do usleep 1000; done' 2>&1; cat res
t fd of a directory
exec 5<.; readlink /proc/self/fd/5 | sed "s,$PWD,.,"; cat <&5 2>&1; exec 5<&-
t stdin at several levels
printf 'a\nb\nc\nd\n' >lv; { read -r x; { read -r y; sh -c 'read -r z; echo $z'; }; read -r w; echo $x$y$w; } <lv
