/*
 * Control data: credentials, and open files on their way from one process to
 * another (SCM_RIGHTS).
 *
 * A file in a message is referenced by it. So a socket can be in its own queue,
 * or two in each other's, and no descriptor lead there: nobody would ever close
 * them. The collector finds them by asking whether all references to a socket
 * come from queues that cannot be read either (UNIX4). It runs when a socket is
 * closed, when what is in flight has doubled, and when the heap is short.
 */
#include "unix.h"

#define COLLECT_MIN 64u /* in flight: fewer are not looked at by a sender */

struct mutex flight_lock;
/* Guarded by flight_lock: sockets with inflight > 0, by flight_link. */
static struct list in_flight = LIST_INIT(in_flight);
/* Changed under it, read without: how many those are, and how many there may be
 * before a sender collects. */
static _Atomic unsigned nflight, collect_mark = COLLECT_MIN;

/* ---- Whose files are in flight ---- */

/** What one user has in flight; under users_lock. It is there as long as he has
 * anything, so a struct rights that counts to him may point to it. */
struct flight_user {
	struct list link;
	uint32_t uid; /* real */
	unsigned files;
};
static struct spinlock users_lock = SPINLOCK("unix users");
static struct list users = LIST_INIT(users);

/* The count of user @p uid, which it makes; users_lock is held. */
static struct flight_user *
user_get(uint32_t uid)
{
	struct flight_user *u;

	list_for_each (u, &users, link)
		if (u->uid == uid)
			return u;
	u = knew(struct flight_user);
	u->uid = uid;
	list_add(&u->link, &users);
	return u;
}

static void
user_put(struct flight_user *u)
{
	if (u->files)
		return;
	list_del(&u->link);
	kfree(u);
}

/* Count @p r to the caller. A user may have as many files in flight as a
 * process may have open; root is trusted with more. What this message adds is
 * not looked at: so Linux, and the limit is passed by a message at most for
 * each thread that sends. */
static int
count_files(struct rights *r)
{
	const struct cred *c = current_cred();
	struct flight_user *u;
	int error = 0;

	spin_lock(&users_lock);
	u = user_get(c->uid);
	if (c->euid && u->files > proc_limit(RLIMIT_NOFILE)) {
		error = -ETOOMANYREFS;
		user_put(u);
	} else {
		u->files += r->n;
		r->user = u;
	}
	spin_unlock(&users_lock);
	return error;
}

static void
uncount_files(struct rights *r)
{
	spin_lock(&users_lock);
	r->user->files -= r->n;
	user_put(r->user);
	spin_unlock(&users_lock);
	r->user = NULL;
}

/* ---- Closing ---- */

/** A thread that closes files of messages. Closing one may empty another
 * socket's queue, and so on: what comes up meanwhile is left here, so that the
 * stack does not grow with the chain. */
struct disposal {
	struct list link; /* under disposals_lock */
	struct thread *thread;
	/* Only its thread touches these. */
	struct list rights; /* struct rights.link: yet to be closed */
	bool collect;	    /* and then: to look for more */
};
static struct spinlock disposals_lock = SPINLOCK("unix disposals");
static struct list disposals = LIST_INIT(disposals);

/* On the stack of whom it is found for, so the lock is not needed after. There
 * are as many as threads that are closing just now: few. */
static struct disposal *
own_disposal(void)
{
	struct disposal *d, *own = NULL;

	spin_lock(&disposals_lock);
	list_for_each (d, &disposals, link)
		if (d->thread == current())
			own = d;
	spin_unlock(&disposals_lock);
	return own;
}

static void
close_files(struct rights *r)
{
	for (unsigned i = 0; i < r->n; i++)
		file_put(r->files[i]);
	kfree(r);
}

static uint64_t collect(void);

/* Until nothing has come up: first what is there to be closed, for what it
 * frees need not be collected. It ends, as each round has fewer files in
 * flight, or none that can be collected. @return sockets that were collected */
static uint64_t
dispose_all(struct disposal *own)
{
	uint64_t collected = 0;
	struct rights *r;

	NESTS(1, own == own_disposal());
	for (;;) {
		r = list_first(&own->rights, struct rights, link);
		if (r) {
			list_del(&r->link);
			close_files(r);
		} else if (own->collect) {
			own->collect = false;
			collected += collect();
		} else {
			return collected;
		}
	}
}

/* @p r may be NULL. @return as dispose_all */
static uint64_t
dispose(struct rights *r, bool want_collect)
{
	struct disposal own = { .thread = current() }, *d = own_disposal();
	uint64_t collected;

	if (d) {
		if (r)
			list_add_tail(&r->link, &d->rights);
		d->collect |= want_collect;
		return 0;
	}
	list_init(&own.rights);
	own.collect = want_collect;
	if (r)
		list_add_tail(&r->link, &own.rights);
	spin_lock(&disposals_lock);
	list_add(&own.link, &disposals);
	spin_unlock(&disposals_lock);
	collected = dispose_all(&own);
	spin_lock(&disposals_lock);
	list_del(&own.link);
	spin_unlock(&disposals_lock);
	return collected;
}

void
rights_dispose(struct rights *r)
{
	dispose(r, false);
}

/* ---- In flight ---- */

/* Only these can be part of a circle: other files do not hold messages. */
static struct unix_socket *
unix_of(const struct file *f)
{
	struct socket *s = socket_of(f);

	return s && s->domain == AF_UNIX ? to_unix(s) : NULL;
}

/* In one step for the collector: the references are the message's, and it knows
 * in whose queue that is. Before, in scm_get's hands, they were a call's, and
 * their sockets not doubtful. */
void
rights_sent(struct rights *r, struct unix_socket *to)
{
	struct unix_socket *s;

	if (!r->nsockets)
		return;
	mutex_lock(&flight_lock);
	list_add_tail(&r->flight_link, &to->flights);
	for (unsigned i = 0; i < r->n; i++) {
		s = unix_of(r->files[i]);
		if (!s || s->inflight++)
			continue;
		list_add_tail(&s->flight_link, &in_flight);
		nflight++;
	}
	mutex_unlock(&flight_lock);
}

/* The reverse, and as a step of its own: from now on the references are a
 * call's again, which makes their sockets reachable. */
void
rights_taken(struct rights *r)
{
	struct unix_socket *s;

	uncount_files(r);
	if (!r->nsockets)
		return;
	mutex_lock(&flight_lock);
	list_del(&r->flight_link);
	for (unsigned i = 0; i < r->n; i++) {
		s = unix_of(r->files[i]);
		if (!s || --s->inflight)
			continue;
		list_del(&s->flight_link);
		nflight--;
	}
	mutex_unlock(&flight_lock);
}

static struct rights *
rights_new(unsigned n)
{
	struct rights *r = (struct rights *)knew_array(
		char, sizeof(*r) + n * sizeof(r->files[0]));

	list_init(&r->link);
	list_init(&r->flight_link);
	return r;
}

/* Under flight_lock: a reference that the collector does not see may not come
 * about behind its back. */
struct rights *
rights_copy(struct rights *r)
{
	struct rights *copy = rights_new(r->n);

	copy->n = r->n;
	mutex_lock(&flight_lock);
	for (unsigned i = 0; i < r->n; i++)
		copy->files[i] = file_get(r->files[i]);
	mutex_unlock(&flight_lock);
	return copy;
}

/* ---- The collector ---- */

/* A socket that is in the queue twice is visited twice: it has two references
 * from there. */
static void
for_each_in_queue(struct unix_socket *s,
		  void (*fn)(struct unix_socket *t, void *arg), void *arg)
{
	struct unix_socket *t;
	struct rights *r;

	list_for_each (r, &s->flights, flight_link)
		for (unsigned i = 0; i < r->n; i++)
			if ((t = unix_of(r->files[i])))
				fn(t, arg);
}

/* Call @p fn for each socket in the queue of @p s; who could accept a
 * connection could read what it has received. */
static void
for_each_child(struct unix_socket *s,
	       void (*fn)(struct unix_socket *t, void *arg), void *arg)
{
	struct unix_socket *e;

	for_each_in_queue(s, fn, arg);
	list_for_each (e, &s->pending, pending_link)
		for_each_in_queue(e, fn, arg);
}

/* A reference to @p t comes from a message that perhaps nobody can read. */
static void
explain(struct unix_socket *t, void *arg)
{
	(void)arg;
	t->from_outside--;
}

/* @p t can be received. At the list's end, so that the walk comes by it. */
static void
reach(struct unix_socket *t, void *reachable)
{
	if (t->reachable)
		return;
	t->reachable = true;
	list_del(&t->flight_link);
	list_add_tail(&t->flight_link, reachable);
}

/* Sort all in flight. A socket has references from descriptors and calls, and
 * from messages. Those from messages in sockets that have only the second kind
 * explain nothing; who has any others is reachable, and so is all in its queue.
 * At the end, in_flight has those that are not. flight_lock is held. */
static void
find_reachable(struct list *reachable)
{
	struct unix_socket *s, *next;

	list_for_each (s, &in_flight, flight_link) {
		s->reachable = false;
		s->from_outside = ref_count(&s->socket.file->refs);
		s->doubtful = s->from_outside == s->inflight;
	}
	list_for_each (s, &in_flight, flight_link)
		if (s->doubtful)
			for_each_child(s, explain, NULL);
	list_for_each_safe (s, next, &in_flight, flight_link)
		if (s->from_outside)
			reach(s, reachable);
	list_for_each (s, reachable, flight_link) /* which grows meanwhile */
		for_each_child(s, reach, reachable);
}

/* Close the queues of sockets that cannot be reached: with that, the references
 * among them are gone, and so are they. A reference to each file, taken under
 * the lock, keeps them until their turn: what is purged first may have held the
 * others. Nobody can come by one of them meanwhile (UNIX5), so the purging is
 * done without it, as closing files takes other locks. The mark counts the
 * doomed, too, until a run after their closing sets it anew.
 * @return how many */
static uint64_t
collect(void)
{
	struct list reachable, doomed;
	struct unix_socket *s;
	uint64_t n = 0;

	list_init(&reachable);
	list_init(&doomed);
	mutex_lock(&flight_lock);
	find_reachable(&reachable);
	list_for_each (s, &in_flight, flight_link) {
		file_get(s->socket.file);
		list_add_tail(&s->doomed_link, &doomed);
	}
	list_splice_tail(&reachable, &in_flight);
	collect_mark = MAX(COLLECT_MIN, 2 * nflight);
	mutex_unlock(&flight_lock);
	while ((s = list_first(&doomed, struct unix_socket, doomed_link))) {
		list_del(&s->doomed_link);
		unix_purge(s);
		file_put(s->socket.file);
		n++;
	}
	return n;
}

unsigned
flight_count(void)
{
	return nflight;
}

/* A look without the lock: who misses what is being sent now leaves it to the
 * next. A mark that counts what has been closed by now is to be set anew, even
 * if nothing else is in flight: what is closed as garbage comes by here. */
void
flight_collect(void)
{
	if (nflight || collect_mark > COLLECT_MIN)
		dispose(NULL, true);
}

/* evictor.evict: when the heap is short. How much a circle holds is not known
 * before it is gone, so all are taken. */
static uint64_t
evict_flights(uint64_t want)
{
	(void)want;
	return nflight ? dispose(NULL, true) : 0;
}
EVICTOR(unix_flights, evict_flights);

/* ---- Control data that is sent ---- */

/* cmsg(3): the pieces of SCM_RIGHTS are one list. What is behind a wrong length
 * does not count: scm_get ends there, too. */
static unsigned
count_rights(const struct msg *m)
{
	struct cmsghdr h;
	size_t at = 0;
	unsigned n = 0;

	for (; at + sizeof(h) <= m->control_len; at += CMSG_ALIGN(h.cmsg_len)) {
		memcpy(&h, m->control + at, sizeof(h));
		if (h.cmsg_len < sizeof(h) || h.cmsg_len > m->control_len - at)
			break;
		if (h.cmsg_level == SOL_SOCKET && h.cmsg_type == SCM_RIGHTS)
			n += (h.cmsg_len - sizeof(h)) / sizeof(int32_t);
	}
	return n;
}

/* Each counted as soon as it is there: so after an error scm_put closes those.
 * A descriptor may be sent that was opened with O_PATH, open(2). */
static int
get_rights(struct scm *scm, const int32_t *fds, unsigned n)
{
	struct rights *r = scm->rights;
	for (unsigned i = 0; i < n; i++) {
		r->files[r->n] = fd_get(fds[i]);
		if (!r->files[r->n])
			return -EBADF;
		r->nsockets += unix_of(r->files[r->n]) != NULL;
		r->n++;
	}
	return 0;
}

static bool
is_one_of(uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
	return id == a || id == b || id == c;
}

static bool
process_exists(int pid)
{
	struct proc *p = proc_find(pid);

	if (p)
		proc_put(p);
	return p != NULL;
}

/* A process says who it is: root may lie, unix(7). */
static int
get_cred(struct scm *scm, const struct ucred *given)
{
	const struct cred *c = current_cred();

	if (c->euid && (given->pid != scm->cred.pid ||
			!is_one_of(given->uid, c->uid, c->euid, c->suid) ||
			!is_one_of(given->gid, c->gid, c->egid, c->sgid)))
		return -EPERM;
	if (given->pid != scm->cred.pid && !process_exists(given->pid))
		return -ESRCH;
	scm->cred = *given;
	return 0;
}

/* What is of other levels is not for us, and no error. */
static int
get_piece(struct scm *scm, const struct cmsghdr *h, const char *data)
{
	size_t len = h->cmsg_len - sizeof(*h);

	if (h->cmsg_level != SOL_SOCKET)
		return 0;
	if (h->cmsg_type == SCM_RIGHTS)
		return get_rights(scm, (const int32_t *)data,
				  len / sizeof(int32_t));
	if (h->cmsg_type != SCM_CREDENTIALS || len != sizeof(struct ucred))
		return -EINVAL;
	return get_cred(scm, (const struct ucred *)data);
}

/* A sender pays for the looking (UNIX4), and does so first, with no lock held
 * and no files in hand. Files are counted last: only those of a message without
 * an error. */
int
scm_get(struct scm *scm, const struct msg *m)
{
	struct cmsghdr h;
	unsigned n = count_rights(m);
	size_t at = 0;
	int error = 0;

	if (nflight > collect_mark)
		flight_collect();
	if (n > SCM_MAX_FD)
		return -EINVAL;
	if (n > 0)
		scm->rights = rights_new(n);
	while (!error && at + sizeof(h) <= m->control_len) {
		memcpy(&h, m->control + at, sizeof(h));
		if (h.cmsg_len < sizeof(h) || h.cmsg_len > m->control_len - at)
			return -EINVAL;
		error = get_piece(scm, &h, m->control + at + sizeof(h));
		at += CMSG_ALIGN(h.cmsg_len);
	}
	if (!error && scm->rights)
		error = count_files(scm->rights);
	return error;
}

void
scm_put(struct scm *scm)
{
	if (scm->rights->user)
		uncount_files(scm->rights);
	rights_dispose(scm->rights);
}

/* ---- Files that are received ---- */

/* Install as many as the user has room for. Each is charged to who has it now.
 * A descriptor whose number cannot be told is taken back, for nobody would know
 * of it. @p r keeps its references. @return how many */
static unsigned
install_files(struct rights *r, struct msg *m, unsigned room)
{
	bool cloexec = m->flags & MSG_CMSG_CLOEXEC;
	uint64_t to = (uint64_t)m->control_to + sizeof(struct cmsghdr);
	int32_t fd;
	unsigned i = 0, n = MIN(r->n, room);

	while (i < n) {
		file_take(r->files[i]);
		fd = fd_install(file_get(r->files[i]), 0, cloexec);
		if (fd < 0)
			break;
		if (copyout((void *)(to + i * sizeof(fd)), &fd, sizeof(fd))) {
			fd_uninstall(fd, file_get(r->files[i]));
			break;
		}
		/* The next may need a new part of the table. */
		if (++i == n || heap_again())
			break;
	}
	return i;
}

/* The header comes last, when it is known how many there are. The padding
 * behind the last descriptor may be missing, as in msg_put_control. */
void
rights_install(struct rights *r, struct msg *m)
{
	struct cmsghdr h = {
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	unsigned n = 0;
	size_t space;

	if (m->control_room >= CMSG_LEN(sizeof(int32_t)))
		n = install_files(
			r, m, (m->control_room - sizeof(h)) / sizeof(int32_t));
	h.cmsg_len = CMSG_LEN(n * sizeof(int32_t));
	if (n && copyout(m->control_to, &h, sizeof(h)) == 0) {
		space = MIN(CMSG_SPACE(n * sizeof(int32_t)), m->control_room);
		m->control_to += space;
		m->control_room -= space;
	}
	if (n < r->n)
		m->result_flags |= MSG_CTRUNC;
	rights_dispose(r);
}

void
rights_init(void)
{
	mutex_init(&flight_lock, "unix files in flight");
}
