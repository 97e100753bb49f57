/*
 * Sending on AF_UNIX: charge the sender, then put the bytes in the receiver's
 * queue, under the receiver's lock alone. User memory is copied under it, and
 * may fault: nothing that a page fault needs is held before a socket's lock.
 */
#include "unix.h"

/* Linux takes so much of SO_SNDBUF for the datagram's head: a longer one is
 * EMSGSIZE, for it would never find room. */
#define DATAGRAM_HEAD 32

/* ---- The queue's end; the receiver is locked ---- */

/* The files go with the first message that a call makes, and are the queue's
 * then. @p sender: its reference is the message's. */
static void
add_message(struct unix_socket *to, size_t n, struct scm *scm,
	    struct unix_socket *sender)
{
	struct message *m = knew(struct message);

	m->len = n;
	m->cred = scm->cred;
	m->sender = sender;
	if (scm->rights) {
		m->rights = scm->rights;
		rights_sent(m->rights, to);
		scm->rights = NULL;
	}
	list_add_tail(&m->link, &to->messages);
	to->nmessages++;
	to->queued += n;
}

/* Add to the last message of a stream, if there is no seam between: files stay
 * where they are in the stream, and so does a change of the sender. */
static bool
extend_last(struct unix_socket *to, size_t n, const struct scm *scm)
{
	struct message *m = list_last(&to->messages, struct message, link);

	if (!m || m->rights || scm->rights ||
	    memcmp(&m->cred, &scm->cred, sizeof(m->cred)))
		return false;
	m->len += n;
	to->queued += n;
	return true;
}

/* ---- Streams ---- */

/* Put @p n bytes, which have been charged. Whether there is still somebody to
 * read them is known under the lock alone: `dead` is set under it before the
 * queue is emptied, so nothing is left in a queue that was closed. The charge
 * of a message is given back where none was made. */
static int64_t
put_piece(struct unix_socket *s, struct unix_socket *to, struct msg *m,
	  struct scm *scm, size_t n)
{
	size_t spare = 0;
	int error;

	mutex_lock(&to->lock);
	if (to->dead || (to->shutdown & SOCKET_RECEIVE))
		error = -EPIPE;
	else
		error = bytes_put(&to->bytes, m->data, n);
	if (error)
		spare = n + MESSAGE_COST;
	else if (extend_last(to, n, scm))
		spare = MESSAGE_COST;
	else
		add_message(to, n, scm, NULL);
	mutex_unlock(&to->lock);
	if (spare)
		unix_uncharge(s, spare);
	if (error)
		return error;
	waitq_wake_one(&to->socket.read_wq);
	return n;
}

/* An error after the first piece is not told: the bytes that were sent are.
 * No bytes are no message, and files with them go nowhere. The peer is there as
 * long as this socket's file is, which the call has. */
static int64_t
send_stream(struct unix_socket *s, struct msg *m, struct scm *scm)
{
	struct unix_socket *to = rcu_deref(s->peer);
	int64_t done = 0, n = 0;

	if (m->name)
		return to ? -EISCONN : -EOPNOTSUPP;
	if (!to)
		return -ENOTCONN;
	if (s->shutdown & SOCKET_SEND)
		return -EPIPE; /* of no bytes, too, and before an error */
	while (m->data->left) {
		n = unix_charge(s, m->data->left, false, m->nonblock);
		if (n >= 0)
			n = put_piece(s, to, m, scm, n);
		if (n < 0)
			break;
		done += n;
		/* The next piece may be another message. */
		if (!m->data->left)
			break;
		n = heap_again();
		if (n)
			break;
	}
	return done ? done : n;
}

/* ---- Datagrams ---- */

/* Whether @p to, locked, takes a datagram of @p s now. One that is connected
 * hears its peer alone (and itself). Its peer and itself are bounded by their
 * own SO_SNDBUF, so the limit of messages is for strangers: of those there may
 * be any number. @p its is only compared, so it needs no reference.
 * @return 0; 1: its queue is full; -ECONNREFUSED, -EPIPE, -EPERM */
static int
check_receiver(struct unix_socket *s, struct unix_socket *to)
{
	const struct unix_socket *its = rcu_deref(to->peer);

	if (to->dead)
		return is_dgram(s) ? -ECONNREFUSED : -EPIPE;
	if (its && its != s && to != s)
		return -EPERM;
	if (to->shutdown & SOCKET_RECEIVE)
		return -EPIPE;
	if (its == s || to == s)
		return 0; /* what it is charged bounds it */
	return to->nmessages >= DATAGRAMS_MAX;
}

/* @p to is locked, but not in the sleep: all is looked at again after it. */
static int
wait_for_receiver(struct unix_socket *s, struct unix_socket *to, bool nonblock)
{
	uint64_t deadline = socket_deadline(&s->socket, true);
	int error;

	while ((error = check_receiver(s, to)) > 0) {
		if (nonblock)
			return -EAGAIN;
		error = waitq_wait_mutex(&to->room_wq, &to->lock,
					 WAIT_INTERRUPTIBLE, deadline);
		if (error)
			return socket_wait_error(error, deadline);
	}
	return error;
}

/* The charge was taken before the lock, for it may sleep, and is given back if
 * nothing was put. A receiver that has gone is told once (ECONNREFUSED): then
 * there is no connection any more. */
static int64_t
put_datagram(struct unix_socket *s, struct unix_socket *to, struct msg *m,
	     struct scm *scm, size_t n)
{
	int error;

	mutex_lock(&to->lock);
	error = wait_for_receiver(s, to, m->nonblock);
	if (!error)
		error = bytes_put(&to->bytes, m->data, n);
	if (!error)
		add_message(to, n, scm, is_dgram(s) ? unix_get(s) : NULL);
	mutex_unlock(&to->lock);
	if (!error) {
		waitq_wake_one(&to->socket.read_wq);
		return n;
	}
	unix_uncharge(s, n + MESSAGE_COST);
	if (error == -ECONNREFUSED)
		unix_disconnect(s, to);
	return error;
}

/* The receiver, referenced. A connection's is its peer, whatever is asked. */
static int
find_receiver(struct unix_socket *s, const struct msg *m,
	      struct unix_socket **to)
{
	if (is_dgram(s) && m->name)
		return unix_find(m->name, m->name_len, SOCK_DGRAM, to);
	*to = unix_peer(s);
	return *to ? 0 : -ENOTCONN;
}

/* What no socket could send. Who wants credentials is given a name as soon as
 * the address can be one, so that he can be answered. */
static int
check_message(struct unix_socket *s, const struct msg *m)
{
	int error = 0;

	if (is_dgram(s) && m->name)
		error = unix_check_name(m->name, m->name_len);
	if (!error && socket_option(&s->socket, SO_PASSCRED))
		error = unix_autobind(s);
	if (!error && m->data->left > (size_t)s->socket.sndbuf - DATAGRAM_HEAD)
		error = -EMSGSIZE;
	return error;
}

/* The message first, then the sender, which may have to wait for room, and last
 * the receiver: in Linux's order. */
static int64_t
send_datagram(struct unix_socket *s, struct msg *m, struct scm *scm)
{
	struct unix_socket *to;
	int64_t n = check_message(s, m);
	int error;

	if (!n)
		n = unix_charge(s, m->data->left, true, m->nonblock);
	if (n < 0)
		return n;
	error = find_receiver(s, m, &to);
	if (error) {
		unix_uncharge(s, n + MESSAGE_COST);
		return error;
	}
	n = put_datagram(s, to, m, scm, n);
	unix_put(to);
	return n;
}

/* A socket of packets says that it cannot send before it looks at what. */
static int64_t
check_packets(struct unix_socket *s)
{
	int error = socket_take_error(&s->socket);

	return error ? error : rcu_deref(s->peer) ? 0 : -ENOTCONN;
}

/* Files that were not sent are closed here, whatever went wrong. SIGPIPE is for
 * streams alone, and not for who has sent a part; MSG_NOSIGNAL: POSIX.1-2017
 * send. */
int64_t
unix_send(struct socket *socket, struct msg *m)
{
	struct unix_socket *s = to_unix(socket);
	struct scm scm = { .cred = unix_cred(false) };
	int64_t n = 0;

	if (socket->type == SOCK_SEQPACKET)
		n = check_packets(s);
	if (!n && m->control_len)
		n = scm_get(&scm, m);
	if (!n && (m->flags & MSG_OOB))
		n = -EOPNOTSUPP;
	if (!n)
		n = socket->type == SOCK_STREAM ? send_stream(s, m, &scm)
						: send_datagram(s, m, &scm);
	if (scm.rights)
		scm_put(&scm);
	if (n == -EPIPE && socket->type == SOCK_STREAM &&
	    !(m->flags & MSG_NOSIGNAL))
		signal_thread(current(), SIGPIPE, NULL);
	return n;
}
