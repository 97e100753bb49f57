/*
 * Signals, and waiting for many descriptors.
 */
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

static void
handler(int sig)
{
	(void)sig;
}

static long
sig_install(long n)
{
	struct sigaction act = { .sa_handler = handler };

	return TIMED(n, sigaction(SIGUSR1, &act, NULL));
}

static long
sig_deliver(long n)
{
	pid_t pid = getpid();
	struct sigaction act = { .sa_handler = handler };

	need(sigaction(SIGUSR1, &act, NULL));
	return TIMED(n, kill(pid, SIGUSR1));
}

#define MANY 64

/** Pipes, of which the last has a byte in it. */
static void
open_pipes(int pipes[MANY][2])
{
	for (int i = 0; i < MANY; i++)
		need(pipe(pipes[i]));
	need(write(pipes[MANY - 1][1], buf, 1));
}

static void
close_pipes(int pipes[MANY][2])
{
	for (int i = 0; i < MANY; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

static long
select_64(long n)
{
	int pipes[MANY][2], highest;
	fd_set all, set;
	long t;

	open_pipes(pipes);
	FD_ZERO(&all);
	for (int i = 0; i < MANY; i++)
		FD_SET(pipes[i][0], &all);
	highest = pipes[MANY - 1][0];
	set = all;
	need(select(highest + 1, &set, NULL, NULL, NULL));
	t = TIMED(n, (set = all, select(highest + 1, &set, NULL, NULL, NULL)));
	close_pipes(pipes);
	return t;
}

static long
poll_64(long n)
{
	struct pollfd fds[MANY];
	int pipes[MANY][2];
	long t;

	open_pipes(pipes);
	for (int i = 0; i < MANY; i++)
		fds[i] = (struct pollfd){ pipes[i][0], POLLIN, 0 };
	t = TIMED(n, poll(fds, MANY, -1));
	close_pipes(pipes);
	return t;
}

static long
epoll_64(long n)
{
	struct epoll_event event;
	int pipes[MANY][2], ep = (int)need(syscall(NR_epoll_create1, 0));
	long t;

	open_pipes(pipes);
	for (int i = 0; i < MANY; i++) {
		event = (struct epoll_event){ EPOLLIN, (unsigned long)i };
		need(syscall(NR_epoll_ctl, ep, EPOLL_CTL_ADD, pipes[i][0],
			     &event));
	}
	t = TIMED(n, syscall(NR_epoll_wait, ep, &event, 1, -1));
	close_pipes(pipes);
	close(ep);
	return t;
}

/** A byte to another process and back. */
static long
unix_rtt(long n, int type)
{
	int s[2];
	pid_t child;
	long t;

	need(socketpair(AF_UNIX, type, 0, s));
	child = (pid_t)need(fork());
	if (child == 0) {
		close(s[0]);
		while (read(s[1], buf, 1) == 1)
			write(s[1], buf, 1);
		_exit(0);
	}
	close(s[1]);
	t = TIMED(n, (write(s[0], buf, 1), read(s[0], buf, 1)));
	close(s[0]);
	waitpid(child, NULL, 0);
	return t;
}

static long
unix_stream_rtt(long n)
{
	return unix_rtt(n, SOCK_STREAM);
}

static long
unix_packet_rtt(long n)
{
	return unix_rtt(n, SOCK_SEQPACKET);
}

/** Connect, accept and close both ends. */
static long
unix_connect(long n)
{
	struct sockaddr_un un = { AF_UNIX, "\0bench" };
	int l = (int)need(socket(AF_UNIX, SOCK_STREAM, 0)), c, s;
	long t;

	need(bind(l, (struct sockaddr *)&un, 8));
	need(listen(l, 1));
	t = TIMED(n, (c = socket(AF_UNIX, SOCK_STREAM, 0),
		      need(connect(c, (struct sockaddr *)&un, 8)),
		      s = accept(l, NULL, NULL), close(c), close(s)));
	close(l);
	return t;
}

/** Send a descriptor, receive it and close it. */
static long
unix_pass_file(long n)
{
	struct {
		struct cmsghdr head;
		int fd;
	} control;
	struct iovec iov = { buf, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int s[2];
	long t;

	need(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	m.msg_control = &control;
	t = TIMED(n, (control.head = (struct cmsghdr){ CMSG_LEN(sizeof(int)),
						       SOL_SOCKET, SCM_RIGHTS },
		      control.fd = 1, m.msg_controllen = sizeof(control),
		      need(sendmsg(s[0], &m, 0)), need(recvmsg(s[1], &m, 0)),
		      close(control.fd)));
	close(s[0]);
	close(s[1]);
	return t;
}

const struct item event_items[] = {
	{ "sig_install", sig_install, 2000, 0 },
	{ "sig_deliver", sig_deliver, 1000, 0 },
	{ "select_64", select_64, 200, 0 },
	{ "poll_64", poll_64, 200, 0 },
	{ "epoll_64", epoll_64, 200, 0 },
	{ "unix_stream_rtt", unix_stream_rtt, 1000, 0 },
	{ "unix_packet_rtt", unix_packet_rtt, 1000, 0 },
	{ "unix_connect", unix_connect, 1000, 0 },
	{ "unix_pass_file", unix_pass_file, 1000, 0 },
	{ 0 },
};
