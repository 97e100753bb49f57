# Python's sockets and asyncio (sockets.py), and who waits for events of files.
. "$SUITE/lib.sh"

python3 "$SUITE/sockets.py"; rc
t tail waits for a file to grow
echo one >f; tail -f -n 1 f >out & while ! [ -s out ]; do sleep 0.01; done; echo two >>f; until grep -q two out; do sleep 0.01; done; kill $!; wait $! 2>/dev/null; cat out
t users
su -c id student; su - student -c pwd; su student -c 'echo x >no'; rc
