/*
 * epoll_create, epoll_create1, epoll_ctl, epoll_wait, epoll_pwait,
 * epoll_pwait2; eventfd, which is what most of it is tried with.
 */
#include <poll.h>
#include <time.h>
#include "check.h"
#include "events.h"

TEST(epoll_create)
{
	int ep = (int)syscall(NR_epoll_create, 1);

	CHECK(ep >= 0);
	CHECK_EQ(fcntl(ep, F_GETFD), 0);
	CHECK_ERR(syscall(NR_epoll_create, 0), EINVAL);
	CHECK_ERR(syscall(NR_epoll_create, -1), EINVAL);
	ep = (int)syscall(NR_epoll_create1, O_CLOEXEC);
	CHECK_EQ(fcntl(ep, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(syscall(NR_epoll_create1, 1), EINVAL);
	CHECK_ERR(read(ep, &ep, sizeof(ep)), EINVAL);
	CHECK_ERR(write(ep, &ep, sizeof(ep)), EINVAL);
}

TEST(epoll_ctl_errors)
{
	int ep = make(), fd = counter(0, 0), file, folder, path;
	struct epoll_event e = { EPOLLIN, 0 };

	make_file("file", "x");
	file = open("file", O_RDWR);
	folder = open(".", O_RDONLY);
	path = open(".", O_PATH);
	CHECK_ERR(ctl(-1, EPOLL_CTL_ADD, fd, EPOLLIN), EBADF);
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, 99, EPOLLIN), EBADF);
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, path, EPOLLIN), EBADF);
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN), EINVAL);
	CHECK_ERR(ctl(fd, EPOLL_CTL_ADD, ep, EPOLLIN), EINVAL);
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, file, EPOLLIN), EPERM);
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, folder, EPOLLIN), EPERM);
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, open("/dev/null", O_RDWR), EPOLLIN),
		  EPERM);
	CHECK_ERR(ctl(ep, 4, fd, EPOLLIN), EINVAL);
	CHECK_ERR(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN), ENOENT);
	CHECK_ERR(syscall(NR_epoll_ctl, ep, EPOLL_CTL_DEL, fd, NULL), ENOENT);
	CHECK_ERR(syscall(NR_epoll_ctl, ep, EPOLL_CTL_ADD, fd, BAD), EFAULT);
	CHECK_ERR(syscall(NR_epoll_ctl, ep, EPOLL_CTL_ADD, fd, NULL), EFAULT);
	CHECK_EQ(syscall(NR_epoll_ctl, ep, EPOLL_CTL_ADD, fd, &e), 0);
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLOUT), EEXIST);
	CHECK_EQ(syscall(NR_epoll_ctl, ep, EPOLL_CTL_DEL, fd, BAD), 0);
	CHECK_ERR(ctl(ep, EPOLL_CTL_DEL, fd, 0), ENOENT);
}

TEST(epoll_wait_errors)
{
	int ep = make(), fd = counter(1, 0);
	struct epoll_event e;

	add(ep, fd, EPOLLIN);
	CHECK_ERR(wait_for(ep, &e, 0, 0), EINVAL);
	CHECK_ERR(wait_for(ep, &e, -1, 0), EINVAL);
	CHECK_ERR(wait_for(ep, &e, INT_MAX, 0), EINVAL);
	CHECK_ERR(wait_for(-1, &e, 1, 0), EBADF);
	CHECK_ERR(wait_for(fd, &e, 1, 0), EINVAL);
	CHECK_ERR(wait_for(open(".", O_PATH), &e, 1, 0), EBADF);
	CHECK_ERR(wait_for(ep, BAD, 1, 0), EFAULT);
	CHECK_ERR(wait_for(ep, KERNEL_HALF, 1, 0), EFAULT);
	CHECK_EQ(look(ep, fd), EPOLLIN); /* it was not lost */
}

TEST(epoll_pwait_errors)
{
	int ep = make(), fd = counter(1, 0);
	struct timespec bad = { 0, -1 };
	struct epoll_event e;
	sigset_t none = 0;

	add(ep, fd, EPOLLIN);
	CHECK_ERR(syscall(NR_epoll_pwait, -1, &e, 1, 0, NULL, 8), EBADF);
	CHECK_ERR(syscall(NR_epoll_pwait, fd, &e, 1, 0, NULL, 8), EINVAL);
	CHECK_ERR(syscall(NR_epoll_pwait, ep, &e, 0, 0, NULL, 8), EINVAL);
	CHECK_ERR(syscall(NR_epoll_pwait, ep, &e, 1, 0, &none, 4), EINVAL);
	CHECK_ERR(syscall(NR_epoll_pwait, ep, &e, 1, 0, BAD, 8), EFAULT);
	CHECK_ERR(syscall(NR_epoll_pwait, ep, BAD, 1, 0, NULL, 8), EFAULT);
	CHECK_ERR(syscall(NR_epoll_pwait2, -1, &e, 1, NULL, NULL, 8), EBADF);
	CHECK_ERR(syscall(NR_epoll_pwait2, ep, &e, -1, NULL, NULL, 8), EINVAL);
	CHECK_ERR(syscall(NR_epoll_pwait2, ep, &e, 1, &bad, NULL, 8), EINVAL);
	CHECK_ERR(syscall(NR_epoll_pwait2, ep, &e, 1, BAD, NULL, 8), EFAULT);
	CHECK_ERR(syscall(NR_epoll_pwait2, ep, BAD, 1, NULL, NULL, 8), EFAULT);
}

TEST(epoll_level)
{
	int ep = make(), fd = counter(0, 0);

	add(ep, fd, EPOLLIN);
	CHECK_EQ(look(ep, fd), 0);
	add_to(fd, 3);
	CHECK_EQ(look(ep, fd), EPOLLIN);
	CHECK_EQ(look(ep, fd), EPOLLIN);
	CHECK_EQ(take(fd), 3);
	CHECK_EQ(look(ep, fd), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT), 0);
	CHECK_EQ(look(ep, fd), EPOLLOUT);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, fd, 0), 0);
	CHECK_EQ(look(ep, fd), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_DEL, fd, 0), 0);
	add_to(fd, 1);
	CHECK_EQ(look(ep, fd), 0);
}

TEST(epoll_ready_when_added)
{
	int ep = make(), fd = counter(1, 0);

	add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLET);
	CHECK_EQ(look(ep, fd), EPOLLIN | EPOLLOUT);
	CHECK_EQ(look(ep, fd), 0);
}

TEST(epoll_edge)
{
	int ep = make(), fd = counter(0, 0);

	add(ep, fd, EPOLLIN | EPOLLET);
	add_to(fd, 1);
	CHECK_EQ(look(ep, fd), EPOLLIN);
	CHECK_EQ(look(ep, fd), 0); /* told once */
	add_to(fd, 1);
	CHECK_EQ(look(ep, fd), EPOLLIN); /* though it was readable before */
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET), 0);
	CHECK_EQ(look(ep, fd), EPOLLIN); /* and by a change of what is asked */
	CHECK_EQ(take(fd), 2);
	add_to(fd, 1);
	CHECK_EQ(take(fd), 1);
	CHECK_EQ(look(ep, fd), 0); /* gone before anyone looked */
}

TEST(epoll_edge_of_what_was_asked_for)
{
	int ep = make(), fd = counter(2, EFD_SEMAPHORE);

	add(ep, fd, EPOLLIN | EPOLLET);
	CHECK_EQ(look(ep, fd), EPOLLIN);
	CHECK_EQ(take(fd), 1); /* announces room, not data */
	CHECK_EQ(look(ep, fd), 0);
}

TEST(epoll_edge_of_what_is_left)
{
	int ep = make(), p[2];
	char c;

	CHECK_EQ(pipe(p), 0);
	add(ep, p[0], EPOLLIN | EPOLLET);
	CHECK_EQ(write(p[1], "ab", 2), 2);
	CHECK_EQ(look(ep, p[0]), EPOLLIN);
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(look(ep, p[0]), 0); /* nothing has come */
}

TEST(epoll_oneshot)
{
	int ep = make(), fd = counter(0, 0);

	add(ep, fd, EPOLLIN | EPOLLONESHOT);
	add_to(fd, 1);
	CHECK_EQ(look(ep, fd), EPOLLIN);
	CHECK_EQ(look(ep, fd), 0);
	add_to(fd, 1);
	CHECK_EQ(look(ep, fd), 0);
	CHECK_ERR(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN), EEXIST);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(look(ep, fd), EPOLLIN);
	CHECK_EQ(look(ep, fd), 0);
}

TEST(epoll_hangup_and_error_need_no_asking)
{
	int ep = make(), a[2], b[2];

	REQUIRE(pipe(a) == 0 && pipe(b) == 0);
	add(ep, a[0], EPOLLRDHUP);
	CHECK_EQ(look(ep, a[0]), 0);
	close(a[1]);
	CHECK_EQ(look(ep, a[0]), EPOLLHUP);
	close(a[0]);
	add(ep, b[1], 0);
	close(b[0]);
	CHECK_EQ(look(ep, b[1]), EPOLLERR);
	close(b[1]);
	CHECK_EQ(look(ep, 0), 0);
}

TEST(epoll_wakeup_flag_is_no_error)
{
	int ep = make(), fd = counter(1, 0);

	add(ep, fd, EPOLLIN | EPOLLWAKEUP);
	CHECK_EQ(look(ep, fd), EPOLLIN);
}

TEST(epoll_exclusive)
{
	int a = make(), b = make(), fd = counter(0, 0);

	add(a, fd, EPOLLIN | EPOLLEXCLUSIVE);
	CHECK_ERR(ctl(a, EPOLL_CTL_MOD, fd, EPOLLIN), EINVAL);
	CHECK_ERR(ctl(a, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	CHECK_ERR(ctl(b, EPOLL_CTL_ADD, fd,
		      EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT),
		  EINVAL);
	CHECK_ERR(ctl(b, EPOLL_CTL_ADD, fd,
		      EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP),
		  EINVAL);
	CHECK_ERR(ctl(b, EPOLL_CTL_ADD, a, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	add(b, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET);
	add_to(fd, 1);
	CHECK_EQ(look(a, fd), EPOLLIN); /* nobody waited: both are told */
	CHECK_EQ(look(b, fd), EPOLLIN);
}

/* Workers wait for the same file in epolls of their own, exclusively: each of
 * many events is taken by one, and none is lost. */
TEST(epoll_exclusive_loses_nothing)
{
	int fd = counter(0, EFD_SEMAPHORE), done[2];
	char byte;

	REQUIRE(pipe(done) == 0);
	for (int i = 0; i < 3; i++) {
		if (fork() != 0)
			continue;
		struct epoll_event e;
		int ep = make();
		uint64_t n;

		add(ep, fd, EPOLLIN | EPOLLEXCLUSIVE);
		for (;;) {
			wait_for(ep, &e, 1, -1);
			if (read(fd, &n, sizeof(n)) == sizeof(n))
				write(done[1], "x", 1);
		}
	}
	for (int i = 0; i < 200; i++)
		add_to(fd, 1);
	for (int i = 0; i < 200; i++)
		REQUIRE(read(done[0], &byte, 1) == 1);
}

TEST(epoll_in_turn)
{
	int ep = make(), fds[5], seen[5] = { 0 };
	struct epoll_event e[2];

	for (int i = 0; i < 5; i++) {
		struct epoll_event ready = { EPOLLIN, (uint64_t)i };

		fds[i] = counter(1, 0);
		REQUIRE(syscall(NR_epoll_ctl, ep, EPOLL_CTL_ADD, fds[i],
				&ready) == 0);
	}
	for (int i = 0; i < 10; i++) { /* 20 places for 5 that are ready */
		CHECK_EQ(wait_for(ep, e, 2, 0), 2);
		for (int k = 0; k < 2; k++)
			seen[e[k].data]++;
	}
	for (int i = 0; i < 5; i++)
		CHECK_EQ(seen[i], 4);
}

TEST(epoll_two_descriptors_of_one_file)
{
	int ep = make(), fd = counter(1, 0), other = dup(fd);
	struct epoll_event e[3];

	add(ep, fd, EPOLLIN);
	add(ep, other, EPOLLIN);
	CHECK_EQ(wait_for(ep, e, 3, 0), 2);
	CHECK_EQ(ctl(ep, EPOLL_CTL_DEL, fd, 0), 0);
	CHECK_EQ(look(ep, other), EPOLLIN);
}

TEST(epoll_forgets_with_the_last_descriptor)
{
	int ep = make(), fd = counter(1, 0), other = dup(fd);
	int hold[2], status;
	pid_t child;

	add(ep, fd, EPOLLIN);
	close(fd);
	CHECK_EQ(look(ep, fd), EPOLLIN); /* the file is still open */
	CHECK_ERR(ctl(ep, EPOLL_CTL_DEL, fd, 0), EBADF);
	REQUIRE(pipe(hold) == 0);
	child = fork(); /* which has it open, too */
	if (child == 0) {
		char byte;

		close(hold[1]);
		read(hold[0], &byte, 1);
		_exit(0);
	}
	close(other);
	CHECK_EQ(look(ep, fd), EPOLLIN);
	close(hold[1]);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(look(ep, fd), 0);
	CHECK_EQ(dup2(counter(1, 0), fd), fd); /* the number: another file */
	CHECK_EQ(look(ep, fd), 0);
	add(ep, fd, EPOLLIN);
	CHECK_EQ(look(ep, fd), EPOLLIN);
}

TEST(epoll_is_shared_by_fork)
{
	int ep = make(), fd = counter(0, 0), other = counter(1, 0);

	add(ep, fd, EPOLLIN);
	CHECK_EQ(IN_CHILD(add(ep, other, EPOLLIN);
			  CHECK_EQ(ctl(ep, EPOLL_CTL_DEL, fd, 0), 0)),
		 0);
	CHECK_EQ(look(ep, other), EPOLLIN);
	CHECK_ERR(ctl(ep, EPOLL_CTL_DEL, fd, 0), ENOENT);
}

TEST(epoll_closed_while_it_waits_for_others)
{
	int ep = make(), fd = counter(0, 0);

	add(ep, fd, EPOLLIN);
	close(ep);
	add_to(fd, 1);
	CHECK_EQ(take(fd), 1);
	close(fd);
}

/* ---- Epolls in epolls ---- */

TEST(epoll_nested)
{
	int inner = make(), outer = make(), fd = counter(0, 0);
	struct pollfd p = { outer, POLLIN, 0 };

	add(outer, inner, EPOLLIN);
	add(inner, fd, EPOLLIN);
	CHECK_EQ(look(outer, inner), 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	add_to(fd, 1);
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_EQ(look(outer, inner), EPOLLIN);
	CHECK_EQ(look(inner, fd), EPOLLIN);
	CHECK_EQ(look(outer, inner), EPOLLIN);
	CHECK_EQ(take(fd), 1);
	CHECK_EQ(look(outer, inner), 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	add_to(fd, 1);
	close(fd);
	CHECK_EQ(look(outer, inner), 0);
	close(inner);
	CHECK_EQ(look(outer, inner), 0);
}

TEST(epoll_nested_wakes_the_outermost)
{
	int eps[5], fd = counter(0, 0), status;
	pid_t child;

	for (int i = 0; i < 5; i++) {
		eps[i] = make();
		if (i > 0)
			add(eps[i], eps[i - 1], EPOLLIN);
	}
	add(eps[0], fd, EPOLLIN);
	child = fork();
	if (child == 0) {
		struct epoll_event e;

		_exit(wait_for(eps[4], &e, 1, -1) != 1 ||
		      e.data != (uint64_t)eps[3]);
	}
	add_to(fd, 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

TEST(epoll_loops)
{
	int a = make(), b = make(), c = make();

	add(a, b, EPOLLIN);
	add(b, c, EPOLLIN);
	CHECK_ERR(ctl(b, EPOLL_CTL_ADD, a, EPOLLIN), ELOOP);
	CHECK_ERR(ctl(c, EPOLL_CTL_ADD, a, EPOLLIN), ELOOP);
	add(a, c, EPOLLIN); /* a diamond is no loop */
	CHECK_EQ(ctl(a, EPOLL_CTL_DEL, b, 0), 0);
	CHECK_EQ(ctl(a, EPOLL_CTL_DEL, c, 0), 0);
	add(c, a, EPOLLIN);
}

TEST(epoll_depth)
{
	int eps[6];

	for (int i = 0; i < 6; i++)
		eps[i] = make();
	for (int i = 0; i < 4; i++)
		add(eps[i + 1], eps[i], EPOLLIN); /* five in a row */
	CHECK_ERR(ctl(eps[5], EPOLL_CTL_ADD, eps[4], EPOLLIN), ELOOP);
	CHECK_ERR(ctl(eps[0], EPOLL_CTL_ADD, eps[5], EPOLLIN), ELOOP);
	add(eps[5], eps[3], EPOLLIN);
}

/* ---- Waiting ---- */

TEST(epoll_time_out)
{
	struct timespec t = { 0, 20000000 }, bad = { 0, 1000000000 };
	struct epoll_event e;
	int ep = make();

	CHECK_EQ(wait_for(ep, &e, 1, 0), 0);
	CHECK_EQ(wait_for(ep, &e, 1, 20), 0);
	CHECK_EQ(syscall(NR_epoll_pwait2, ep, &e, 1, &t, NULL, 0), 0);
	t.tv_nsec = 0;
	CHECK_EQ(syscall(NR_epoll_pwait2, ep, &e, 1, &t, NULL, 0), 0);
	CHECK_ERR(syscall(NR_epoll_pwait2, ep, &e, 1, &bad, NULL, 0), EINVAL);
	bad = (struct timespec){ -1, 0 };
	CHECK_ERR(syscall(NR_epoll_pwait2, ep, &e, 1, &bad, NULL, 0), EINVAL);
	CHECK_ERR(syscall(NR_epoll_pwait2, ep, &e, 1, BAD, NULL, 0), EFAULT);
}

TEST(epoll_wakes_every_sleeper_for_a_level)
{
	int ep = make(), fd = counter(0, 0), status;

	add(ep, fd, EPOLLIN);
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			struct epoll_event e;

			_exit(wait_for(ep, &e, 1, -1) != 1);
		}
	add_to(fd, 1);
	for (int i = 0; i < 4; i++) {
		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
}

static volatile int caught;

static void
count(int sig)
{
	(void)sig;
	caught++;
}

TEST(epoll_wait_is_interrupted)
{
	struct sigaction act = { .sa_handler = count, .sa_flags = SA_RESTART };
	struct epoll_event e;

	REQUIRE(sigaction(SIGALRM, &act, NULL) == 0);
	alarm(1);
	CHECK_ERR(wait_for(make(), &e, 1, -1), EINTR);
	CHECK_EQ(caught, 1);
}

TEST(epoll_pwait_swaps_the_mask)
{
	struct sigaction act = { .sa_handler = count };
	ksigset_t block = KSIGMASK(SIGUSR1), none = 0, now = 0;
	struct epoll_event e;
	int ep = make(), fd = counter(1, 0);

	REQUIRE(sigaction(SIGUSR1, &act, NULL) == 0);
	REQUIRE(syscall(NR_rt_sigprocmask, SIG_BLOCK, &block, NULL, 8) == 0);
	REQUIRE(kill(getpid(), SIGUSR1) == 0);
	CHECK_EQ(syscall(NR_epoll_pwait, ep, &e, 1, 0, NULL, 0), 0);
	CHECK_EQ(caught, 0);
	CHECK_ERR(syscall(NR_epoll_pwait, ep, &e, 1, -1, &none, 8), EINTR);
	CHECK_EQ(caught, 1);
	CHECK_EQ(syscall(NR_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
	CHECK_EQ(now, block); /* and back */
	add(ep, fd, EPOLLIN);
	REQUIRE(kill(getpid(), SIGUSR1) == 0);
	CHECK_EQ(syscall(NR_epoll_pwait2, ep, &e, 1, NULL, &block, 8), 1);
	CHECK_EQ(caught, 1);
	CHECK_ERR(syscall(NR_epoll_pwait, ep, &e, 1, 0, &none, 4), EINVAL);
	CHECK_ERR(syscall(NR_epoll_pwait, ep, &e, 1, 0, BAD, 8), EFAULT);
}
