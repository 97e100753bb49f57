# exec, scripts as programs, environment and arguments.
. "$SUITE/lib.sh"

t exec replaces
sh -c 'exec echo replaced; echo no'; rc
sh -c 'a=$$; exec sh -c "[ $a = \$\$ ] && echo same id"'
t exec of a missing program
sh -c 'exec nothing-here; echo no' 2>&1; rc
sh -c 'exec ./nothing-here; echo no' 2>&1; rc
t exec with redirections only
sh -c 'exec >out; echo into file'; cat out
sh -c 'exec 2>&1; ls missing'
sh -c 'exec <out; cat'
t exec passes descriptors
echo three >f3; sh -c 'exec 3<f3; exec sh -c "cat <&3"'
t exec environment
sh -c 'A=1 exec sh -c "echo \$A"'; sh -c 'export B=2; exec env' | grep '^B='
t a script with an interpreter line
printf '#!/bin/sh\necho "script $0 $*"\n' >s1; chmod +x s1; ./s1 a b
t interpreter argument
printf '#!/bin/sh -e\nfalse\necho no\n' >s2; chmod +x s2; ./s2; rc
printf '#!/bin/busybox sh\necho bb "$@"\n' >s3; chmod +x s3; ./s3 x
t space and tabs in the interpreter line
printf '#! \t/bin/sh\necho spaced\n' >s4; chmod +x s4; ./s4
printf '#!/bin/busybox  awk  -f\nBEGIN { print "no" }\n' >s5; chmod +x s5; ./s5 one 2>&1; rc
printf '#!/apps/awk -f\nBEGIN { print "awk", ARGV[1] }\n' >s5; chmod +x s5; ./s5 one
t interpreter that is a script
printf '#!/bin/sh\necho "inter $# $1"\n' >inter; chmod +x inter
printf "#!$PWD/inter opt\n" >s6; chmod +x s6; ./s6 q
t recursion of interpreters
printf "#!$PWD/loop\n" >loop; chmod +x loop; ./loop 2>&1; rc
t missing interpreter
printf '#!/no/such/interp\n' >s7; chmod +x s7; ./s7 2>&1; rc
t interpreter is a directory
printf '#!/tmp\n' >s8; chmod +x s8; ./s8 2>&1; rc
t empty interpreter line
printf '#!\n' >s9; chmod +x s9; ./s9; rc
t no interpreter line
printf 'echo plain $1\n' >s10; chmod +x s10; ./s10 arg; rc
t empty file
: >s11; chmod +x s11; ./s11; rc
t no execute permission
echo 'echo no' >s12; ./s12 2>&1; rc
t not a program
printf '\177ELF' >e1; chmod +x e1; env ./e1 2>&1; rc
printf '\177ELF%0100d' 0 >e2; chmod +x e2; env ./e2 2>&1; rc
t a truncated program
head -c 64 /bin/busybox >e3; chmod +x e3; env ./e3 2>&1; rc
head -c 32 /bin/busybox >e4; chmod +x e4; env ./e4 2>&1; rc
t a copy of the program
cp /bin/busybox busybox2; ./busybox2 echo copied; ln -s busybox2 cat; echo link | ./cat
ln busybox2 tac; printf '1\n2\n' | ./tac
t no such applet
ln -s busybox2 nosuch; ./nosuch 2>&1; rc; ./busybox2 nosuch 2>&1; rc
t program text is busy
cp /bin/busybox busybox3; ./busybox3 sleep 1000 & p=$!
until [ "$(readlink /proc/$p/exe)" = "$PWD/busybox3" ]; do usleep 10000; done
sh -c 'echo x >>busybox3' 2>&1; rc
kill $p; wait $p 2>/dev/null
sh -c ': >>busybox3' 2>&1; rc
t deleted program
cp /bin/busybox busybox4; ./busybox4 sleep 1000 & p=$!
until [ "$(readlink /proc/$p/exe)" = "$PWD/busybox4" ]; do usleep 10000; done
rm busybox4; readlink /proc/$p/exe | sed "s,$PWD,.,"; kill $p; wait $p 2>/dev/null; rc
t a running program is replaced by rename
cp /bin/busybox busybox5; ./busybox5 sleep 1000 & p=$!
until [ "$(readlink /proc/$p/exe)" = "$PWD/busybox5" ]; do usleep 10000; done
echo new >n; mv n busybox5; cat busybox5; kill $p; wait $p 2>/dev/null; rc
t PATH search
mkdir p1 p2; printf '#!/bin/sh\necho p1\n' >p1/prog; printf '#!/bin/sh\necho p2\n' >p2/prog; chmod +x p1/prog p2/prog
PATH=$PWD/p1:$PWD/p2:/apps sh -c 'prog'
chmod -x p1/prog; PATH=$PWD/p1:$PWD/p2:/apps sh -c 'prog'
PATH=/nowhere:$PWD/p2 /bin/sh -c 'prog'
t empty PATH entry is the current directory
cd p2; PATH=:/apps sh -c prog; cd ..
t environment
env -i A=1 B='two words' env | sort
env -i sh -c 'echo "${HOME-unset} ${PATH-unset}"' | sed 's,unset .*,unset path,'
A=x env -u A sh -c 'echo "${A-unset}"'
t big environment
v=$(head -c 100000 /dev/zero | tr '\0' e); V=$v sh -c 'echo ${#V}'
t an argument that is too long
v=$(head -c 140000 /dev/zero | tr '\0' a); /bin/busybox true "$v" 2>&1 | sed 's/.*: //'
v=$(head -c 131071 /dev/zero | tr '\0' a); /bin/busybox expr length "$v"; rc
t many arguments
seq 1 20000 | xargs /bin/busybox echo | wc
set -- $(seq 1 10000); /bin/busybox sh -c 'echo $# $10000 ${10000}' x "$@" | wc -w
t empty arguments
/bin/busybox printf '<%s>' a '' b ''; echo
t bytes in arguments
/bin/busybox printf '%s' "$(printf '\001\177\200\377')" | od -An -tx1
t arguments in proc
sh -c 'tr "\0" "|" </proc/self/cmdline'; echo
t zeroth argument
sh -c 'echo $0' zero; sh -c 'echo "$0"' ''
t working directory is inherited
mkdir wd; (cd wd && sh -c 'basename "$PWD"; basename "$(pwd -P)"')
t only the usual descriptors are open
sh -c 'ls /proc/self/fd' | wc -l
