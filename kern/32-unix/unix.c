/*
 * AF_UNIX sockets from their making to their end: pairs, listening, accepting,
 * connecting, shutting down, closing. unix(7). Names are in name.c; what is
 * sent and received in send.c and receive.c.
 *
 * A connection is two sockets that point to each other, each with a reference
 * to the other until its own file is closed.
 */
#include "abi/termios.h"
#include "unix.h"

/* Guards `peer` of datagram sockets, and who is connected to them. One for all:
 * a change concerns two sockets, or three. */
static struct spinlock links_lock = SPINLOCK("unix links");

static const struct socket_ops unix_ops;

/* ---- Making and freeing ---- */

/* One reference: for the file that it gets, or the listener's queue. Without a
 * peer SO_PEERCRED tells process 0 and no user, as on Linux. */
static struct unix_socket *
unix_new(int type, int protocol)
{
	struct unix_socket *s = knew(struct unix_socket);

	socket_init(&s->socket, &unix_ops, AF_UNIX, type, protocol);
	ref_init(&s->refs);
	s->peer_cred = (struct ucred){ 0, UINT32_MAX, UINT32_MAX };
	spin_init(&s->send_lock, "unix sender");
	mutex_init(&s->lock, "unix socket");
	list_init(&s->messages);
	waitq_init(&s->room_wq, "unix senders");
	list_init(&s->clients);
	list_init(&s->client_link);
	list_init(&s->pending);
	list_init(&s->pending_link);
	list_init(&s->flights);
	list_init(&s->flight_link);
	list_init(&s->doomed_link);
	return s;
}

/* The protocol may be named by the family's number: on Linux, too. It is not
 * kept: SO_PROTOCOL says 0. */
static int
unix_create(int type, int protocol, struct socket **result)
{
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == SOCK_RAW) /* as it was in BSD */
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	*result = &unix_new(type, 0)->socket;
	return 0;
}
SOCKET_FAMILY(unix, AF_UNIX, unix_create);

static void
unix_free(struct rcu_head *head)
{
	kfree(container_of(head, struct unix_socket, rcu));
}

void
unix_put(struct unix_socket *s)
{
	if (!ref_put(&s->refs))
		return;
	INVARIANT(UNIX3, list_empty(&s->messages) && !s->charged);
	if (s->address)
		unix_address_put(s->address);
	bytes_free(&s->bytes);
	rcu_defer(&s->rcu, unix_free);
}

struct ucred
unix_cred(bool effective)
{
	const struct cred *c = current_cred();

	return (struct ucred){
		.pid = current_proc() ? current_proc()->pid : 0,
		.uid = effective ? c->euid : c->uid,
		.gid = effective ? c->egid : c->gid,
	};
}

/* ---- Links ---- */

/* The pointer may be that of one whose last reference is going: its memory
 * stays for the length of the RCU section, its count is 0. */
struct unix_socket *
unix_peer(struct unix_socket *s)
{
	struct unix_socket *p;

	rcu_read_lock();
	p = rcu_deref(s->peer);
	if (p && !ref_get_unless_zero(&p->refs))
		p = NULL;
	rcu_read_unlock();
	return p;
}

/* Both are fresh, or locked out of others' reach by their state. Each has a
 * reference to the other; end_one breaks the circle. */
static void
join(struct unix_socket *a, struct unix_socket *b)
{
	rcu_assign(a->peer, unix_get(b));
	rcu_assign(b->peer, unix_get(a));
}

/* A datagram socket sends to @p to from now on (NULL: to nobody), whose
 * reference it takes. @return the reference to the one before */
static struct unix_socket *
dgram_link(struct unix_socket *s, struct unix_socket *to)
{
	struct unix_socket *old;

	spin_lock(&links_lock);
	old = s->peer;
	list_del(&s->client_link);
	if (to)
		list_add_tail(&s->client_link, &to->clients);
	rcu_assign(s->peer, to);
	spin_unlock(&links_lock);
	return old;
}

/* Who sends sleeps on the receiver's queue. Who polls watches its own socket's
 * (unix_poll): that of each which is connected. */
void
unix_wake_senders(struct unix_socket *s)
{
	struct unix_socket *c;

	waitq_wake_all(&s->room_wq);
	spin_lock(&links_lock);
	list_for_each (c, &s->clients, client_link)
		waitq_wake_all(&c->socket.write_wq);
	spin_unlock(&links_lock);
}

/* No lock: nobody else has either. */
static int
unix_pair(struct socket *first, struct socket *second)
{
	struct unix_socket *a = to_unix(first), *b = to_unix(second);

	a->peer_cred = b->peer_cred = unix_cred(true);
	if (is_dgram(a)) {
		dgram_link(a, unix_get(b));
		dgram_link(b, unix_get(a));
		return 0;
	}
	a->state = b->state = UNIX_CONNECTED;
	join(a, b);
	return 0;
}

/* ---- Listening and accepting ---- */

/* Again on one that listens: a larger backlog lets in who waits, and who
 * connects from now on is told the credentials of this call: so they are set
 * under the lock under which it is first seen to listen. Without an address it
 * could not be found: EINVAL, as on Linux; POSIX has EDESTADDRREQ. */
static int
unix_listen(struct socket *socket, unsigned backlog)
{
	struct unix_socket *s = to_unix(socket);
	int state = UNIX_IDLE;

	if (is_dgram(s))
		return -EOPNOTSUPP;
	if (!rcu_deref(s->address))
		return -EINVAL;
	mutex_lock(&s->lock);
	if (atomic_compare_exchange_strong(&s->state, &state, UNIX_LISTENING))
		state = UNIX_LISTENING;
	if (state == UNIX_LISTENING) {
		s->backlog = backlog;
		s->peer_cred = unix_cred(true);
		socket->listening = true;
	}
	mutex_unlock(&s->lock);
	waitq_wake_all(&s->room_wq);
	return state == UNIX_LISTENING ? 0 : -EINVAL;
}

/* The first connection that waits; locked. Under flight_lock too, as the
 * collector goes through the queue to what such connections have received. */
static struct unix_socket *
take_pending(struct unix_socket *s)
{
	struct unix_socket *e;

	mutex_lock(&flight_lock);
	e = list_first(&s->pending, struct unix_socket, pending_link);
	list_del(&e->pending_link);
	mutex_unlock(&flight_lock);
	s->npending--;
	return e;
}

/* EAGAIN comes before EINVAL of a listener that was shut down: as on Linux, who
 * does not wait is not told. Connections that came before that are still to be
 * had. The queue's reference becomes that of the file. */
static int
unix_accept(struct socket *socket, bool nonblock, struct socket **result)
{
	struct unix_socket *s = to_unix(socket), *e;
	uint64_t deadline = socket_deadline(socket, false);
	int error = 0;

	if (is_dgram(s))
		return -EOPNOTSUPP;
	if (s->state != UNIX_LISTENING)
		return -EINVAL;
	mutex_lock(&s->lock);
	while (!error && !s->npending) {
		if (nonblock)
			error = -EAGAIN;
		else if (s->shutdown & SOCKET_RECEIVE)
			error = -EINVAL;
		else
			error = socket_wait_error(
				waitq_wait_mutex(&socket->read_wq, &s->lock,
						 WAIT_INTERRUPTIBLE, deadline),
				deadline);
	}
	if (!error) {
		e = take_pending(s);
		*result = &e->socket;
	}
	mutex_unlock(&s->lock);
	if (!error)
		waitq_wake_all(&s->room_wq);
	return error;
}

/* ---- Connecting ---- */

static bool
is_listening(const struct unix_socket *l)
{
	return l->state == UNIX_LISTENING && !l->dead &&
	       !(l->shutdown & SOCKET_RECEIVE);
}

/* Wait until @p l, locked, has room for one more connection: there may be one
 * more than its backlog, as on Linux. What it is is looked at after each sleep.
 * SO_SNDTIMEO bounds the wait, socket(7). */
static int
wait_for_backlog(struct unix_socket *s, struct unix_socket *l, bool nonblock)
{
	uint64_t deadline = socket_deadline(&s->socket, true);
	int error = 0;

	while (!error && is_listening(l) && l->npending > l->backlog)
		error = nonblock
				? -EAGAIN
				: socket_wait_error(
					  waitq_wait_mutex(
						  &l->room_wq, &l->lock,
						  WAIT_INTERRUPTIBLE, deadline),
					  deadline);
	if (!error && !is_listening(l))
		error = -ECONNREFUSED;
	return error;
}

/* Leave a new socket, joined with @p s, for accept; @p l is locked. It has the
 * listener's address, and so can be bound to no other; of options, SO_PASSCRED
 * alone is the listener's. Each side is told who made the other: who connected,
 * and who listened, unix(7). */
static void
add_pending(struct unix_socket *s, struct unix_socket *l)
{
	struct unix_socket *e = unix_new(l->socket.type, 0);

	e->state = UNIX_CONNECTED;
	e->binding = true;
	e->address = unix_address_get(l->address);
	e->peer_cred = unix_cred(true);
	e->socket.options = l->socket.options & BIT(SO_PASSCRED);
	s->peer_cred = l->peer_cred;
	join(s, e);
	mutex_lock(&flight_lock);
	list_add_tail(&e->pending_link, &l->pending);
	mutex_unlock(&flight_lock);
	l->npending++;
}

/* Its own state changes by compare and exchange: the lock of the connecting
 * socket is not taken under that of the other (UNIX1). That is done last, when
 * nothing can fail any more: there is no way back from it. So one that is
 * connected already waits for room before it is told EISCONN. */
static int
connect_to(struct unix_socket *s, struct unix_socket *l, bool nonblock)
{
	int idle = UNIX_IDLE, error;

	mutex_lock(&l->lock);
	error = wait_for_backlog(s, l, nonblock);
	if (!error &&
	    !atomic_compare_exchange_strong(&s->state, &idle, UNIX_CONNECTED))
		error = idle == UNIX_CONNECTED ? -EISCONN : -EINVAL;
	if (!error)
		add_pending(s, l);
	mutex_unlock(&l->lock);
	if (!error)
		waitq_wake_one(&l->socket.read_wq);
	return error;
}

/* Messages of the old peer's are lost, and it is told: it has no other way to
 * know. But not if it is connected to another, from whom the error would seem
 * to come. @p s is not locked. */
static void
dgram_disconnected(struct unix_socket *s, struct unix_socket *old)
{
	struct list messages;
	bool lost;

	mutex_lock(&s->lock);
	lost = s->nmessages > 0;
	unix_take_all(s, &messages);
	mutex_unlock(&s->lock);
	messages_free(&messages, NULL);
	if (lost && rcu_deref(old->peer) == s)
		unix_set_error(old, ECONNRESET);
}

void
unix_disconnect(struct unix_socket *s, struct unix_socket *from)
{
	bool linked; /* only one of several that find it gone goes on */

	spin_lock(&links_lock);
	linked = s->peer == from;
	if (linked) {
		list_del(&s->client_link);
		rcu_assign(s->peer, NULL);
	}
	spin_unlock(&links_lock);
	if (!linked)
		return;
	dgram_disconnected(s, from);
	unix_wake_senders(s);
	unix_put(from);
}

/* @p to: NULL (AF_UNSPEC) ends a connection, connect(2); else its
 * reference is taken over. Its own peer is only compared, without a lock: if
 * that changes now, each send is checked again (check_receiver). */
static int
dgram_connect(struct unix_socket *s, struct unix_socket *to)
{
	const struct unix_socket *its = to ? rcu_deref(to->peer) : NULL;
	struct unix_socket *old;

	if (its && its != s) {
		unix_put(to);
		return -EPERM; /* it receives from its own peer alone */
	}
	old = dgram_link(s, to);
	if (old && old != to)
		dgram_disconnected(s, old);
	unix_wake_senders(s); /* others may not send to it any more */
	waitq_wake_all(&s->socket.write_wq);
	if (old)
		unix_put(old);
	return 0;
}

/* The name is looked up, and may sleep, before any lock is taken. A connection
 * stands when this returns, accepted or not; so a signal leaves it either made
 * or not begun, and the call can be made again. */
static int
unix_connect(struct socket *socket, const struct sockaddr_storage *name,
	     unsigned len, bool nonblock)
{
	struct unix_socket *s = to_unix(socket), *other;
	int error;

	if (len < sizeof(name->ss_family))
		return -EINVAL;
	if (is_dgram(s) && name->ss_family == AF_UNSPEC)
		return dgram_connect(s, NULL);
	error = unix_check_name(name, len);
	if (!error && socket_option(socket, SO_PASSCRED))
		error = unix_autobind(s);
	if (!error)
		error = unix_find(name, len, socket->type, &other);
	if (error)
		return error;
	if (is_dgram(s))
		return dgram_connect(s, other);
	error = connect_to(s, other, nonblock);
	unix_put(other);
	return error;
}

/* ---- Shutting down ---- */

/* All: each has its own part of the news, and none would wake the next. */
static void
wake_everyone(struct unix_socket *s)
{
	waitq_wake_all(&s->socket.read_wq);
	waitq_wake_all(&s->socket.write_wq);
	waitq_wake_all(&s->room_wq);
}

/* Under both locks: who sleeps in s has tested under one of them. The wake-ups
 * come after the unlock, and lose nothing. No other socket's lock is held. */
static void
set_condition(struct unix_socket *s, unsigned how, int error)
{
	mutex_lock(&s->lock);
	spin_lock(&s->send_lock);
	atomic_fetch_or(&s->shutdown, how);
	if (error)
		s->socket.error = error;
	spin_unlock(&s->send_lock);
	mutex_unlock(&s->lock);
	wake_everyone(s);
}

void
unix_set_error(struct unix_socket *s, int error)
{
	set_condition(s, 0, error);
}

/* What the one does not send any more the other will not receive, and the other
 * way round; one side after the other (UNIX1). What is in a queue can still be
 * read. A socket without a connection shuts its own side: POSIX has ENOTCONN,
 * Linux no error. */
static int
unix_shutdown(struct socket *socket, unsigned how)
{
	struct unix_socket *s = to_unix(socket), *p = rcu_deref(s->peer);
	unsigned other = 0;

	set_condition(s, how, 0);
	if (is_dgram(s) || !p)
		return 0;
	if (how & SOCKET_RECEIVE)
		other |= SOCKET_SEND;
	if (how & SOCKET_SEND)
		other |= SOCKET_RECEIVE;
	set_condition(p, other, 0);
	return 0;
}

/* ---- The end ---- */

/* Nothing is put into the queue of @p s any more; what is in it goes, but for
 * connections that nobody has accepted: to @p pending. Who waits to send there
 * finds it shut down. The messages are freed without locks: files in them are
 * closed, and any of those may be a socket. @return whether something was */
static bool
close_queue(struct unix_socket *s, struct list *pending)
{
	struct list messages;
	bool unread;

	mutex_lock(&s->lock);
	s->dead = true;
	unread = s->nmessages > 0;
	unix_take_all(s, &messages);
	mutex_lock(&flight_lock);
	list_splice_tail(&s->pending, pending);
	mutex_unlock(&flight_lock);
	s->npending = 0;
	mutex_unlock(&s->lock);
	set_condition(s, SOCKET_RECEIVE | SOCKET_SEND, 0);
	messages_free(&messages, s->peer);
	return unread;
}

/* Nobody uses @p s any more. @p reset: its peer never had a chance. ECONNRESET
 * is for who would think that what he sent was read; else the end of file says
 * all. The references that the two ends have to each other go here. */
static void
end_one(struct unix_socket *s, bool reset, struct list *pending)
{
	bool unread = close_queue(s, pending);
	struct unix_socket *p;

	if (is_dgram(s)) {
		p = dgram_link(s, NULL);
		unix_wake_senders(s);
	} else {
		p = s->peer;
		if (p)
			set_condition(p, SOCKET_RECEIVE | SOCKET_SEND,
				      unread || reset ? ECONNRESET : 0);
	}
	if (p)
		unix_put(p);
	unix_put(s);
}

/* None of them has a file: the reference that end_one puts was the queue's.
 * They do not listen, so @p pending only gets shorter. */
static void
end_pending(struct list *pending)
{
	struct unix_socket *s;

	while ((s = list_first(pending, struct unix_socket, pending_link))) {
		list_del(&s->pending_link);
		end_one(s, true, pending);
	}
}

/* Its own reference stays, and its peer's: they go with its file, when the
 * messages that have that are freed. */
void
unix_purge(struct unix_socket *s)
{
	struct list pending = LIST_INIT(pending);

	close_queue(s, &pending);
	end_pending(&pending);
}

/* The name first: from then on nobody finds the socket anew. At the end it may
 * have been what held a circle of others. */
static void
unix_release(struct socket *socket)
{
	struct unix_socket *s = to_unix(socket);
	struct list pending = LIST_INIT(pending);

	unix_unbind(s);
	end_one(s, false, &pending);
	end_pending(&pending);
	flight_collect();
}

/* ---- What there is to know ---- */

/* sun_family alone is the address of a socket without a name. */
static int
unix_name(struct socket *socket, bool peer, struct sockaddr_storage *name)
{
	struct unix_socket *s = to_unix(socket);
	unsigned len;

	s = peer ? unix_peer(s) : unix_get(s);
	if (!s)
		return -ENOTCONN;
	len = unix_copy_name(s, name);
	unix_put(s);
	if (len)
		return len;
	name->ss_family = AF_UNIX;
	return sizeof(name->ss_family);
}

/* The mark of unix_uncharge: where it wakes, this must say yes. A datagram
 * socket that is connected also asks its receiver; @p p's own peer is only
 * compared. */
static bool
is_writable(struct unix_socket *s)
{
	struct unix_socket *p;
	bool full;

	if (s->state == UNIX_LISTENING ||
	    s->charged > (uint32_t)s->socket.sndbuf / 4)
		return false;
	if (!is_dgram(s))
		return true;
	p = unix_peer(s);
	if (!p)
		return true;
	full = rcu_deref(p->peer) != s && p->nmessages >= DATAGRAMS_MAX;
	unix_put(p);
	return !full;
}

/* No lock is taken: all that is read here are words of their own. The fence has
 * the watches hang before they are read, so a change that is not seen comes
 * after, and finds the watch. POLLHUP is for both ways shut, and for a stream
 * that has no connection yet: as on Linux. */
static unsigned
unix_poll(struct socket *socket, struct poll_table *table)
{
	struct unix_socket *s = to_unix(socket);
	unsigned events = 0, shutdown;

	poll_add(table, &socket->read_wq);
	poll_add(table, &socket->write_wq);
	atomic_thread_fence(memory_order_seq_cst);
	shutdown = s->shutdown;
	if (socket->error)
		events |= POLLERR;
	if (shutdown == (SOCKET_RECEIVE | SOCKET_SEND) ||
	    (!is_dgram(s) && s->state == UNIX_IDLE))
		events |= POLLHUP;
	if (shutdown & SOCKET_RECEIVE)
		events |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (s->nmessages || s->npending)
		events |= POLLIN | POLLRDNORM;
	if (is_writable(s))
		events |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return events;
}

/* unix(7): FIONREAD is the whole queue of a connection, packets too, and the
 * first of datagrams; SIOCOUTQ what the peers have not read, with its cost. */
static int
unix_ioctl(struct socket *socket, uint64_t request, uint64_t arg)
{
	struct unix_socket *s = to_unix(socket);
	const struct message *m;
	int32_t n;

	switch (request) {
	case SIOCOUTQ:
		n = s->charged;
		break;
	case FIONREAD:
		if (s->state == UNIX_LISTENING)
			return -EINVAL;
		mutex_lock(&s->lock);
		m = list_first(&s->messages, struct message, link);
		n = !is_dgram(s) ? s->queued : m ? m->len : 0;
		mutex_unlock(&s->lock);
		break;
	default:
		return -ENOTTY;
	}
	return copyout((void *)arg, &n, sizeof(n));
}

static int
unix_get_option(struct socket *socket, int level, int option, void *value,
		unsigned *len)
{
	struct unix_socket *s = to_unix(socket);

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (option != SO_PEERCRED)
		return -ENOPROTOOPT;
	*len = MIN(*len, (unsigned)sizeof(s->peer_cred));
	memcpy(value, &s->peer_cred, *len);
	return 0;
}

/* A larger SO_SNDBUF makes room that no reader has given back: senders look
 * again. */
static void
unix_resized(struct socket *socket)
{
	unix_set_error(to_unix(socket), 0);
}

static const struct socket_ops unix_ops = {
	.bind = unix_bind,
	.listen = unix_listen,
	.accept = unix_accept,
	.connect = unix_connect,
	.pair = unix_pair,
	.name = unix_name,
	.send = unix_send,
	.receive = unix_receive,
	.shutdown = unix_shutdown,
	.poll = unix_poll,
	.ioctl = unix_ioctl,
	.get_option = unix_get_option,
	.resized = unix_resized,
	.release = unix_release,
};

static void
unix_init(void)
{
	names_init();
	rights_init();
}
CHAPTER_INIT(unix_init);
