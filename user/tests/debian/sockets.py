"""What Python's library asks of sockets, and asyncio of epoll."""

import asyncio
import os
import select
import socket
import subprocess
import threading


def case(name):
    print("##", name, flush=True)


case("sockets")
a, b = socket.socketpair()
a.sendall(b"to b")
print(b.recv(10), select.select([a, b], [], [], 0)[0] == [])
b.sendall(b"to a")
print(a.recv(2), a.recv(10))
a.shutdown(socket.SHUT_WR)
print(b.recv(1))
with open("passed", "w+", encoding="ascii") as f:
    socket.send_fds(b, [b"fd"], [f.fileno()])
    data, fds, _, _ = socket.recv_fds(a, 10, 1)
    os.write(fds[0], b"by another descriptor")
    f.seek(0)
    print(data, f.read())
server = socket.socket(socket.AF_UNIX)
server.bind("sock")
server.listen()


def serve():
    connection, _ = server.accept()
    with connection, connection.makefile("rw") as stream:
        stream.write("echo " + stream.readline())


thread = threading.Thread(target=serve)
thread.start()
with socket.socket(socket.AF_UNIX) as client:
    client.connect("sock")
    client.sendall(b"hello\n")
    print(client.makefile().read())
thread.join()


async def asynchronous():
    child = await asyncio.create_subprocess_exec(
        "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    print(await child.communicate(b"by epoll"))
    print(await asyncio.gather(*(asyncio.sleep(0.01 * (3 - i), i)
                                 for i in range(3))))


case("asyncio")
asyncio.run(asynchronous())
