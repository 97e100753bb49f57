/*
 * Random system calls with hostile numbers, pointers and lengths; the kernel
 * must stay up. Usage: fuzz [--all] [SEED [COUNT]]
 * A supervisor keeps some workers going; each makes a batch of calls from a
 * seed of its own and may die of them. One without progress is killed. Without
 * --all, for a Linux host: in namespaces and a root folder of its own, as
 * nobody, and without the calls in denied[]. With it, as root and as nobody by
 * turns, in a folder of its own: for a machine that may be lost.
 */
#include <abi/elf.h>
#include <abi/inotify.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "fuzzargs.h"
#include "fuzzcalls.h"
#include "fuzzroot.h"
#include "tree.h"

#define BATCH	 1000
#define FORKED	 20  /* calls that a forked child makes */
#define REFRESH	 16  /* calls until a worker sees to its signals again */
#define REOPEN	 200 /* until it opens its files again */
#define WORKERS	 8
#define COUNT	 1000000l
#define STUCK	 20 /* looks at a worker without progress */
#define LOOK_US	 1000
#define YOUNGER	 1000 /* numbers that the last worker's children may have */
#define POKE_US	 1000 /* a signal to the worker, to end calls that wait */
#define NRS	 512
#define EXECUTED 42			  /* the status of what execve runs */
#define LEAST	 10			  /* calls of a worker, on average */
#define BOARD	 ((void *)0x123456789000) /* what no argument points to */

/** What workers and supervisor share. */
struct board {
	long calls;
	long made[NRS], ok[NRS]; /* by the call's number */
	long good, fault, nosys, other;
	volatile long progress[WORKERS];
};

static struct board *board;
static bool all; /* --all */
static pid_t supervisor;
static int null_fd;

/* Which of specs[] a number is, plus 1; 0: none. */
static short spec_of[NRS];

/** A call of the list, or in one case of 16 any number. */
static int
any_call(void)
{
	if (below(16) == 0)
		return below(4) ? (int)below(NRS) : (int)rnd();
	return specs[below(ARRAY_SIZE(specs))].nr;
}

/** In one call of four anything; else what fits, but for one in ten. */
static void
any_arguments(int nr, unsigned long *arg, long self)
{
	bool known = nr >= 0 && nr < NRS && spec_of[nr] && below(4);
	const char *letters = known ? specs[spec_of[nr] - 1].args : "xxxxxx";

	letters += *letters == '!';
	for (int i = 0; i < 6; i++) {
		char letter = *letters ? *letters++ : '0';

		arg[i] = below(10) ? typed(letter, self) : any_argument();
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

/* What is mounted elsewhere nobody would find again. */
static bool
is_mount_point(unsigned long name)
{
	for (size_t i = 0; i < ARRAY_SIZE(mount_points); i++)
		if (name == (unsigned long)mount_points[i])
			return true;
	return name < 4096; /* of no process */
}

static bool
is_root_folder(const char *where)
{
	return strcmp(where, "/") == 0;
}

/* Anywhere else, what is mounted would have to be removed file by file by each
 * worker that begins. */
static bool
is_in_place(const char *where)
{
	for (size_t i = 0; i < ARRAY_SIZE(mount_points); i++)
		if (strcmp(where, mount_points[i]) == 0)
			return true;
	return is_root_folder(where) || strcmp(where, "/proc") == 0;
}

/* The supervisor, and who may wait for it: they are older. */
static bool
is_ours(int pid)
{
	return pid > 1 && pid <= supervisor;
}

/** Whether a call is to be left out: it ends the worker, or us. */
static bool
left_out(int nr, const unsigned long *arg)
{
	int pid = (int)arg[0];

	switch (nr) {
	case NR_exit:
	case NR_exit_group:
	case NR_rt_sigreturn: /* too often, and nothing else is tried */
		return below(20) != 0;
	case NR_execve:
	case NR_execveat:
		return below(8) != 0;
	case NR_close_range: /* and of most files */
		return below(20) != 0;
	case NR_mount:
		return !all || !is_mount_point(arg[1]);
	case NR_umount2:
		return !all || !is_mount_point(arg[0]);
	case NR_tgkill:
	case NR_rt_tgsigqueueinfo:
	case NR_setpriority:
		if (is_ours((int)arg[1]))
			return true;
		__attribute__((fallthrough));
	case NR_kill:
	case NR_tkill:
	case NR_rt_sigqueueinfo:
	case NR_prlimit64:
	case NR_sched_setscheduler:
	case NR_sched_setparam:
	case NR_sched_setattr:
	case NR_sched_setaffinity:
		return pid == -1 || is_ours(pid) || is_ours(-pid);
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
note(int nr, int slot, long result)
{
	bool good = result >= 0 || result < -EMAX;

	board->progress[slot]++;
	add_one(&board->calls);
	if (nr >= 0 && nr < NRS) {
		add_one(&board->made[nr]);
		if (good)
			add_one(&board->ok[nr]);
	}
	add_one(good		    ? &board->good
		: result == -ENOSYS ? &board->nosys
		: result == -EFAULT ? &board->fault
				    : &board->other);
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
	syscall(NR_pidfd_open, getpid(), 0);
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
	unlink(un.sun_path);
	s[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	bind(s[0], (struct sockaddr *)&un, sizeof(un));
	listen(s[0], 2);
	connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un,
		sizeof(un));
	socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

/** The smallest program, for execve: exits with EXECUTED. */
static void
make_program(const char *name)
{
	static const unsigned char code[] = {
		0x31,	       0xff, 0x40, 0xb7, EXECUTED, 0xb8,
		NR_exit_group, 0,    0,	   0,	 0x0f,	   0x05
	};
	struct {
		Elf64_Ehdr file;
		Elf64_Phdr segment;
		unsigned char code[sizeof(code)];
	} program = {
		{ .e_ident = ELFMAG,
		  .e_type = ET_EXEC,
		  .e_machine = EM_X86_64,
		  .e_version = EV_CURRENT,
		  .e_entry = 0x400000 + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
		  .e_phoff = sizeof(Elf64_Ehdr),
		  .e_ehsize = sizeof(Elf64_Ehdr),
		  .e_phentsize = sizeof(Elf64_Phdr),
		  .e_phnum = 1 },
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_X,
		  .p_vaddr = 0x400000,
		  .p_filesz = sizeof(program),
		  .p_memsz = sizeof(program),
		  .p_align = 4096 },
		{ 0 },
	};
	int fd = open(name, O_WRONLY | O_CREAT, 0755);

	program.file.e_ident[EI_CLASS] = ELFCLASS64;
	program.file.e_ident[EI_DATA] = ELFDATA2LSB;
	program.file.e_ident[EI_VERSION] = EV_CURRENT;
	memcpy(program.code, code, sizeof(code));
	write(fd, &program, sizeof(program));
	close(fd);
}

/** Limits, so that no worker uses up what others need. */
static void
limit_worker(void)
{
	struct rlimit size = { 1 << 20, 1 << 20 }, procs = { 100, 100 };
	struct rlimit memory = { 256 << 20, 256 << 20 };

	setrlimit(RLIMIT_FSIZE, &size);
	setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_NPROC, &procs);
}

/** Descriptors for a worker's calls to meet. */
static void
open_files(void)
{
	int p[2];

	open("a", O_RDWR | O_NONBLOCK);
	open("a", O_RDWR | O_NONBLOCK | O_APPEND);
	open("b", O_RDWR | O_NONBLOCK | O_CREAT, 0666);
	open("p", O_RDWR | O_NONBLOCK);
	open(".", O_RDONLY);
	open("d", O_RDONLY | O_NONBLOCK);
	pipe(p);
	pipe2(p, O_NONBLOCK);
	pipe2(p, O_NONBLOCK);
	write(p[1], "pipe", 4);
	open("/dev/zero", O_RDWR);
	open("/dev/ptmx", O_RDWR | O_NOCTTY);
	open_event_files();
	open_sockets();
}

/** No signal but those of faults ends a worker; and it gets one all the time,
 * so that no call waits for long. By raw calls: see call(). */
static inline __attribute__((always_inline)) void
refresh_signals(void)
{
	static struct itimerval often = { { 0, POKE_US }, { 0, POKE_US } };
	static unsigned long none;

	syscall_raw(NR_rt_sigaction, SIGALRM, &poke, 0, KSIGSET_SIZE);
	syscall_raw(NR_rt_sigprocmask, SIG_SETMASK, &none, 0, KSIGSET_SIZE);
	syscall_raw(NR_setitimer, ITIMER_REAL, &often, 0);
}

static void
catch_signals(void)
{
	struct sigaction act = { .sa_handler = poked };

	sigaction(SIGALRM, &act, NULL);
	syscall(NR_rt_sigaction, SIGALRM, NULL, &poke, KSIGSET_SIZE);
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGSEGV && sig != SIGBUS && sig != SIGILL &&
		    sig != SIGFPE && sig != SIGTRAP)
			syscall(NR_rt_sigaction, sig, &poke, NULL,
				KSIGSET_SIZE);
}

/** Whether there is no @p name of this type; what else has the name goes. */
static bool
is_missing(const char *name, mode_t type)
{
	struct stat st;

	if (lstat(name, &st) == 0 && (st.st_mode & S_IFMT) == type)
		return false;
	remove_tree(name);
	return true;
}

/** The files that others may have made something else of. */
static void
make_files(void)
{
	if (is_missing("a", S_IFREG))
		close(open("a", O_WRONLY | O_CREAT, 0666));
	if (is_missing("d", S_IFDIR))
		mkdir("d", 0777);
	mkdir("d/e", 0777);
	if (is_missing("p", S_IFIFO))
		mkfifo("p", 0666);
	symlink("l", "l");
	remove_tree("e"); /* it may be anything by now */
	make_program("e");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		remove_tree(names[i]);
}

static void
prepare_worker(bool root)
{
	setsid();
	for (int fd = 0; fd < 3; fd++)
		dup2(null_fd, fd);
	for (int fd = 3; fd < 20; fd++)
		close(fd);
	limit_worker();
	if (all)
		clear_mounts(is_in_place);
	make_files();
	if (!root) {
		setgroups(0, NULL);
		setresgid(NOBODY, NOBODY, NOBODY);
		setresuid(NOBODY, NOBODY, NOBODY);
	}
	open_files();
	catch_signals();
}

/** Makes a batch of calls. What a call clones ends at once, but a forked child
 * with memory of its own goes on for a while. */
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

		if (i % REFRESH == 0) {
			refresh_signals();
			stir_arena();
		}
		if (i % REOPEN == REOPEN - 1)
			open_files();
		any_arguments(nr, arg, self);
		if (left_out(nr, arg))
			continue;
		result = call(nr, arg);
		if (syscall_raw(NR_gettid) != self) {
			if (nr != NR_fork)
				syscall_raw(NR_exit, 0);
			syscall_raw(NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
			self = syscall_raw(NR_gettid);
			i = MAX(i, BATCH - FORKED) / REFRESH * REFRESH - 1;
			state ^= (unsigned long)i << 32;
		}
		note(nr, slot, result);
		/* Below its root, .. would lead out of ours. */
		if (nr == NR_chroot && result == 0)
			break;
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
static long batches, killed, executed;
static int newest; /* the youngest worker's number */

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
			newest = MAX(newest, pid);
			workers[i] = (struct worker){ .pid = pid };
			batches++;
		}
	}
}

/** Reaps the workers that have ended, and what they left to us. */
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
				executed += WIFEXITED(status) &&
					    WEXITSTATUS(status) == EXECUTED;
				kill(-pid, SIGKILL); /* its children */
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
		if (w->pid != 0 && w->still >= STUCK) {
			kill(w->pid, SIGKILL);
			w->still = 0;
		}
	}
}

static void
end_workers(void)
{
	int left = 5000;

	for (int i = 0; i < WORKERS; i++)
		while (workers[i].pid != 0) {
			kill(workers[i].pid, SIGKILL);
			reap();
		}
	/* Their children come to us: a process is still there, or none. They
	 * may have left their groups, and wait with all signals blocked. */
	while (waitpid(-1, NULL, WNOHANG) >= 0 && --left > 0) {
		for (int pid = supervisor + 1; pid <= newest + YOUNGER; pid++)
			if (waitpid(pid, NULL, WNOHANG) == 0)
				kill(pid, SIGKILL);
		usleep(LOOK_US);
	}
	if (left == 0)
		printf("fuzz: a child of a worker does not end\n");
}

/** How often each call was made, and how often it succeeded. */
static void
print_calls(void)
{
	const struct spec *s;

	for (s = specs; s < specs + ARRAY_SIZE(specs); s++)
		printf("fuzz: call %-24s %8ld %8ld%s\n", s->name,
		       board->made[s->nr], board->ok[s->nr],
		       board->made[s->nr] > 0 && board->ok[s->nr] == 0 &&
				       s->args[0] != '!'
			       ? " NEVER"
			       : "");
}

/** Whether the workers made their calls, and none wrote upon the board: its
 * sums agree, but for workers that were killed between one and the next. */
static bool
is_plausible(long count)
{
	long sum = board->good + board->fault + board->nosys + board->other;

	if (board->calls < count)
		printf("fuzz: workers end without calls\n");
	else if (sum > board->calls || sum < board->calls - count / 10)
		printf("fuzz: a call wrote upon the board\n");
	else
		return true;
	return false;
}

/** Runs workers until enough calls were made. @return whether they were */
static bool
supervise(unsigned long seed, long count)
{
	supervisor = getpid();
	syscall(NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	while (board->calls < count && batches < WORKERS + count / LEAST) {
		start_workers(seed);
		usleep(LOOK_US);
		reap();
		kill_stuck();
	}
	end_workers();
	print_calls();
	printf("fuzz: seed %lu, %ld calls by %ld workers, %ld of them killed, "
	       "%ld ended by execve\n"
	       "fuzz: %ld succeeded, %ld EFAULT, %ld ENOSYS, %ld other "
	       "errors\n",
	       seed, board->calls, batches, killed, executed, board->good,
	       board->fault, board->nosys, board->other);
	return is_plausible(count);
}

/** Runs the workers with @p folder, where we are, for a root. */
static int
run_in(const char *folder, unsigned long seed, long count)
{
	int root = open("/", O_RDONLY | O_DIRECTORY);
	bool done;

	furnish(all);
	if (root < 0 || chroot(".") < 0) {
		perror("fuzz: no root folder (it takes root)");
		return 2;
	}
	done = supervise(seed, count);
	clear_segments();
	if (!all) /* who waits outside cleans up */
		return !done;
	clear_mounts(is_root_folder);
	if (fchdir(root) < 0 || chroot(".") < 0) {
		perror("fuzz: no way back");
		return 2;
	}
	close(root);
	remove_tree(folder);
	return !done;
}

/**
 * Goes on in namespaces of our own (processes, mounts, network, IPC, names);
 * the process that stays outside cleans up.
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
	if (child == 0)
		return;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	remove_tree(folder);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void *
map(void *hint, size_t size, int flags)
{
	void *p = mmap(hint, size, PROT_READ | PROT_WRITE,
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
	null_fd = open("/dev/null", O_RDWR);
	board = map(BOARD, sizeof(*board), MAP_SHARED);
	arena = map(NULL, ARENA + 4096, MAP_PRIVATE);
	mprotect(arena + ARENA, 4096, PROT_NONE);
	field = map(NULL, FIELD, MAP_PRIVATE);
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++)
		spec_of[specs[i].nr] = (short)(i + 1);
	if (mkdtemp(folder) == NULL || chdir(folder) < 0 ||
	    chmod(folder, 0777) < 0) {
		perror("fuzz: /tmp");
		return 2;
	}
	if (!all)
		enter_sandbox(folder);
	return run_in(folder, seed, count);
}
