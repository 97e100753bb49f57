/*
 * Receiving on AF_UNIX: from the socket's own queue, under its own lock. A
 * stream is read across messages, up to files or, if credentials are asked for,
 * to another sender; a datagram is read as a whole.
 */
#include "unix.h"

/** What a call has taken. */
struct taken {
	size_t done;   /* bytes given to the user */
	size_t freed;  /* to be given back to who was charged */
	size_t offset; /* MSG_PEEK: bytes left in the queue before */
	bool has_cred;
	struct ucred cred;
	struct rights *rights;
	struct rights *seen; /* MSG_PEEK: to be copied, as they stay */
};

/* Sleep until there may be a message; @p s is locked, but not in the sleep.
 * Called when there is none, so what has come is read before the end is told.
 * After a shutdown a read that does not wait tells the end of a connection
 * only; of datagrams EAGAIN, as on Linux: there is no end of them. @return 0:
 * look again; 1: there will be none any more; or an error */
static int
wait_for_message(struct unix_socket *s, bool nonblock, uint64_t deadline)
{
	int error = socket_take_error(&s->socket);

	if (error)
		return error;
	if (s->shutdown & SOCKET_RECEIVE)
		return nonblock && is_dgram(s) ? -EAGAIN : 1;
	if (nonblock)
		return -EAGAIN;
	error = waitq_wait_mutex(&s->socket.read_wq, &s->lock,
				 WAIT_INTERRUPTIBLE, deadline);
	return socket_wait_error(error, deadline);
}

/* Control data. No locks are held: installing descriptors may close files, and
 * those be sockets. */
static void
give_rest(struct unix_socket *s, struct msg *m, struct taken *t)
{
	if (socket_option(&s->socket, SO_PASSCRED))
		msg_put_control(m, SOL_SOCKET, SCM_CREDENTIALS, &t->cred,
				sizeof(t->cred));
	if (t->rights)
		rights_install(t->rights, m);
}

/* @p from cannot go: the message or the socket's file keeps it. */
static void
give_name(struct msg *m, const struct unix_socket *from)
{
	if (m->name)
		m->name_len = unix_copy_name(from, m->name);
}

/* ---- Streams; the socket is locked ---- */

/* Bytes of @p e have been read: they go. Its files go with the first of them,
 * and stand in @p t for after the unlock; the message stays for the others. */
static void
drop_part(struct unix_socket *s, struct message *e, size_t n, struct taken *t)
{
	bytes_drop(&s->bytes, n);
	s->queued -= n;
	t->freed += n;
	e->len -= n;
	if (e->rights) {
		rights_taken(e->rights);
		t->rights = e->rights;
		e->rights = NULL;
	}
	if (e->len)
		return;
	message_unlink(s, e);
	t->freed += MESSAGE_COST;
	kfree(e);
}

/* Read from message @p e. A read that takes files ends with their message at
 * the latest, so that it has those of one message alone, unix(7). What was
 * copied before a fault counts; only a fault at once is an error.
 * @return 0: go on with the next; 1: this is all; -EFAULT */
static int
read_part(struct unix_socket *s, struct message *e, struct msg *m,
	  struct taken *t)
{
	size_t n = MIN(m->data->left, (size_t)e->len), copied = 0;
	bool files = e->rights, peek = m->flags & MSG_PEEK;

	if (t->has_cred && socket_option(&s->socket, SO_PASSCRED) &&
	    memcmp(&t->cred, &e->cred, sizeof(e->cred)))
		return 1;
	if (n)
		copied = bytes_copy(&s->bytes, t->offset, m->data, n);
	if (copied < n && !copied)
		return -EFAULT;
	t->cred = e->cred;
	t->has_cred = true;
	t->done += copied;
	if (peek) {
		t->offset += copied;
		if (files)
			t->seen = e->rights;
	} else {
		drop_part(s, e, copied, t);
	}
	return files || copied < n;
}

/* Read all there is, as far as it is wanted. @return as read_part */
static int
read_there(struct unix_socket *s, struct msg *m, struct taken *t)
{
	struct message *e = list_first(&s->messages, struct message, link);
	int stop = 0;

	while (e && !stop) {
		struct message *next = list_next(e, &s->messages, link);

		stop = read_part(s, e, m, t);
		e = next;
		if (!m->data->left)
			break;
	}
	return stop;
}

static void
give_back(struct unix_socket *s, struct taken *t)
{
	if (t->freed)
		unix_uncharge(s->peer, t->freed);
	t->freed = 0;
}

/* Read until there is enough: all with MSG_WAITALL, else SO_RCVLOWAT, and of a
 * read of no bytes, that there is a message. MSG_PEEK takes what there is. What
 * is read is given back before a sleep: the sender may wait for it. The end, an
 * error or a signal after some bytes ends the read with those. */
static int
read_enough(struct unix_socket *s, struct msg *m, struct taken *t)
{
	uint64_t deadline = socket_deadline(&s->socket, false);
	size_t enough =
		m->flags & MSG_WAITALL
			? m->data->left
			: MIN(m->data->left, (size_t)s->socket.rcvlowat);
	int stop;

	enough = MAX(enough, (size_t)1);
	for (;;) {
		stop = read_there(s, m, t);
		if (stop || t->done >= enough ||
		    (t->has_cred && (!m->data->left || m->flags & MSG_PEEK)))
			return stop;
		give_back(s, t);
		if (t->done && s->socket.error)
			return 0; /* told by the next call */
		stop = wait_for_message(s, m->nonblock, deadline);
		if (stop)
			return stop;
	}
}

/* Without a connection a stream says EINVAL, where POSIX has ENOTCONN: so
 * Linux. A sender wakes one reader; who leaves something wakes the next. Files
 * that were only seen are copied before the unlock, as long as they are sure to
 * be there; descriptors are made after it. */
static int64_t
receive_stream(struct unix_socket *s, struct msg *m)
{
	struct taken t = { 0 };
	bool more;
	int stop;

	if (!rcu_deref(s->peer))
		return -EINVAL;
	mutex_lock(&s->lock);
	stop = read_enough(s, m, &t);
	if (t.seen)
		t.rights = rights_copy(t.seen);
	more = s->nmessages;
	mutex_unlock(&s->lock);
	give_back(s, &t);
	if (more)
		waitq_wake_one(&s->socket.read_wq);
	if (!t.has_cred)
		return MIN(stop, 0);
	give_name(m, s->peer);
	give_rest(s, m, &t);
	return t.done || stop >= 0 ? (int64_t)t.done : stop;
}

/* ---- Datagrams ---- */

/* The first message of @p s, locked; NULL and *error 0: there will be none. A
 * pending error comes before what has been received, unlike on a stream. */
static struct message *
first_message(struct unix_socket *s, bool nonblock, int *error)
{
	uint64_t deadline = socket_deadline(&s->socket, false);

	*error = socket_take_error(&s->socket);
	while (!*error && !s->nmessages)
		*error = wait_for_message(s, nonblock, deadline);
	if (*error) {
		*error = MIN(*error, 0);
		return NULL;
	}
	return list_first(&s->messages, struct message, link);
}

/* Read @p e, and take it out unless it is to stay: the rest of one that is
 * longer than its reader's room is lost. After a fault it stays whole.
 * @return bytes, or what there would have been (MSG_TRUNC in the call's flags,
 * recv(2)); -EFAULT */
static int64_t
read_datagram(struct unix_socket *s, struct message *e, struct msg *m,
	      struct taken *t)
{
	size_t n = MIN(m->data->left, (size_t)e->len);

	if (n && bytes_copy(&s->bytes, 0, m->data, n) < n)
		return -EFAULT;
	if (e->len > n)
		m->result_flags |= MSG_TRUNC;
	t->cred = e->cred;
	give_name(m, e->sender ? e->sender : s->peer);
	if (m->flags & MSG_PEEK) {
		if (e->rights)
			t->rights = rights_copy(e->rights);
	} else {
		bytes_drop(&s->bytes, e->len);
		s->queued -= e->len;
		message_unlink(s, e);
		t->freed = e->len + MESSAGE_COST;
		t->rights = e->rights;
	}
	return m->flags & MSG_TRUNC ? e->len : n;
}

/* It is out of the queue. */
static void
free_datagram(struct unix_socket *s, struct message *e, size_t freed)
{
	unix_uncharge(e->sender ? e->sender : s->peer, freed);
	if (e->sender)
		unix_put(e->sender);
	kfree(e);
}

/* Senders are woken where the queue falls below its limit, and not by each
 * datagram: one that is taken from a longer queue makes no room for them. */
static int64_t
receive_datagram(struct unix_socket *s, struct msg *m)
{
	struct taken t = { 0 };
	struct message *e;
	unsigned left;
	int64_t n;
	int error;

	if (!is_dgram(s) && !rcu_deref(s->peer))
		return -ENOTCONN;
	mutex_lock(&s->lock);
	e = first_message(s, m->nonblock, &error);
	n = e ? read_datagram(s, e, m, &t) : error;
	if (t.freed && t.rights)
		rights_taken(t.rights);
	left = s->nmessages;
	mutex_unlock(&s->lock);
	if (t.freed) {
		free_datagram(s, e, t.freed);
		if (left == DATAGRAMS_MAX - 1)
			unix_wake_senders(s);
	}
	if (left)
		waitq_wake_one(&s->socket.read_wq);
	if (e && n >= 0)
		give_rest(s, m, &t);
	return n;
}

int64_t
unix_receive(struct socket *socket, struct msg *m)
{
	struct unix_socket *s = to_unix(socket);

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	return socket->type == SOCK_STREAM ? receive_stream(s, m)
					   : receive_datagram(s, m);
}
