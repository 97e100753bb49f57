/*
 * The calls over the engine of poll.c: poll and ppoll with an array of
 * descriptors, select and pselect6 with three sets of bits.
 */
#include "abi/syscall.h"
#include "poll.h"
#include "string.h"

#define USEC_PER_SEC 1000000L

/* ---- Time-outs ---- */

/* A time-out as it came from user space, and how it is told what is left. */
struct timeout {
	uint64_t deadline; /* as poll_wait takes it */
	void *user;	   /* struct timespec or timeval, or NULL */
	bool is_timeval;
};

static void
set_deadline(struct timeout *to, uint64_t ns)
{
	to->deadline = ns ? deadline_after(ns) : 0;
}

static int
get_timespec(struct timeout *to, struct timespec *user)
{
	struct timespec t;

	*to = (struct timeout){ .deadline = WAIT_FOREVER, .user = user };
	if (!user)
		return 0;
	if (copyin(&t, user, sizeof(t)))
		return -EFAULT;
	if (!timespec_valid(&t))
		return -EINVAL;
	set_deadline(to, timespec_ns(&t));
	return 0;
}

/* select(2) takes more than a second of microseconds. */
static int
get_timeval(struct timeout *to, struct timeval *user)
{
	struct timeval tv;
	struct timespec t;

	*to = (struct timeout){ WAIT_FOREVER, user, true };
	if (!user)
		return 0;
	if (copyin(&tv, user, sizeof(tv)))
		return -EFAULT;
	if (tv.tv_sec < 0 || tv.tv_usec < 0)
		return -EINVAL;
	t.tv_sec = MIN(tv.tv_sec, INT64_MAX - tv.tv_usec / USEC_PER_SEC) +
		   tv.tv_usec / USEC_PER_SEC;
	t.tv_nsec = tv.tv_usec % USEC_PER_SEC * NS_PER_USEC;
	set_deadline(to, timespec_ns(&t));
	return 0;
}

/* Linux writes back what is left. That this fails is no error of the call. */
static void
put_time_left(const struct timeout *to)
{
	uint64_t now = clock_ns(), left = 0;
	struct timespec t;

	if (!to->user)
		return;
	if (to->deadline > now)
		left = to->deadline - now;
	t.tv_sec = left / NS_PER_SEC;
	t.tv_nsec = left % NS_PER_SEC;
	if (to->is_timeval)
		t.tv_nsec /= NS_PER_USEC;
	(void)copyout(to->user, &t, sizeof(t)); /* a timeval looks the same */
}

_Static_assert(sizeof(struct timespec) == sizeof(struct timeval) &&
		       offsetof(struct timeval, tv_usec) ==
			       offsetof(struct timespec, tv_nsec),
	       "put_time_left");

/* A call with a mask of its own ends: it keeps the mask until a handler has
 * its frame only if it was interrupted. */
static int64_t
end_with_mask(int64_t result, const struct timeout *to)
{
	put_time_left(to);
	if (result == -EINTR)
		return -ERESTARTNOHAND;
	signal_mask_restore();
	return result;
}

static int
swap_mask(const ksigset_t *user, size_t setsize)
{
	ksigset_t mask;

	if (!user)
		return 0;
	if (setsize != KSIGSET_SIZE)
		return -EINVAL;
	if (copyin(&mask, user, sizeof(mask)))
		return -EFAULT;
	signal_mask_swap(mask);
	return 0;
}

/* ---- poll ---- */

#define POLLFDS_INLINE	 64
#define POLLFDS_PER_PAGE (PAGE_SIZE / sizeof(struct pollfd))
#define POLL_PAGES_MAX	 (PAGE_SIZE / sizeof(struct page *))

/* The caller's array, copied: on the stack, or on pages that an index page
 * lists. */
struct pollfds {
	unsigned n;
	unsigned changed; /* none behind has other revents than it came with */
	struct pollfd few[POLLFDS_INLINE];
	struct page **index; /* NULL: they are few */
	unsigned npages;
};

static struct pollfd *
pollfd_at(struct pollfds *fds, unsigned i)
{
	struct pollfd *page;

	if (!fds->index)
		return &fds->few[i];
	page = page_address(fds->index[i / POLLFDS_PER_PAGE]);
	return &page[i % POLLFDS_PER_PAGE];
}

static void
pollfds_free(struct pollfds *fds)
{
	unsigned i;

	if (!fds->index)
		return;
	for (i = 0; i < fds->npages; i++)
		page_unref(fds->index[i]);
	page_unref(address_to_page(fds->index));
}

/* @return 0 or -ENOMEM, with nothing left allocated */
static int
pollfds_alloc(struct pollfds *fds, unsigned n)
{
	unsigned pages = DIV_ROUND_UP(n, POLLFDS_PER_PAGE);
	struct page *page;

	fds->n = n;
	fds->changed = MIN(n, 1u);
	fds->index = NULL;
	fds->npages = 0;
	if (n <= POLLFDS_INLINE)
		return 0;
	page = page_alloc(0, PAGE_KERNEL, 0);
	if (!page)
		return -ENOMEM;
	fds->index = page_address(page);
	while (fds->npages < pages) {
		page = page_alloc(0, PAGE_KERNEL, 0);
		if (!page) {
			pollfds_free(fds);
			return -ENOMEM;
		}
		fds->index[fds->npages++] = page;
	}
	return 0;
}

/* Copy the array in, and revents out again: the rest is the caller's, and
 * another thread may be changing it. Those behind the last that has changed
 * need no copying; the first is copied for the error. The caller's addresses
 * are computed as numbers: they may be anything. */
static int
pollfds_copyin(struct pollfds *fds, uint64_t user)
{
	unsigned i, n;
	int error = 0;

	for (i = 0; i < fds->n && !error; i += n) {
		n = MIN(fds->n - i, POLLFDS_PER_PAGE);
		error = copyin(pollfd_at(fds, i),
			       (void *)(user + i * sizeof(struct pollfd)),
			       n * sizeof(struct pollfd));
	}
	return error;
}

static int
pollfds_copyout(struct pollfds *fds, uint64_t user)
{
	struct pollfd *pfd = pollfd_at(fds, 0);
	unsigned i;
	int error = 0;

	user += offsetof(struct pollfd, revents);
	for (i = 0; i < fds->changed && !error; i++, pfd++) {
		if (i % POLLFDS_PER_PAGE == 0)
			pfd = pollfd_at(fds, i);
		error = copyout((void *)user, &pfd->revents,
				sizeof(pfd->revents));
		user += sizeof(*pfd);
	}
	return error;
}

static int
scan_pollfds(struct poller *p, void *arg)
{
	struct pollfds *fds = arg;
	struct pollfd *pfd = pollfd_at(fds, 0);
	unsigned i, found;
	int ready = 0;

	for (i = 0; i < fds->n; i++, pfd++) {
		if (i % POLLFDS_PER_PAGE == 0)
			pfd = pollfd_at(fds, i);
		found = pfd->fd < 0 ? 0 : poller_look(p, pfd->fd);
		found &= (uint16_t)pfd->events | POLLERR | POLLHUP | POLLNVAL;
		if (!(found | (uint16_t)pfd->revents))
			continue;
		if (found != (uint16_t)pfd->revents)
			fds->changed = MAX(fds->changed, i + 1);
		pfd->revents = found;
		ready += found != 0;
		p->hang = p->hang && !found;
	}
	return ready;
}

static int64_t
do_poll(struct pollfd *user, unsigned n, uint64_t deadline)
{
	struct pollfds fds;
	int64_t ready;
	int error;

	if (n > vfs_ops.nofile_limit() || n > POLL_PAGES_MAX * POLLFDS_PER_PAGE)
		return -EINVAL;
	error = pollfds_alloc(&fds, n);
	if (error)
		return error;
	ready = pollfds_copyin(&fds, (uint64_t)user);
	if (!ready)
		ready = poll_wait(scan_pollfds, &fds, deadline);
	if (ready >= 0 && pollfds_copyout(&fds, (uint64_t)user))
		ready = -EFAULT;
	pollfds_free(&fds);
	return ready;
}

/* args: user array, count */
static int64_t
poll_again(const struct restart *r)
{
	int64_t result =
		do_poll((struct pollfd *)r->args[0], r->args[1], r->deadline);

	return result == -EINTR ? signal_restart_by(r) : result;
}

static int64_t
sys_poll(struct pollfd *user, unsigned n, int msec)
{
	struct restart r = { .fn = poll_again,
			     .deadline = WAIT_FOREVER,
			     .args = { (uint64_t)user, n } };

	if (msec >= 0)
		r.deadline = msec ? deadline_after(msec * NS_PER_MSEC) : 0;
	return poll_again(&r);
}
SYSCALL(NR_poll, sys_poll);

static int64_t
sys_ppoll(struct pollfd *user, unsigned n, struct timespec *timeout,
	  const ksigset_t *mask, size_t setsize)
{
	struct timeout to;
	int error = get_timespec(&to, timeout);

	if (!error)
		error = swap_mask(mask, setsize);
	if (error)
		return error;
	return end_with_mask(do_poll(user, n, to.deadline), &to);
}
SYSCALL(NR_ppoll, sys_ppoll);

/* ---- select ---- */

#define READ_EVENTS   (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define WRITE_EVENTS  (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)
#define EXCEPT_EVENTS POLLPRI
#define NSETS	      3
#define WORDS_INLINE  (FD_SETSIZE / 64)

/* Three sets of descriptors asked for, and three for the answer. */
struct select_sets {
	unsigned n;	    /* descriptors 0 ... n-1 */
	unsigned words;	    /* of each set */
	uint64_t *asked;    /* NSETS * words */
	uint64_t *answered; /* behind it */
	uint64_t few[2 * NSETS * WORDS_INLINE];
	struct page *page; /* if they are not few */
	bool bad;	   /* one is not open */
};

/* @return how many sets @p fd is ready in */
static int
answer(struct select_sets *s, unsigned fd, unsigned found)
{
	static const unsigned events[NSETS] = { READ_EVENTS, WRITE_EVENTS,
						EXCEPT_EVENTS };
	unsigned i, w;
	int ready = 0;

	for (i = 0; i < NSETS; i++) {
		w = i * s->words + fd / 64;
		if ((s->asked[w] >> fd % 64 & 1) && (found & events[i])) {
			s->answered[w] |= 1UL << fd % 64;
			ready++;
		}
	}
	return ready;
}

static int
scan_sets(struct poller *p, void *arg)
{
	struct select_sets *s = arg;
	unsigned w, fd, found;
	uint64_t bits;
	int ready = 0;

	for (w = 0; w < s->words; w++) {
		bits = s->asked[w] | s->asked[s->words + w] |
		       s->asked[2 * s->words + w];
		for (; bits; bits &= bits - 1) {
			fd = w * 64 + ctz64(bits);
			found = poller_look(p, fd);
			if (found & POLLNVAL) {
				s->bad = true;
				return 1;
			}
			if (found)
				ready += answer(s, fd, found);
			if (ready)
				p->hang = false;
		}
	}
	return ready;
}

static int
sets_alloc(struct select_sets *s, unsigned n)
{
	size_t bytes;

	s->n = n;
	s->words = DIV_ROUND_UP(n, 64);
	s->page = NULL;
	s->bad = false;
	s->asked = s->few;
	if (s->words > WORDS_INLINE) {
		bytes = 2 * NSETS * s->words * sizeof(uint64_t);
		s->page = page_alloc(ilog2_up(DIV_ROUND_UP(bytes, PAGE_SIZE)),
				     PAGE_KERNEL, 0);
		if (!s->page)
			return -ENOMEM;
		s->asked = page_address(s->page);
	}
	s->answered = s->asked + NSETS * s->words;
	memset(s->asked, 0, 2 * NSETS * s->words * sizeof(uint64_t));
	return 0;
}

/* Bits past n do not count. */
static void
cut(struct select_sets *s)
{
	unsigned i;

	if (s->n % 64 == 0)
		return;
	for (i = 1; i <= NSETS; i++)
		s->asked[i * s->words - 1] &= (1UL << s->n % 64) - 1;
}

static int
sets_copyin(struct select_sets *s, fd_set *user[NSETS])
{
	unsigned i;

	for (i = 0; i < NSETS; i++)
		if (user[i] && copyin(s->asked + i * s->words, user[i],
				      s->words * sizeof(uint64_t)))
			return -EFAULT;
	cut(s);
	return 0;
}

static int
sets_copyout(const struct select_sets *s, fd_set *user[NSETS])
{
	unsigned i;

	for (i = 0; i < NSETS; i++)
		if (user[i] && copyout(user[i], s->answered + i * s->words,
				       s->words * sizeof(uint64_t)))
			return -EFAULT;
	return 0;
}

static int64_t
do_select(int n, fd_set *user[NSETS], uint64_t deadline)
{
	struct select_sets s;
	int64_t ready;
	int error;

	if (n < 0)
		return -EINVAL;
	error = sets_alloc(&s, MIN((unsigned)n, fd_bound()));
	if (error)
		return error;
	ready = sets_copyin(&s, user);
	if (!ready)
		ready = poll_wait(scan_sets, &s, deadline);
	if (s.bad)
		ready = -EBADF;
	if (ready >= 0 && sets_copyout(&s, user))
		ready = -EFAULT;
	if (s.page)
		page_unref(s.page);
	return ready;
}

static int64_t
sys_select(int n, fd_set *in, fd_set *out, fd_set *except,
	   struct timeval *timeout)
{
	fd_set *user[NSETS] = { in, out, except };
	struct timeout to;
	int error = get_timeval(&to, timeout);
	int64_t ready;

	if (error)
		return error;
	ready = do_select(n, user, to.deadline);
	put_time_left(&to);
	return ready == -EINTR ? -ERESTARTNOHAND : ready;
}
SYSCALL(NR_select, sys_select);

static int64_t
sys_pselect6(int n, fd_set *in, fd_set *out, fd_set *except,
	     struct timespec *timeout, const void *user_mask)
{
	fd_set *user[NSETS] = { in, out, except };
	struct {
		const ksigset_t *mask;
		size_t size;
	} mask = { NULL, 0 };
	struct timeout to;
	int error;

	if (user_mask && copyin(&mask, user_mask, sizeof(mask)))
		return -EFAULT;
	error = get_timespec(&to, timeout);
	if (!error)
		error = swap_mask(mask.mask, mask.size);
	if (error)
		return error;
	return end_with_mask(do_select(n, user, to.deadline), &to);
}
SYSCALL(NR_pselect6, sys_pselect6);
