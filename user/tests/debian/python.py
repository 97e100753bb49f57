"""What Python's library asks of a kernel: threads, processes, files, memory."""

import concurrent.futures
import errno
import fcntl
import hashlib
import mmap
import os
import queue
import resource
import select
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time


def case(name):
    print("##", name, flush=True)


case("threads")
lock, total = threading.Lock(), [0]


def add(n):
    for _ in range(500):
        with lock:
            total[0] += n


threads = [threading.Thread(target=add, args=(i,)) for i in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(total[0], threading.active_count())
jobs, done = queue.Queue(5), queue.Queue()


def worker():
    while (job := jobs.get()) is not None:
        done.put(job * job)


threads = [threading.Thread(target=worker) for _ in range(4)]
for thread in threads:
    thread.start()
for i in range(200):
    jobs.put(i)
for _ in threads:
    jobs.put(None)
for thread in threads:
    thread.join()
print(sum(done.get() for _ in range(200)))
barrier, event = threading.Barrier(5), threading.Event()
with concurrent.futures.ThreadPoolExecutor(5) as pool:
    ranks = list(pool.map(lambda _: barrier.wait(), range(5)))
    waiting = pool.submit(event.wait, 30)
    event.set()
    print(sorted(ranks), waiting.result(), event.wait(0))
condition = threading.Condition()
with condition:
    print(condition.wait(0.02))
local = threading.local()
local.x = 1
thread = threading.Thread(target=lambda: print(hasattr(local, "x")))
thread.start()
thread.join()

case("subprocesses")
print(subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 3"],
                     capture_output=True, check=False))
child = subprocess.Popen(["tr", "a-z", "A-Z"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
out = child.communicate(b"hello " * 50000)[0]
print(len(out), hashlib.md5(out).hexdigest(), child.returncode)
try:
    subprocess.run(["sleep", "10"], timeout=0.1, check=False)
except subprocess.TimeoutExpired:
    print("timed out")
try:
    subprocess.run(["/no/such"], check=False)
except FileNotFoundError as error:
    print(error)
child = subprocess.Popen(["sleep", "10"], start_new_session=True)
os.killpg(child.pid, signal.SIGTERM)
print(child.wait())
print(subprocess.check_output("pwd; ulimit -n; echo $X", shell=True, cwd="/usr",
                              env={"X": "y"}, text=True,
                              preexec_fn=lambda: resource.setrlimit(
                                  resource.RLIMIT_NOFILE, (64, 64))))
r, w = os.pipe()
print(subprocess.run(["sh", "-c", f"echo through >&{w}"], pass_fds=[w],
                     check=False).returncode, os.read(r, 99))
os.close(r)
os.close(w)
print(os.spawnlp(os.P_WAIT, "sh", "sh", "-c", "exit 9"))
pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 6"], {})
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

case("fork")
shared = mmap.mmap(-1, 4096)
private = [1]
pid = os.fork()
if pid == 0:
    shared[0] = 7
    private[0] = 2
    os._exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shared[0], private)
try:
    os.waitpid(-1, 0)
except ChildProcessError as error:
    print(error)

case("files")
for i in range(3):
    os.makedirs(f"walk/d{i}/e", exist_ok=True)
    for j in range(4):
        with open(f"walk/d{i}/f{j}", "w", encoding="ascii") as f:
            f.write("x" * i * j)
os.symlink("d0", "walk/link")
for folder, folders, files in sorted(os.walk("walk")):
    print(folder, sorted(folders), sorted(files))
print(sorted((e.name, e.is_dir(), e.is_symlink()) for e in os.scandir("walk")))
with tempfile.TemporaryFile() as f:
    f.write(b"0123456789" * 1000)
    f.seek(5000)
    print(f.read(4), os.fstat(f.fileno()).st_nlink, f.truncate(10))
with tempfile.NamedTemporaryFile(dir=".") as f:
    fcntl.flock(f, fcntl.LOCK_EX)
    with open(f.name, "rb") as g:
        try:
            fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            print(error.errno == errno.EWOULDBLOCK)
fd = os.open("dirfd", os.O_RDWR | os.O_CREAT)
print(os.pwrite(fd, b"abc", 5), os.pread(fd, 10, 4), os.lseek(fd, 0, os.SEEK_END))
os.ftruncate(fd, 2)
print(os.fstat(fd).st_size, stat.filemode(os.fstat(fd).st_mode))
os.utime("dirfd", ns=(1, 2))
print(os.stat("dirfd").st_mtime_ns, os.access("dirfd", os.X_OK))
os.rename("dirfd", "renamed")
print(os.path.exists("dirfd"), os.sendfile(1, fd, 0, 0), os.get_inheritable(fd))
os.close(fd)
for call in (lambda: os.rmdir("walk"), lambda: os.open("walk/no", os.O_RDONLY),
             lambda: os.listdir("renamed"), lambda: os.read(99, 1)):
    try:
        call()
    except OSError as error:
        print(type(error).__name__, error.strerror)

case("mapped memory")
with open("mapped", "wb") as f:
    f.write(bytes(10000))
with open("mapped", "r+b") as f:
    m = mmap.mmap(f.fileno(), 0)
    m[5000:5005] = b"hello"
    m.flush()
    print(m.find(b"hello"), m.rfind(b"l"), len(m))
    m.resize(20000)
    m[19999] = 1
    m.close()
    print(os.stat("mapped").st_size)
    m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY)
    m[5000] = 0
    m.madvise(mmap.MADV_SEQUENTIAL)
    m.close()
    print(f.seek(5000), f.read(5))
fd = os.memfd_create("scratch", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
os.write(fd, b"in memory")
fcntl.fcntl(fd, 1033, 2 | 4)        # F_ADD_SEALS: SHRINK, GROW
for size in (3, 99):
    try:
        os.ftruncate(fd, size)
    except PermissionError as error:
        print(error)
print(os.pread(fd, 99, 0), os.readlink(f"/proc/self/fd/{fd}"),
      fcntl.fcntl(fd, 1034))
os.close(fd)

case("waiting for descriptors")
r, w = os.pipe()
print(select.select([r], [], [], 0.01), select.select([], [w], [], 1) == ([], [w], []))
os.write(w, b"x")
print(select.select([r], [w], [], None) == ([r], [w], []))
p = select.poll()
p.register(r, select.POLLIN)
p.register(w, select.POLLOUT)
print(sorted(event for _, event in p.poll(0)))
os.close(w)
os.read(r, 1)
print(p.poll(0)[0][1] & select.POLLHUP)
os.close(r)
if hasattr(os, "eventfd"):
    fd = os.eventfd(3, os.EFD_SEMAPHORE)
    print(os.eventfd_read(fd), os.eventfd_read(fd))
    os.close(fd)

case("signals and time")
signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
begin = time.monotonic()
signal.setitimer(signal.ITIMER_REAL, 0.05)
time.sleep(0.1)
print(time.monotonic() - begin >= 0.1)
signal.signal(signal.SIGUSR1, lambda number, _: print("got", number))
os.kill(os.getpid(), signal.SIGUSR1)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
os.kill(os.getpid(), signal.SIGUSR1)
print(signal.sigpending(), signal.sigwait([signal.SIGUSR1]))
try:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
except KeyboardInterrupt:
    print("interrupted")
print(time.process_time() > 0, time.clock_getres(time.CLOCK_MONOTONIC) < 0.1)

case("the process")
print(os.getuid(), os.getgid(), os.umask(0o22), os.nice(3) - os.nice(0),
      os.getpriority(0, 0) == os.nice(0))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 1000,
      resource.getrlimit(resource.RLIMIT_CORE))
print(len(os.urandom(16)), len(os.sched_getaffinity(0)) == os.cpu_count())
print(os.uname().sysname, os.sysconf("SC_PAGESIZE"), sys.getrecursionlimit())


def deep(n):
    return n and deep(n - 1) + 1


print(deep(900))
data = bytearray(50_000_000)
data[::4096] = b"\1" * len(data[::4096])
print(sum(data))
