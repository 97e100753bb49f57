/*
 * What a socket has received: bytes on pages, messages on the heap that say
 * where one ends and the next begins, and what their sender is charged for
 * them. So who fills queues runs into his own limit (UNIX2).
 */
#include "unix.h"

/* ---- Bytes ---- */

static struct byte_page *
page_new(void)
{
	struct page *p = page_alloc(0, PAGE_KERNEL, 0);
	struct byte_page *b;

	if (!p)
		return NULL;
	b = page_address(p);
	b->next = NULL;
	return b;
}

static void
page_free(struct byte_page *b)
{
	page_unref(address_to_page(b));
}

static void
free_chain(struct byte_page *b)
{
	struct byte_page *next;

	for (; b; b = next) {
		next = b->next;
		page_free(b);
	}
}

/* Room at the end: a page is there with a free byte in it. */
static bool
have_room(struct bytes *b)
{
	struct byte_page *new;

	if (b->last && b->end < BYTE_PAGE_SIZE)
		return true;
	new = page_new();
	if (!new)
		return false;
	if (b->last)
		b->last->next = new;
	else
		b->first = new;
	b->last = new;
	b->end = 0;
	return true;
}

/* Go back to where an append began: after @p end bytes of @p last. */
static void
take_back(struct bytes *b, struct byte_page *last, uint32_t end)
{
	if (!last) {
		bytes_free(b);
		return;
	}
	free_chain(last->next);
	last->next = NULL;
	b->last = last;
	b->end = end;
}

/* A fault or no page in the middle leaves the queue as it was: half a datagram
 * is none, and what a stream takes is told by the piece. */
int
bytes_put(struct bytes *b, struct uio *u, size_t n)
{
	struct byte_page *last = b->last;
	uint32_t end = b->end, part;

	for (; n > 0; n -= part) {
		if (!have_room(b)) {
			take_back(b, last, end);
			return -ENOBUFS;
		}
		part = MIN(n, BYTE_PAGE_SIZE - b->end);
		if (uio_copy_from(u, b->last->bytes + b->end, part) < part) {
			take_back(b, last, end);
			return -EFAULT;
		}
		b->end += part;
	}
	return 0;
}

/* The offset is first within the page at which the bytes begin, then 0. */
size_t
bytes_copy(const struct bytes *b, size_t offset, struct uio *u, size_t n)
{
	const struct byte_page *p = b->first;
	size_t done = 0, part, copied;

	for (offset += b->start; offset >= BYTE_PAGE_SIZE && p->next;
	     offset -= BYTE_PAGE_SIZE)
		p = p->next;
	for (; done < n; p = p->next, offset = 0) {
		part = MIN(n - done, BYTE_PAGE_SIZE - offset);
		copied = uio_copy_to(u, p->bytes + offset, part);
		done += copied;
		if (copied < part)
			break;
	}
	return done;
}

/* The last page stays even if it is empty, and is filled from its beginning: a
 * socket whose messages are small and soon read allocates none. */
void
bytes_drop(struct bytes *b, size_t n)
{
	struct byte_page *p;
	size_t offset = b->start + n;

	while (offset >= BYTE_PAGE_SIZE && b->first != b->last) {
		p = b->first;
		b->first = p->next;
		offset -= BYTE_PAGE_SIZE;
		page_free(p);
	}
	b->start = offset;
	if (b->first == b->last && b->start == b->end)
		b->start = b->end = 0;
}

void
bytes_free(struct bytes *b)
{
	free_chain(b->first);
	*b = (struct bytes){ 0 };
}

/* ---- Charges ---- */

/* For a byte, and then for as many as the call brings: so a message may pass
 * the limit, but none begins beyond it (UNIX2). */
static bool
has_room(const struct unix_socket *s)
{
	return s->charged < (uint32_t)s->socket.sndbuf;
}

/* Wait until there is room. Who makes it passes the mark of wake_mark, and
 * takes send_lock then: so the wake-up cannot fall between test and sleep. */
static int
wait_for_room(struct unix_socket *s, uint64_t deadline)
{
	int error = 0;

	spin_lock(&s->send_lock);
	while (!error && !has_room(s) && !(s->shutdown & SOCKET_SEND) &&
	       !s->socket.error)
		error = waitq_wait(&s->socket.write_wq, &s->send_lock,
				   WAIT_INTERRUPTIBLE, deadline);
	spin_unlock(&s->send_lock);
	return socket_wait_error(error, deadline);
}

/* Several threads may pass has_room at once, and so a charge may exceed the
 * limit by a message each. Half of the limit at once: so the next piece is put
 * while the first is read, and the two sides need not take turns. What is wrong
 * with the socket comes before that there is no room. */
int64_t
unix_charge(struct unix_socket *s, size_t want, bool all, bool nonblock)
{
	uint64_t deadline = socket_deadline(&s->socket, true);
	size_t n = want;
	int error;

	for (;;) {
		error = socket_take_error(&s->socket);
		if (error)
			return error;
		if (s->shutdown & SOCKET_SEND)
			return -EPIPE;
		if (has_room(s))
			break;
		if (nonblock)
			return -EAGAIN;
		error = wait_for_room(s, deadline);
		if (error)
			return error;
	}
	if (!all)
		n = MIN(MIN(n, STREAM_PIECE), (size_t)s->socket.sndbuf / 2);
	atomic_fetch_add(&s->charged, n + MESSAGE_COST);
	return n;
}

/* Below it a socket is writable (poll), and sleepers are woken: not by each
 * byte that is read. A quarter, as on Linux. */
static uint32_t
wake_mark(const struct unix_socket *s)
{
	return s->socket.sndbuf / 4;
}

/* Only who passes the mark wakes. A sleeper has seen the whole limit used, so
 * the passing is still to come. Either it comes after he has joined the queue,
 * or the lock, empty as it is, waits until he has. */
void
unix_uncharge(struct unix_socket *s, size_t n)
{
	uint32_t before = atomic_fetch_sub(&s->charged, n);
	uint32_t mark = wake_mark(s); /* after it: a new limit wakes, too */

	if (before <= mark || before - n > mark)
		return;
	spin_lock(&s->send_lock);
	spin_unlock(&s->send_lock);
	waitq_wake_all(&s->socket.write_wq);
}

/* ---- Messages ---- */

void
message_unlink(struct unix_socket *s, struct message *m)
{
	list_del(&m->link);
	s->nmessages--;
}

void
unix_take_all(struct unix_socket *s, struct list *messages)
{
	list_init(messages);
	list_splice_tail(&s->messages, messages);
	s->nmessages = 0;
	s->queued = 0;
	bytes_free(&s->bytes);
}

/* Each is uncharged before the sender's reference goes (UNIX3). Its files are
 * taken out of the collector's sight, and only then closed. */
void
messages_free(struct list *messages, struct unix_socket *peer)
{
	struct message *m;

	while ((m = list_first(messages, struct message, link))) {
		list_del(&m->link);
		unix_uncharge(m->sender ? m->sender : peer,
			      m->len + MESSAGE_COST);
		if (m->sender)
			unix_put(m->sender);
		if (m->rights) {
			rights_taken(m->rights);
			rights_dispose(m->rights);
		}
		kfree(m);
	}
}
