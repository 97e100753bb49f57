# make -j4 of a small project by tcc; again when something has changed.
. "$SUITE/lib.sh"

cp -r "$SUITE/project" p; cd p; find . -exec touch -d '2020-01-01' {} +
t all of it
make -j4 >out 2>&1; rc; sort out; ./calc '(1 + 2) * 3 - 4 / (5 - 3)'; ./calc '2 ^ 3 ^ 2'; ./calc '1 +'; rc; ./calc '1 / 0'; rc
t nothing to do, one file, a header
make -j4; touch lexer.c; make; touch calc.h; make -j4 | sort
t rules
make -n clean; make -s check; rc; make nosuch; rc; make print-OBJS; make -j4 slow; rc; make clean; ls
t a failure
echo 'int x = ;' >lexer.c; make 2>&1 | sed 's/^make.*: \*\*\*/***/'; rc; make -k -j2 >/dev/null 2>&1; rc; ls *.o | sort
