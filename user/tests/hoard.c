/*
 * Fills the kernel heap or all memory, in ways that hide who holds it, beside
 * processes that hold a little and want a little: the kernel is to end the
 * hoarder, all of it, and nobody else. For Hardtack alone. Usage: hoard WAY,
 * where WAY is
 *   open    sockets in its own descriptor table
 *   forks   a few sockets in each of many children
 *   rights  sockets in flight in others, that it has closed
 *   given   sockets that it has received, whose makers have ended
 *   taken   sockets that it has received, whose maker goes on
 *   memory  pages of its own
 *   tables  page tables, and hardly a page in them
 * Prints who was ended; exits 0 if it was the hoarder alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define DECOYS	     4
#define DECOY_PIPES  60	  /* each */
#define CHILD_PAIRS  5	  /* of each child of the hoarder */
#define AT_A_TIME    100  /* descriptors in one message */
#define DESCRIPTORS  4096 /* limit of the hoarder */
#define ROUNDS_AFTER 200  /* of each decoy, once the hoarder is gone */
#define REGION	     (1UL << 40)
#define TABLE_SPAN   (2UL << 20) /* that one page table maps */

/** Counted by all processes. */
struct board {
	volatile int ready;  /* decoys */
	volatile bool ended; /* the hoarder is gone: go on a little */
	volatile int failed; /* errno of a decoy's call that failed */
	volatile long rounds[DECOYS];
};

static struct board *board;
static int gift[2]; /* from the maker, who is no child of the hoarder's */

/** Holds a little, and does some of everything again and again. */
__attribute__((noreturn)) static void
decoy(int number)
{
	int held[2], fds[2];
	long after = 0;
	char byte = 0;

	for (int i = 0; i < DECOY_PIPES; i++)
		if (pipe(held) < 0)
			_exit(1);
	__atomic_add_fetch(&board->ready, 1, __ATOMIC_SEQ_CST);
	while (after < ROUNDS_AFTER) {
		pid_t pid;

		if (pipe(fds) < 0 || write(fds[1], "x", 1) != 1 ||
		    read(fds[0], &byte, 1) != 1 || (pid = fork()) < 0) {
			board->failed = errno;
			_exit(1);
		}
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
		close(fds[0]);
		close(fds[1]);
		board->rounds[number]++;
		after += board->ended;
	}
	_exit(0);
}

static bool
make_pair(int *fds)
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0;
}

static void
hold(int n)
{
	int fds[2];

	while (n-- > 0 && make_pair(fds))
		;
}

/** Sends AT_A_TIME descriptors in one message. @return whether it went */
static bool
send_rights(int socket, const int *fds)
{
	char control[CMSG_SPACE(AT_A_TIME * sizeof(int))] = { 0 };
	struct iovec io = { "x", 1 };
	struct msghdr m = { .msg_iov = &io,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(AT_A_TIME * sizeof(int));
	memcpy(CMSG_DATA(c), fds, AT_A_TIME * sizeof(int));
	return sendmsg(socket, &m, 0) == 1;
}

static bool
receive_rights(int socket)
{
	char control[CMSG_SPACE(AT_A_TIME * sizeof(int))], byte;
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };

	return recvmsg(socket, &m, 0) == 1;
}

/** Makes sockets, sends them, closes them. @return whether they went */
static bool
send_new(int socket)
{
	int fds[AT_A_TIME];
	bool sent;

	for (int i = 0; i < AT_A_TIME; i += 2)
		if (!make_pair(fds + i))
			return false;
	sent = send_rights(socket, fds);
	for (int i = 0; i < AT_A_TIME; i++)
		close(fds[i]);
	return sent;
}

/** Several sockets, for each takes no more than its buffer. */
static void
hoard_in_flight(void)
{
	int pair[2];

	while (make_pair(pair))
		for (int i = 0; i < 50 && send_new(pair[0]); i++)
			;
}

/** A maker that ends after each lot, and a child that keeps all of it. */
static void
hoard_given(void)
{
	int pair[2];

	if (!make_pair(pair))
		_exit(1);
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			send_new(pair[0]);
			_exit(0);
		}
		if (!receive_rights(pair[1]))
			_exit(1);
		waitpid(pid, NULL, 0);
	}
}

/** Ends when there is nobody to send to. */
__attribute__((noreturn)) static void
maker(void)
{
	signal(SIGPIPE, SIG_IGN);
	close(gift[1]);
	while (send_new(gift[0]))
		;
	_exit(0);
}

static void
hoard_taken(void)
{
	close(gift[0]);
	while (receive_rights(gift[1]))
		;
	_exit(1);
}

static void
touch(size_t step)
{
	volatile char *p = mmap(NULL, REGION, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
				0);

	if (p == MAP_FAILED)
		_exit(1);
	for (size_t at = 0; at < REGION; at += step) {
		(void)p[at];
		if (step < TABLE_SPAN)
			p[at] = 1;
	}
}

static void
hoard_in_children(void)
{
	while (fork() != 0)
		;
	hold(CHILD_PAIRS);
	for (;;)
		pause();
}

__attribute__((noreturn)) static void
hoard(const char *way)
{
	struct rlimit rl = { DESCRIPTORS, DESCRIPTORS };

	if (setrlimit(RLIMIT_NOFILE, &rl) < 0)
		_exit(1);
	setpgid(0, 0);
	if (strcmp(way, "open") == 0)
		hold(DESCRIPTORS);
	else if (strcmp(way, "forks") == 0)
		hoard_in_children();
	else if (strcmp(way, "rights") == 0)
		hoard_in_flight();
	else if (strcmp(way, "given") == 0)
		hoard_given();
	else if (strcmp(way, "taken") == 0)
		hoard_taken();
	else if (strcmp(way, "memory") == 0)
		touch(4096);
	else if (strcmp(way, "tables") == 0)
		touch(TABLE_SPAN);
	for (;;)
		pause();
}

int
main(int argc, char **argv)
{
	int status, wrong = 0;
	pid_t decoys[DECOYS], hoarder, giver = 0;

	if (argc != 2)
		return 2;
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < DECOYS; i++)
		if ((decoys[i] = fork()) == 0)
			decoy(i);
	while (board->ready < DECOYS)
		usleep(1000);
	if (!make_pair(gift))
		return 2;
	if (strcmp(argv[1], "taken") == 0 && (giver = fork()) == 0)
		maker();
	if ((hoarder = fork()) == 0)
		hoard(argv[1]);
	close(gift[0]);
	close(gift[1]);
	waitpid(hoarder, &status, 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		wrong = printf("the hoarder ended by itself: %#x\n", status);
	board->ended = true;
	for (int i = 0; i < DECOYS; i++) {
		waitpid(decoys[i], &status, 0);
		if (status != 0)
			wrong = printf("decoy %d: status %#x (%s)\n", i, status,
				       strerror(board->failed));
	}
	if (giver && (waitpid(giver, &status, 0) < 0 || status != 0))
		wrong = printf("who made what it took: status %#x\n", status);
	/* Its children are not ours to wait for; they have its group. */
	for (int i = 0; i < 100 && kill(-hoarder, 0) == 0; i++)
		usleep(20000);
	if (kill(-hoarder, 0) == 0)
		wrong = printf("some of the hoarder's children live\n");
	printf("%s: %s\n", argv[1], wrong ? "wrong" : "right");
	return wrong != 0;
}
