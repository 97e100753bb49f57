/*
 * Arguments for random system calls: any number and any pointer, hostile or
 * not; and, so that calls get further than their first check, ones that fit:
 * names of files that are there, descriptors, structures that make sense. The
 * random numbers are here too.
 */
#ifndef FUZZARGS_H
#define FUZZARGS_H

#include <abi/capability.h>
#include <abi/fcntl.h>
#include <abi/futex.h>
#include <abi/poll.h>
#include <abi/sched.h>
#include <abi/signal.h>
#include <abi/time.h>
#include <abi/uio.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include "bits.h"

#define ARENA  (64 * 4096ul) /* memory for the calls to work on */
#define FIELD  (16 * 4096ul) /* memory for them to map and unmap */
#define NOBODY 65534
#define FDS    44 /* descriptors that a worker has, about */

static unsigned long state; /* of the random numbers */
static char *arena;	    /* ARENA bytes, then a page without access */
static char *field;	    /* FIELD bytes; they may go away */

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
	"e",
	"none/x",
	"./././a",
	"/proc",
	"/proc/self/maps",
	"/dev/null",
	"/dev/zero",
	"/dev/ptmx",
	"/tmp",
	"/proc/self/status",
	"/proc/self/fd",
	"/proc/meminfo",
	"/proc/heap",
};

static const char *const names[] = { "x", "d/x", "d/y", "user.x", "d/e/z" };

/* Where file systems may be mounted; none of paths. And which. */
static const char *const mount_points[] = { "/d", "/d/e" };
static const char *const types[] = { "tmpfs", "proc", "devpts", "ext2", "" };

#define ANY_OF(array) ((unsigned long)(array)[below(ARRAY_SIZE(array))])

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
	case 3: /* the guard, which is in no later mapping's way */
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
		return ANY_OF(paths);
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
		return ANY_OF(paths);
	default:
		return any_number();
	}
}

/** Structures that make sense, at the arena's start. */
struct shapes {
	struct timespec time;
	struct itimerspec timer;
	struct utimbuf utime;
	struct iovec iov[24];
	struct mmsghdr message[24];
	struct sockaddr_un address;
	unsigned long set;
	fd_set fds;
	struct pollfd poll[24];
	struct epoll_event event;
	struct ksigaction action;
	struct clone_args clone;
	struct flock lock;
	struct sigevent sigevent;
	siginfo_t info;
	struct sched_attr attr;
	struct sched_param param;
	stack_t stack;
	struct cap_header cap;
	struct cap_data caps[2];
	struct rlimit limit;
	struct robust_list_head robust;
	char *words[2];
	long offset;
	int length;
	int futex[4];
};

static const struct {
	char letter;
	size_t offset;
} shapes_at[] = {
	{ 'T', offsetof(struct shapes, time) },
	{ 'V', offsetof(struct shapes, timer) },
	{ 'W', offsetof(struct shapes, utime) },
	{ 'I', offsetof(struct shapes, iov) },
	{ '&', offsetof(struct shapes, message) },
	{ 'A', offsetof(struct shapes, address) },
	{ 's', offsetof(struct shapes, set) },
	{ 'B', offsetof(struct shapes, fds) },
	{ 'P', offsetof(struct shapes, poll) },
	{ 'E', offsetof(struct shapes, event) },
	{ 'a', offsetof(struct shapes, action) },
	{ 'c', offsetof(struct shapes, clone) },
	{ 'k', offsetof(struct shapes, lock) },
	{ 'v', offsetof(struct shapes, sigevent) },
	{ 'G', offsetof(struct shapes, info) },
	{ 'S', offsetof(struct shapes, attr) },
	{ 'q', offsetof(struct shapes, param) },
	{ 'K', offsetof(struct shapes, stack) },
	{ 'H', offsetof(struct shapes, cap) },
	{ 'U', offsetof(struct shapes, caps) },
	{ 'R', offsetof(struct shapes, limit) },
	{ 'X', offsetof(struct shapes, robust) },
	{ 'h', offsetof(struct shapes, words) },
	{ 'O', offsetof(struct shapes, offset) },
	{ 'L', offsetof(struct shapes, length) },
	{ 'w', offsetof(struct shapes, futex) },
};

/* The kernel's form of an action that does nothing. */
static struct ksigaction poke;

/** Shapes of times, and what is short: calls that wait are to come back. */
static void
shape_times(struct shapes *s)
{
	s->time = (struct timespec){ 0, (long)below(200000) };
	s->timer.it_value = s->time;
	s->timer.it_interval = s->time;
	s->utime = (struct utimbuf){ (long)below(1000), (long)below(1000) };
	s->limit = (struct rlimit){ 1 << 20, 1 << 20 };
	s->offset = (long)below(8192);
	s->length = (int)below(128);
}

static void
shape_io(struct shapes *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->iov); i++)
		s->iov[i] =
			(struct iovec){ arena + below(ARENA / 2), below(600) };
	for (size_t i = 0; i < ARRAY_SIZE(s->message); i++)
		s->message[i].msg_hdr =
			(struct msghdr){ .msg_iov = s->iov + below(8),
					 .msg_iovlen = below(16) };
	for (size_t i = 0; i < ARRAY_SIZE(s->poll); i++)
		s->poll[i] =
			(struct pollfd){ (int)below(FDS), (short)below(64), 0 };
	s->address = (struct sockaddr_un){ AF_UNIX, { "sssu"[below(4)] } };
	s->event = (struct epoll_event){ (unsigned)below(32), rnd() };
	memset(&s->fds, 0, sizeof(s->fds));
	*(unsigned long *)&s->fds = rnd() & rnd() & 0xffffff;
}

static void
shape_signals(struct shapes *s)
{
	s->set = rnd() & rnd();
	s->action = poke;
	if (below(2))
		s->action.handler = below(2) ? SIG_DFL : SIG_IGN;
	s->sigevent = (struct sigevent){ 0 };
	s->sigevent.sigev_signo = SIGUSR1;
	s->sigevent.sigev_notify = (int)below(2);
	memset(&s->info, 0, sizeof(s->info));
	s->info.si_code = -1;
	s->stack = (stack_t){ .ss_sp = arena + ARENA / 2, .ss_size = 16384 };
}

static void
shape_processes(struct shapes *s)
{
	s->clone = (struct clone_args){ .exit_signal = SIGCHLD };
	s->lock = (struct flock){ .l_type = (short)below(3),
				  .l_start = (long)below(100),
				  .l_len = (long)below(100) };
	s->attr = (struct sched_attr){ .size = sizeof(s->attr),
				       .sched_nice = (int)below(20) };
	s->param = (struct sched_param){ (int)below(3) };
	s->cap = (struct cap_header){ CAPABILITY_VERSION_3, 0 };
	memset(s->caps, (int)rnd(), sizeof(s->caps));
	s->robust = (struct robust_list_head){ .list = { &s->robust.list } };
	s->words[0] = (char *)ANY_OF(paths);
	s->words[1] = NULL;
}

/** Lets the arena hold words that look like lengths, pointers, structures. */
static void
stir_arena(void)
{
	unsigned long *words = (unsigned long *)arena;
	struct shapes *s = (struct shapes *)arena;

	shape_times(s);
	shape_io(s);
	shape_signals(s);
	shape_processes(s);
	for (int i = 0; i < 64; i++)
		words[below(ARENA / 8)] = any_argument();
}

static unsigned long
any_length(void)
{
	static const short lengths[] = { 0,  1,	 2,   4,    8,	  12,	16,
					 24, 48, 100, 1024, 4095, 4096, 8192 };

	return ANY_OF(lengths);
}

static unsigned long
any_flag(void)
{
	unsigned long flags = 0;

	for (unsigned long n = below(3); n > 0; n--)
		flags |= 1ul << below(22);
	return flags;
}

static unsigned long
any_map_flags(void)
{
	static const int flags[] = { MAP_PRIVATE | MAP_ANONYMOUS,
				     MAP_SHARED | MAP_ANONYMOUS, MAP_PRIVATE,
				     MAP_SHARED };

	return ANY_OF(flags) | (below(2) ? MAP_FIXED : 0) |
	       (below(4) ? 0 : any_flag());
}

static unsigned long
any_clone_flags(void)
{
	static const int flags[] = {
		SIGCHLD,
		CLONE_VM | CLONE_VFORK | SIGCHLD,
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			CLONE_THREAD | CLONE_SYSVSEM,
		CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD,
	};

	return ANY_OF(flags) | (below(4) ? 0 : any_flag());
}

static unsigned long
any_request(void)
{
	static const unsigned requests[] = {
		TCGETS,	    TCSETS,	TCSETSW,   TCSETSF,   TIOCGWINSZ,
		TIOCSWINSZ, TIOCGPGRP,	TIOCSPGRP, TIOCSCTTY, TIOCNOTTY,
		TIOCGSID,   TIOCGPTN,	FIONREAD,  FIONBIO,   FIOASYNC,
		FIOCLEX,    TIOCSPTLCK, TCSBRK,	   TCXONC,    TCFLSH,
	};

	return ANY_OF(requests);
}

static unsigned long
any_id(void)
{
	static const unsigned ids[] = { 0, 0, NOBODY, NOBODY, 1000, -1u };

	return ANY_OF(ids);
}

/** Numbers of all kinds: see typed(). */
static unsigned long
typed_number(char letter)
{
	switch (letter) {
	case 'f':
		return below(FDS);
	case 'd':
		return below(4) ? (unsigned long)AT_FDCWD : below(FDS);
	case 'l':
		return any_length();
	case '%': /* pages: as a length */
		return (1 + below(4)) * 4096;
	case 'o':
		return below(3) * 4096 + below(10);
	case 'n':
		return below(24);
	case 'F':
		return any_flag();
	case 'm':
		return below(01000);
	case 'M':
		return (below(2) ? S_IFREG : S_IFIFO) | below(01000);
	case 'g':
		return 1 + below(64);
	case 'u':
		return any_id();
	case 'r':
		return below(8);
	case '?':
		return below(2);
	case 'i':
		return any_request();
	case 'Q':
		return any_map_flags();
	case 'C':
		return any_clone_flags();
	case '^':
		return 1 + below(3);
	case '*':
		return 64;
	case '@': /* ARCH_SET_GS and its kin */
		return 0x1001 + below(4);
	case 'Y':
		return sizeof(struct robust_list_head);
	case 'Z':
		return sizeof(sa_family_t) + 2;
	case '0' ... '9':
		return (unsigned long)(letter - '0');
	default:
		return any_argument();
	}
}

/** An argument of the kind that @p letter stands for in fuzzcalls.h. */
static unsigned long
typed(char letter, long self)
{
	switch (letter) {
	case 'b': /* memory */
		return (unsigned long)(below(4) ? arena + below(ARENA / 8) * 8
						: field + below(FIELD));
	case 'j': /* pages */
		return (unsigned long)field + below(FIELD / 4096) * 4096;
	case 't': /* who */
		return below(3) ? below(2) * (unsigned long)self : below(24);
	case 'p':
		return ANY_OF(paths);
	case 'e':
		return (unsigned long)"e";
	case 'D':
		return ANY_OF(mount_points);
	case 'y':
		return ANY_OF(types);
	case 'N': /* a name that may not be there */
		return (unsigned long)names[below(ARRAY_SIZE(names))];
	}
	for (size_t i = 0; i < ARRAY_SIZE(shapes_at); i++)
		if (shapes_at[i].letter == letter)
			return (unsigned long)arena + shapes_at[i].offset;
	return typed_number(letter);
}

#endif
