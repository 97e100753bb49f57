# od, hexdump, xxd.
. "$SUITE/lib.sh"

printf 'Hello, world!\n\0\001\002\177\200\377tail of it, longer than a line.\n' >b; head -c 100 /dev/zero >z
t od
od b; od -c b; od -x b; od -b b; od -d b; od -o b; od -An -tx1 b; od -t d2 b; od -t u4 b; od -t x8 b; od -A d -t o1 b; od -A x -tc b; od -j 5 -N 8 -c b; od z; od -v z | wc -l; od -w8 -An -tx1 b | head -n 2; od -s b 2>&1 | head -n 1; od -t a b | head -n 2; od -t f4 -N 8 z; od b z | tail -n 2; od -i -N 8 b; od <b | head -n 1; od -N 0 b; printf '\001' | od; printf 1234567 | od -tx4
t hexdump
hexdump b; hexdump -C b; hexdump -c b | head -n 2; hexdump -b b | head -n 1; hexdump -d b | head -n 1; hexdump -o b | head -n 1; hexdump -x b | head -n 1; hexdump -s 5 -n 8 -C b; hexdump z; hexdump -v z | wc -l; hexdump -e '4/1 "%02x " "\n"' -n 12 b; hexdump -e '"%08.8_ax " 8/1 "%02x" "\n"' -n 16 b; hexdump -n 0 b; hexdump -C b z | tail -n 3
t xxd
xxd b; xxd -p b; xxd -l 10 b; xxd -s 4 -l 4 b; xxd -c 8 b | head -n 2; xxd -g 1 b | head -n 1; xxd -p b | xxd -r -p | cmp - b; rc; xxd b | xxd -r | cmp - b; rc; xxd -i b 2>&1 | head -n 2; echo 616263 | xxd -r -p; echo
