/*
 * Random system calls with hostile numbers, pointers and lengths; the kernel
 * must stay up. Usage: fuzz [--all] [SEED [COUNT]]
 * A supervisor keeps some workers going; each makes a batch of calls from a
 * seed of its own and may die of them. One without progress is killed. Without
 * --all, for a Linux host: in namespaces and a root folder of its own, as
 * nobody, and without the calls in denied[]. With it, as root and as nobody by
 * turns, in a folder of its own: for a machine that may be lost.
 */
#include <abi/fcntl.h>
#include <abi/inotify.h>
#include <abi/poll.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bits.h"
#include "tree.h"

#define BATCH	   1000
#define WORKERS	   4
#define COUNT	   1000000l
#define ARENA	   (64 * 4096ul) /* memory for the calls to work on */
#define STUCK_MS   20
#define POKE_US	   2000 /* a signal to the worker, to end calls that wait */
#define NOBODY	   65534
#define NR_HIGHEST 460

/** What workers and supervisor share. */
struct board {
	long calls;
	long ok, fault, nosys, other;
	volatile long progress[WORKERS];
};

static struct board *board;
static bool all; /* --all */
static pid_t supervisor;
static unsigned long state; /* of the random numbers */

/* What could harm the host in spite of the sandbox, or leave it changed. */
static const short denied[] = {
	NR_reboot,
	NR_ptrace,
	NR_kexec_load,
	NR_kexec_file_load,
	NR_init_module,
	NR_finit_module,
	NR_delete_module,
	NR_swapon,
	NR_swapoff,
	NR_mount,
	NR_umount2,
	NR_pivot_root,
	NR_chroot,
	NR_acct,
	NR_quotactl,
	NR_quotactl_fd,
	NR_settimeofday,
	NR_clock_settime,
	NR_clock_adjtime,
	NR_adjtimex,
	NR_iopl,
	NR_ioperm,
	NR_syslog,
	NR_vhangup,
	NR_bpf,
	NR_perf_event_open,
	NR_io_uring_setup,
	NR_userfaultfd,
	NR_keyctl,
	NR_add_key,
	NR_request_key,
	NR_unshare,
	NR_setns,
	NR_clone3,
	NR_fanotify_init,
	NR_move_pages,
	NR_migrate_pages,
	NR_process_vm_writev,
	NR_memfd_secret,
	NR_lookup_dcookie,
	NR_nfsservctl,
	NR_sethostname,
	NR_setdomainname,
	NR_open_by_handle_at,
	NR_seccomp,
	NR_landlock_restrict_self,
};

/* Vigna's xorshift64*: any good mixer would do. */
static unsigned long
rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1d;
}

static unsigned long
below(unsigned long n)
{
	return (rnd() >> 11) % n;
}

static const char *const paths[] = {
	"a",
	"b",
	"a/b",
	"d",
	"d/e",
	"d/../a",
	".",
	"..",
	"",
	"/",
	"l",
	"p",
	"none/x",
	"./././a",
	"/proc",
	"/proc/self/maps",
	"/dev/null",
	"/dev/zero",
	"/tmp",
	"/proc/self/status",
	"/proc/self/fd",
	"/proc/meminfo",
};

static char *arena; /* ARENA bytes, then a page that is not there */

/** A pointer: good, at an edge, or of several kinds of bad. */
static unsigned long
any_pointer(void)
{
	unsigned long base = (unsigned long)arena;

	switch (below(12)) {
	case 0:
		return 0;
	case 1:
		return below(65536);
	case 2: /* runs out of its page */
		return base + ARENA - below(64);
	case 3: /* not mapped */
		return base + ARENA + below(4096);
	case 4: /* the kernel's half */
		return 0xffff800000000000ul + (rnd() & 0x7fffffffffff);
	case 5: /* its image */
		return 0xffffffff80000000ul + below(1 << 24);
	case 6: /* no address at all */
		return 0x800000000000ul << below(16);
	case 7: /* our own code */
		return (unsigned long)&any_pointer;
	case 8:
		return (unsigned long)paths[below(ARRAY_SIZE(paths))];
	default:
		return base + below(ARENA / 8) * 8;
	}
}

/** A number: a descriptor, a length, a flag, an edge, anything. */
static unsigned long
any_number(void)
{
	switch (below(8)) {
	case 0:
		return -below(5);
	case 1: /* about a power of two */
		return (1ul << below(64)) + below(3) - 1;
	case 2:
		return rnd();
	case 3: /* some bits of a flag word */
		return rnd() & rnd() & 0xffffffff;
	case 4:
		return below(5) * 4096 + below(3) - 1;
	default:
		return below(24);
	}
}

static unsigned long
any_argument(void)
{
	switch (below(8)) {
	case 0:
	case 1:
	case 2:
		return any_pointer();
	case 3:
		return (unsigned long)paths[below(ARRAY_SIZE(paths))];
	default:
		return any_number();
	}
}

/** Lets the arena hold words that look like lengths, pointers, structures. */
static void
stir_arena(void)
{
	unsigned long *words = (unsigned long *)arena;

	for (int i = 0; i < 64; i++)
		words[below(ARENA / 8)] = any_argument();
}

static int
any_call(void)
{
	switch (below(40)) {
	case 0:
		return (int)rnd();
	case 1 ... 20: /* where the common ones are */
		return (int)below(140);
	default:
		return (int)below(NR_HIGHEST);
	}
}

static bool
is_denied(int nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(denied); i++)
		if (denied[i] == nr)
			return true;
	return false;
}

/** Whether a call is to be left out: it ends the worker, or us. */
static bool
left_out(int nr, const unsigned long *arg)
{
	int pid = (int)arg[0];

	switch (nr) {
	case NR_exit:
	case NR_exit_group:
	case NR_rt_sigreturn:
		return below(50) !=
		       0; /* too often, and nothing else is tried */
	case NR_kill:
	case NR_tkill:
	case NR_tgkill:
	case NR_rt_sigqueueinfo:
	case NR_rt_tgsigqueueinfo:
	case NR_setpriority:
	case NR_prlimit64:
	case NR_sched_setscheduler:
	case NR_sched_setparam:
	case NR_sched_setattr:
	case NR_sched_setaffinity:
		return pid == -1 || pid == supervisor || pid == -supervisor ||
		       (int)arg[1] == supervisor;
	default:
		return !all && is_denied(nr);
	}
}

/* By itself and inline: the library's memory may be gone already. */
static inline __attribute__((always_inline)) long
call(long nr, const unsigned long *a)
{
	register unsigned long r10 __asm__("r10") = a[3];
	register unsigned long r8 __asm__("r8") = a[4];
	register unsigned long r9 __asm__("r9") = a[5];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static void
add_one(long *sum)
{
	__atomic_add_fetch(sum, 1, __ATOMIC_RELAXED);
}

static void
note(int slot, long result)
{
	board->progress[slot]++;
	add_one(&board->calls);
	if (result == -ENOSYS)
		add_one(&board->nosys);
	else if (result == -EFAULT)
		add_one(&board->fault);
	else if (result < 0 && result >= -EMAX)
		add_one(&board->other);
	else
		add_one(&board->ok);
}

static void
poked(int sig)
{
	(void)sig;
}

/** One of each kind that is not opened by name. */
static void
open_event_files(void)
{
	struct epoll_event e = { EPOLLIN | EPOLLOUT, 0 };
	ksigset_t set = KSIGMASK(SIGUSR1) | KSIGMASK(SIGCHLD);
	int ep = (int)syscall(NR_epoll_create1, 0);
	int outer = (int)syscall(NR_epoll_create1, 0);
	int fd = (int)syscall(NR_eventfd2, 1, O_NONBLOCK);

	syscall(NR_epoll_ctl, ep, EPOLL_CTL_ADD, fd, &e);
	syscall(NR_epoll_ctl, outer, EPOLL_CTL_ADD, ep, &e);
	syscall(NR_timerfd_create, CLOCK_REALTIME, O_NONBLOCK);
	syscall(NR_signalfd4, -1, &set, KSIGSET_SIZE, O_NONBLOCK);
	fd = (int)syscall(NR_inotify_init1, O_NONBLOCK);
	syscall(NR_inotify_add_watch, fd, ".", IN_ALL_EVENTS);
}

/** Pairs of each type, a listener with a name that others know, and a socket in
 * the queue of another. */
static void
open_sockets(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	struct sockaddr_un un = { AF_UNIX, "s" };
	struct {
		struct cmsghdr head;
		int fd;
	} control = { { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS }, 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int s[2];

	for (int i = 0; i < 3; i++)
		if (socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, s) == 0) {
			control.fd = s[i % 2];
			sendmsg(s[0], &m, 0);
		}
	s[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(s[0], (struct sockaddr *)&un, sizeof(un));
	listen(s[0], 2);
	connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un,
		sizeof(un));
}

/** Files, descriptors and limits for a worker's calls to meet. */
static void
prepare_worker(bool root)
{
	struct sigaction act = { .sa_handler = poked };
	struct itimerval it = { { 0, POKE_US }, { 0, POKE_US } };
	struct rlimit size = { 1 << 20, 1 << 20 }, procs = { 50, 50 };
	struct rlimit memory = { 256 << 20, 256 << 20 };
	int null = open("/dev/null", O_RDWR), p[2];

	setsid();
	for (int fd = 0; fd < 3; fd++)
		dup2(null < 0 ? open("a", O_RDWR | O_CREAT, 0644) : null, fd);
	for (int fd = 3; fd < 20; fd++)
		close(fd);
	setrlimit(RLIMIT_FSIZE, &size);
	setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_NPROC, &procs);
	mkdir("d", 0777);
	symlink("l", "l");
	mkfifo("p", 0666);
	if (!root) {
		setgroups(0, NULL);
		setresgid(NOBODY, NOBODY, NOBODY);
		setresuid(NOBODY, NOBODY, NOBODY);
	}
	open("a", O_RDWR | O_CREAT, 0666);
	open(".", O_RDONLY);
	pipe(p);
	pipe2(p, O_NONBLOCK);
	open("/dev/zero", O_RDWR);
	open_event_files();
	open_sockets();
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

/** Makes a batch of calls. What a call forks or clones ends at once. */
static void
work(unsigned long seed, long batch, int slot)
{
	long self;

	state = (seed + 1) * 0x9e3779b97f4a7c15 + (unsigned long)batch;
	for (int i = 0; i < 10; i++)
		rnd();
	prepare_worker(all && batch % 2 == 0);
	self = syscall_raw(NR_gettid);
	for (int i = 0; i < BATCH; i++) {
		unsigned long arg[6];
		int nr = any_call();
		long result;

		for (int k = 0; k < 6; k++)
			arg[k] = any_argument();
		if (left_out(nr, arg))
			continue;
		result = call(nr, arg);
		if (syscall_raw(NR_gettid) != self)
			syscall_raw(NR_exit, 0);
		note(slot, result);
		if (i % 16 == 0)
			stir_arena();
	}
	syscall_raw(NR_exit_group, 0);
}

/** The supervisor's view of a worker. */
struct worker {
	pid_t pid; /* 0: none */
	long last; /* its progress when we last looked */
	int still; /* how often there was none */
};

static struct worker workers[WORKERS];
static long batches, killed;

/** Starts a worker where there is none. */
static void
start_workers(unsigned long seed)
{
	for (int i = 0; i < WORKERS; i++) {
		pid_t pid;

		if (workers[i].pid != 0)
			continue;
		pid = fork();
		if (pid == 0)
			work(seed, batches, i);
		if (pid > 0) { /* else workers' children are still going */
			workers[i] = (struct worker){ .pid = pid };
			batches++;
		}
	}
}

/** Reaps the workers that have ended, and what they left. */
static void
reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < WORKERS; i++)
			if (workers[i].pid == pid) {
				workers[i].pid = 0;
				killed += WIFSIGNALED(status);
			}
}

/** Kills the workers that have made no progress for a while. */
static void
kill_stuck(void)
{
	for (int i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];

		w->still = board->progress[i] == w->last ? w->still + 1 : 0;
		w->last = board->progress[i];
		if (w->pid != 0 && w->still >= STUCK_MS) {
			kill(w->pid, SIGKILL);
			w->still = 0;
		}
	}
}

static void
end_workers(void)
{
	for (int i = 0; i < WORKERS; i++)
		while (workers[i].pid != 0) {
			kill(workers[i].pid, SIGKILL);
			reap();
		}
}

/** Runs workers until enough calls were made. */
static void
supervise(unsigned long seed, long count)
{
	struct timespec tick = { 0, 1000000 };

	supervisor = getpid();
	while (board->calls < count) {
		start_workers(seed);
		nanosleep(&tick, NULL);
		reap();
		kill_stuck();
	}
	end_workers();
	printf("fuzz: seed %lu, %ld calls by %ld workers, %ld of them killed\n"
	       "fuzz: %ld succeeded, %ld EFAULT, %ld ENOSYS, %ld other "
	       "errors\n",
	       seed, board->calls, batches, killed, board->ok, board->fault,
	       board->nosys, board->other);
}

/**
 * Goes on in namespaces of our own (processes, mounts, network, IPC, names) and
 * a root folder; the process that stays outside cleans up.
 */
static void
enter_sandbox(const char *folder)
{
	int status;
	pid_t child;

	if (syscall(NR_unshare, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET |
					CLONE_NEWIPC | CLONE_NEWUTS) < 0) {
		perror("fuzz: no sandbox (it takes root, or --all)");
		rmdir(folder);
		exit(2);
	}
	child = fork(); /* process 1 of the new name space */
	if (child == 0) {
		if (chroot(folder) == 0 && chdir("/") == 0)
			return;
		perror("fuzz: chroot");
		_exit(2);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	remove_tree(folder);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void *
map(size_t size, int flags)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("fuzz: mmap");
		exit(2);
	}
	return p;
}

int
main(int argc, char **argv)
{
	char folder[] = "/tmp/fuzz.XXXXXX";
	unsigned long seed;
	long count;

	if (argc > 1 && strcmp(argv[1], "--all") == 0) {
		all = true;
		argv++;
		argc--;
	}
	seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	count = argc > 2 ? strtol(argv[2], NULL, 0) : COUNT;
	board = map(4096, MAP_SHARED);
	arena = map(ARENA + 4096, MAP_PRIVATE);
	munmap(arena + ARENA, 4096);
	if (mkdtemp(folder) == NULL || chdir(folder) < 0 ||
	    chmod(folder, 0777) < 0) {
		perror("fuzz: /tmp");
		return 2;
	}
	if (!all)
		enter_sandbox(folder);
	supervise(seed, count);
	if (all && chdir("/") == 0)
		remove_tree(folder);
	return 0;
}
