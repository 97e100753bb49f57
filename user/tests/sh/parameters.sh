# Parameter expansion.
. "$SUITE/lib.sh"

s=set; e=; unset u
t default
echo "${s-d} ${e-d} ${u-d} | ${s:-d} ${e:-d} ${u:-d}"
t alternative
echo "${s+a} ${e+a} ${u+a} | ${s:+a} ${e:+a} ${u:+a}"
t assign
echo "${u=1} $u ${e:=2} $e ${s:=3}"; unset u
t error
(echo "${u?}") 2>&1; rc
(echo "${u:?is not set}") 2>&1; rc
(e=; echo "${e:?empty}") 2>&1; rc
t length
x=hello; echo ${#x} ${#e} ${#u}; set -- a b c; echo $# ${#} ${#1} ${#@}
t prefix
p=/usr/local/lib/libx.so.1; echo "${p#/*/}" "${p##*/}" "${p#x}" "${p#/usr}" "${p##*}"
t suffix
echo "${p%/*}" "${p%%/*}." "${p%.*}" "${p%%.*}" "${p%x}"
t patterns in variables
pat='*.'; echo "${p##$pat}" "${p##"$pat"}"
t substring
echo "${x:1}" "${x:1:3}" "${x: -3}" "${x: -3:2}" "${x:0:0}" "${x:9}" "${x:1:-1}"
t replace
y=banana; echo "${y/an/AN}" "${y//an/AN}" "${y/an}" "${y//a}" "${y/x/y}" "${y/#b/B}" "${y/%a/Z}"
echo "${p//\//_}"
t replace with special characters
z='a.b*c?d'; echo "${z/./X}" "${z/\*/X}" "${z//[.*?]/-}"
t nested
echo "${u:-${e:-deep}}" "${u:-$(echo cmd)}" "${u:-$((1+1))}" "${u:-"q u o"}"
t indirect by eval
n=x; eval "echo \$$n \${$n}"
t special parameters
set -- one two three; echo "$# $1 $3 ${10-none} $0" | sed "s,$SUITE,SUITE,"; (exit 7); echo $?
echo "$-" | tr -d 'cis' 
sh -c 'echo "$0 $1 $#"' name arg
[ "$$" = "$(sh -c 'echo $PPID')" ]; rc
t ten and more
set -- 1 2 3 4 5 6 7 8 9 ten eleven; echo $10 ${10} ${11} $#
t shift
shift; echo $1 $#; shift 3; echo $1 $#; shift 20 2>&1; rc; echo $#
t unset
v=1; unset v; echo "${v-gone}"; f() { echo f; }; unset -f f; f 2>&1; rc
t readonly
(readonly r=1; r=2; echo not reached) 2>&1; rc
(readonly r=1; unset r) 2>&1; rc
t export
export E1=x; sh -c 'echo ${E1-none}'; E2=y; sh -c 'echo ${E2-none}'
E3=z sh -c 'echo $E3'; echo "${E3-none}"; export -n E1; sh -c 'echo ${E1-none}'
t assignments before builtins and functions
g() { echo "g sees $V"; }; V=fn g; echo "${V-none}"; V=bi eval 'echo $V'; echo "${V-none}"
t several assignments
a=1 b=$((1+1)) c=$a; echo $a $b $c
t split of unquoted results
l='1 2  3'; set -- $l; echo $#; set -- "$l"; echo $#; set -- ${u-a b} ; echo $#; set -- "${u-a b}"; echo $#
t bad substitution
sh -c 'echo ${x!y}' 2>&1; rc
sh -c 'echo ${}' 2>&1; rc
t positional from set
set -- -a -- b; echo "$*"; set -- ; echo $#
t case of names
A=1 a=2; echo $A$a; _x9=ok; echo $_x9
t set lists variables
zzz='a b'; set | grep '^zzz='
t getopts
go() { OPTIND=1; while getopts :ab:c o "$@"; do echo "$o ${OPTARG-}"; done; shift $((OPTIND-1)); echo "rest: $*"; }
go -a -b val x; go -abval -c -- -x; go -z; go -b; go x -a
while getopts a o -z; do echo "$o"; done 2>&1
