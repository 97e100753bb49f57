/*
 * Sending and receiving: sendto, sendmsg, sendmmsg and the three that receive.
 * Here a message header is copied from user space and back; the family gets a
 * struct msg that is in kernel memory but for the data.
 */
#include "socket_internal.h"

/* Messages of one call: more are not an error, and are left, sendmmsg(2). */
#define MMSG_MAX 1024u

/* Heap of one message: its head, the files in it and their count, the socket's
 * own name (autobind), a path's walk; descriptors for what is received. */

/* ---- Calling the family ---- */

static int64_t
socket_send(struct file *f, struct socket *s, struct msg *m)
{
	m->nonblock = m->flags & MSG_DONTWAIT || f->flags & O_NONBLOCK;
	return s->ops->send(s, m);
}

/* MSG_CMSG_CLOEXEC comes back in msg_flags, as Linux has it; no other flag of
 * the caller's does. */
static int64_t
socket_receive(struct file *f, struct socket *s, struct msg *m)
{
	m->nonblock = m->flags & MSG_DONTWAIT || f->flags & O_NONBLOCK;
	m->result_flags = m->flags & MSG_CMSG_CLOEXEC;
	return s->ops->receive(s, m);
}

/* A piece that does not fit is cut, and says its own length as cut; of one
 * whose header does not fit, nothing is given. The padding behind the last
 * piece may be missing: cmsg(3) has CMSG_SPACE for room and CMSG_LEN for
 * length. */
void
msg_put_control(struct msg *m, int level, int type, const void *data,
		size_t len)
{
	struct cmsghdr h = {
		.cmsg_len = CMSG_LEN(len),
		.cmsg_level = level,
		.cmsg_type = type,
	};
	size_t space = MIN(CMSG_SPACE(len), m->control_room);

	if (m->control_room < sizeof(h)) {
		m->result_flags |= MSG_CTRUNC;
		return;
	}
	if (m->control_room < h.cmsg_len) {
		m->result_flags |= MSG_CTRUNC;
		h.cmsg_len = m->control_room;
	}
	if (copyout(m->control_to, &h, sizeof(h)) ||
	    copyout(m->control_to + sizeof(h), data, h.cmsg_len - sizeof(h)))
		return;
	m->control_to += space;
	m->control_room -= space;
}

/* ---- One buffer ---- */

/* The buffer's range is looked at first, before the descriptor, as Linux does:
 * whether there is memory in it shows when it is copied. More than RW_MAX bytes
 * are cut to that, as by write(2); a datagram of so many is too long anyway. */
static int64_t
sys_sendto(int fd, void *buf, size_t len, unsigned flags, const void *to,
	   unsigned to_len)
{
	struct sockaddr_storage name;
	struct iovec iov;
	struct uio u = uio_user(&iov, buf, MIN(len, RW_MAX));
	struct msg m = { .data = &u, .flags = flags };
	struct borrowed b;
	int error = 0;
	struct socket *s;
	int64_t n;

	if (!user_range_ok(buf, u.left))
		return -EFAULT;
	s = socket_get(fd, &b, &error);
	if (!s)
		return error;
	if (to && to_len > 0) { /* an empty name is none */
		error = name_copyin(&name, to, to_len);
		m.name = &name;
		m.name_len = to_len;
	}
	n = error ? error : socket_send(b.file, s, &m);
	fd_return(b);
	return n;
}
SYSCALL(NR_sendto, sys_sendto);

/* An address that cannot be told makes an error of the call, although the data
 * has been taken out of the queue and copied: it is lost, on Linux as well. */
static int64_t
sys_recvfrom(int fd, void *buf, size_t len, unsigned flags, void *from,
	     uint32_t *from_len)
{
	struct sockaddr_storage name;
	struct iovec iov;
	struct uio u = uio_user(&iov, buf, MIN(len, RW_MAX));
	struct msg m = {
		.data = &u,
		.flags = flags,
		.name = from ? &name : NULL,
	};
	struct borrowed b;
	int error;
	struct socket *s;
	int64_t n;

	if (!user_range_ok(buf, u.left))
		return -EFAULT;
	s = socket_get(fd, &b, &error);
	if (!s)
		return error;
	n = socket_receive(b.file, s, &m);
	if (n >= 0 && from) {
		error = name_copyout(&name, m.name_len, from, from_len);
		if (error)
			n = error;
	}
	fd_return(b);
	return n;
}
SYSCALL(NR_recvfrom, sys_recvfrom);

/* ---- Headers ---- */

/** A user's message header, copied, and what belongs to it. On the stack of the
 * call. */
struct header {
	struct msghdr user; /* read once: the user may change his meanwhile */
	struct user_iov iov;
	struct uio u; /* over iov */
	struct sockaddr_storage name;
	struct page *control; /* of control data to be sent, or NULL */
	struct msg m;	      /* points to all the others */
};

/* Too many buffers are EMSGSIZE here, and not EINVAL as of writev: POSIX.1-2017
 * sendmsg. To be given back with header_put, even if it fails: so what that
 * looks at is set first. */
static int
header_get(struct header *h, const struct msghdr *user, unsigned flags)
{
	int64_t left;

	h->iov.pages = NULL;
	h->control = NULL;
	if (copyin(&h->user, user, sizeof(h->user)))
		return -EFAULT;
	if (h->user.msg_name && (int32_t)h->user.msg_namelen < 0)
		return -EINVAL;
	if (h->user.msg_iovlen > UIO_MAXIOV)
		return -EMSGSIZE;
	left = user_iov_get(&h->iov, h->user.msg_iov, h->user.msg_iovlen);
	if (left < 0)
		return left;
	h->u = (struct uio){
		.iov = h->iov.iov,
		.niov = h->user.msg_iovlen,
		.left = left,
		.user = true,
	};
	h->m = (struct msg){ .data = &h->u, .flags = flags };
	return 0;
}

static void
header_put(struct header *h)
{
	user_iov_put(&h->iov);
	if (h->control)
		page_unref(h->control);
}

/* The parts of a header that is to be sent: address and control data. An
 * address that is too long is cut, where sendto says EINVAL: so Linux. Control
 * data is copied whole before it is read, for its lengths are checked and then
 * used. A page is more than all that can be said in it (253 descriptors and a
 * credential); beyond is ENOBUFS, as beyond Linux's net.core.optmem_max. */
static int
header_get_parts(struct header *h)
{
	size_t len = h->user.msg_controllen;

	if (h->user.msg_name && h->user.msg_namelen) {
		h->m.name = &h->name;
		h->m.name_len =
			MIN(h->user.msg_namelen, (unsigned)sizeof(h->name));
		if (name_copyin(&h->name, h->user.msg_name, h->m.name_len))
			return -EFAULT;
	}
	if (len == 0 || !h->user.msg_control)
		return 0;
	if (len > PAGE_SIZE)
		return -ENOBUFS;
	h->control = page_alloc(0, PAGE_KERNEL, 0);
	if (!h->control)
		return -ENOBUFS;
	h->m.control = page_address(h->control);
	h->m.control_len = len;
	return copyin(page_address(h->control), h->user.msg_control, len);
}

/* Of message @p i of a user's list, which may be anywhere: so the address is
 * computed as a number, that may wrap; copyin and copyout check it. */
static struct msghdr *
header_at(struct mmsghdr *list, unsigned i)
{
	return (struct msghdr *)((uint64_t)list + i * sizeof(*list));
}

static uint32_t *
length_at(struct mmsghdr *list, unsigned i)
{
	return (uint32_t *)((uint64_t)header_at(list, i) +
			    offsetof(struct mmsghdr, msg_len));
}

/* ---- sendmsg ---- */

static int64_t
send_header(struct file *f, struct socket *s, const struct msghdr *user,
	    unsigned flags)
{
	struct header h;
	int64_t n = header_get(&h, user, flags);

	if (!n)
		n = header_get_parts(&h);
	if (!n)
		n = socket_send(f, s, &h.m);
	header_put(&h);
	return n;
}

static int64_t
sys_sendmsg(int fd, const struct msghdr *user, unsigned flags)
{
	struct borrowed b;
	int error;
	struct socket *s = socket_get(fd, &b, &error);
	int64_t n;

	if (!s)
		return error;
	n = send_header(b.file, s, user, flags);
	fd_return(b);
	return n;
}
SYSCALL(NR_sendmsg, sys_sendmsg);

/* One after the other: each with a reservation of its own (heap_again: no lock
 * is held between two). What fails after the first message is not told, and the
 * caller finds it when he sends the rest, sendmmsg(2). A message whose length
 * cannot be written back has been sent, and is not counted. */
static int64_t
sys_sendmmsg(int fd, struct mmsghdr *user, unsigned count, unsigned flags)
{
	struct borrowed b;
	int error;
	struct socket *s = socket_get(fd, &b, &error);
	unsigned done = 0;
	int64_t n = 0;
	uint32_t len;

	if (!s)
		return error;
	count = MIN(count, MMSG_MAX);
	while (done < count) {
		n = send_header(b.file, s, header_at(user, done), flags);
		if (n < 0)
			break;
		len = n;
		n = copyout(length_at(user, done), &len, sizeof(len));
		if (n || ++done == count)
			break;
		n = heap_again();
		if (n)
			break;
	}
	fd_return(b);
	return done ? done : n;
}
SYSCALL(NR_sendmmsg, sys_sendmmsg);

/* ---- recvmsg ---- */

/* Tell the user what was received beside the data: the length of the address,
 * flags, and how much control data there is, which is what has been used of the
 * room. The message is out of its queue: after a fault here it is lost. */
static int
header_return(struct header *h, struct msghdr *user)
{
	size_t control = h->user.msg_controllen - h->m.control_room;
	int32_t flags = h->m.result_flags;
	int error = 0;

	if (h->m.name)
		error = name_copyout(&h->name, h->m.name_len, h->user.msg_name,
				     user_field(user, msg_namelen));
	if (!error)
		error = copyout(user_field(user, msg_flags), &flags,
				sizeof(flags));
	if (!error)
		error = copyout(user_field(user, msg_controllen), &control,
				sizeof(control));
	return error;
}

/* Control data is written by the family, straight to the user: a room without
 * an address is none. */
static int64_t
receive_header(struct file *f, struct socket *s, struct msghdr *user,
	       unsigned flags)
{
	struct header h;
	int64_t n = header_get(&h, user, flags);
	int error;

	if (!n) {
		h.m.name = h.user.msg_name ? &h.name : NULL;
		h.m.control_to = h.user.msg_control;
		h.m.control_room =
			h.user.msg_control ? h.user.msg_controllen : 0;
		h.user.msg_controllen = h.m.control_room;
		n = socket_receive(f, s, &h.m);
	}
	if (n >= 0) {
		error = header_return(&h, user);
		if (error)
			n = error;
	}
	header_put(&h);
	return n;
}

static int64_t
sys_recvmsg(int fd, struct msghdr *user, unsigned flags)
{
	struct borrowed b;
	int error;
	struct socket *s = socket_get(fd, &b, &error);
	int64_t n;

	if (!s)
		return error;
	n = receive_header(b.file, s, user, flags);
	fd_return(b);
	return n;
}
SYSCALL(NR_recvmsg, sys_recvmsg);

/* ---- recvmmsg ---- */

/* One message, the @p done-th. */
static int64_t
receive_one(struct file *f, struct socket *s, struct mmsghdr *user,
	    unsigned flags, unsigned done)
{
	int64_t n = receive_header(f, s, header_at(user, done), flags);
	uint32_t len;

	if (n < 0)
		return n;
	len = n;
	return copyout(length_at(user, done), &len, sizeof(len));
}

/* A pending error is told before what has come, unlike by recvmsg on a stream:
 * so Linux. The time is looked at after each message, recvmmsg(2): it does not
 * end the wait for one. An error after the first is told by the next call: it
 * becomes the socket's. Not so what only the caller has met with, who may be
 * one of several: nothing there, a fault, a signal. MSG_WAITFORONE turns the
 * wait off after the first; the family does not know that flag. */
static int64_t
receive_many(struct file *f, struct socket *s, struct mmsghdr *user,
	     unsigned count, unsigned flags, uint64_t deadline)
{
	unsigned done = 0;
	int64_t error = socket_take_error(s);

	while (!error && done < count) {
		error = receive_one(f, s, user, flags & ~MSG_WAITFORONE, done);
		if (error || ++done == count)
			break;
		error = heap_again();
		if (error)
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (deadline != WAIT_FOREVER && clock_ns() >= deadline)
			break;
	}
	if (!done)
		return error;
	if (error && error != -EAGAIN && error != -EFAULT &&
	    error != -ERESTARTSYS && error != -EINTR)
		s->error = -error;
	return done;
}

static int
return_time_left(struct timespec *timeout, uint64_t deadline)
{
	uint64_t now = clock_ns(), left = deadline > now ? deadline - now : 0;
	struct timespec ts = {
		.tv_sec = left / NS_PER_SEC,
		.tv_nsec = left % NS_PER_SEC,
	};

	return copyout(timeout, &ts, sizeof(ts));
}

/* The time-out is looked at before the descriptor. What is left of it is told
 * only if something was received, as on Linux. */
static int64_t
sys_recvmmsg(int fd, struct mmsghdr *user, unsigned count, unsigned flags,
	     struct timespec *timeout)
{
	uint64_t deadline = WAIT_FOREVER;
	struct timespec ts;
	struct borrowed b;
	struct socket *s;
	int64_t n;
	int error;

	if (timeout) {
		if (copyin(&ts, timeout, sizeof(ts)))
			return -EFAULT;
		if (!timespec_valid(&ts))
			return -EINVAL;
		deadline = deadline_after(timespec_ns(&ts));
	}
	s = socket_get(fd, &b, &error);
	if (!s)
		return error;
	n = receive_many(b.file, s, user, MIN(count, MMSG_MAX), flags,
			 deadline);
	if (n > 0 && timeout && return_time_left(timeout, deadline))
		n = -EFAULT;
	fd_return(b);
	return n;
}
SYSCALL(NR_recvmmsg, sys_recvmmsg);
