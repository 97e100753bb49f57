# IFS and field splitting.
. "$SUITE/lib.sh"

c() { printf '%s:' $#; for a; do printf '<%s>' "$a"; done; echo; }
t default
x=' a  b	c
d '; c $x; c "$x"
t colon
IFS=:; x=a:b::c:; c $x; x=:a; c $x; x=::; c $x; unset IFS
t mixed space and colon
IFS=' :'; x='a : b:c  d ::e'; c $x; unset IFS
t empty
IFS=; x='a b c'; c $x; unset IFS
t newline only
IFS='
'; x='a b
c d'; c $x; unset IFS
t letters
IFS=x; v=axbxc; c $v; unset IFS
t unset is default
unset IFS; x='a	b c'; c $x
t join by star
set -- a b c; IFS=-; echo "$*"; echo "$@"; IFS=; echo "$*"; unset IFS; echo "$*"
t substitution results
IFS=,; c $(echo a,b,c); c "$(echo a,b)"; unset IFS
t arithmetic results are split
IFS=1; c $((212)); unset IFS
t no splitting in assignment, case, double quotes
IFS=:; x=a:b; y=$x; case $x in a:b) echo same;; esac; echo "$y"; unset IFS
t only results of expansions
IFS=o; c foo $(echo foo); unset IFS
t path-like
IFS=:; for d in $(echo /bin:/usr/bin:/sbin); do printf '[%s]' $d; done; echo; unset IFS
t set from a line
IFS=:; set -- $(echo root:x:0:0:root:/root:/bin/sh); echo $# $1 $7; unset IFS
t backslash
IFS='\'; x='a\b\c'; c $x; unset IFS
t glob after splitting
touch g1 g2; IFS=:; x='g*:z'; c $x; unset IFS
t at in for with IFS
IFS=:; set -- 'a:b' c; for i in "$@"; do echo "$i"; done; for i in $@; do echo "$i"; done; unset IFS
t exported to a child
IFS=: sh -c 'x="a:b c"; set -- $x; echo $#'
t local IFS
f() { local IFS=,; echo "$*"; }; f 1 2 3; set -- 1 2; echo "$*"
