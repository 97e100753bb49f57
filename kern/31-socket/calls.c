/*
 * Making sockets and joining them: socket, socketpair, bind, listen, accept,
 * connect, shutdown, getsockname, getpeername. Errors come in the order in
 * which Linux finds them: descriptor, address, state.
 */
#include "socket_internal.h"

/* In the type of a new socket, and accept4's: O_CLOEXEC and O_NONBLOCK by
 * value. */
#define SOCKET_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)

/* ---- Addresses to and from user space ---- */

int
name_copyin(struct sockaddr_storage *name, const void *user, unsigned len)
{
	if (len > sizeof(*name))
		return -EINVAL;
	return len ? copyin(name, user, len) : 0;
}

/* The length is written last: after a fault in the address it is still the
 * caller's own. */
int
name_copyout(const struct sockaddr_storage *name, unsigned len, void *user,
	     uint32_t *user_len)
{
	int32_t room;

	if (copyin(&room, user_len, sizeof(room)))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (copyout(user, name, MIN((unsigned)room, len)))
		return -EFAULT;
	return copyout(user_len, &len, sizeof(len));
}

/* ---- Making ---- */

/* Install a file for @p s, which it takes over. @return fd or -EMFILE */
static int
install(struct socket *s, unsigned flags)
{
	return fd_install(socket_file(s, flags), 0, flags & SOCK_CLOEXEC);
}

/* That there is no descriptor is found out last: of a call that is wrong in
 * itself, that is told (EAFNOSUPPORT, EPROTONOSUPPORT). */
static int64_t
sys_socket(int domain, unsigned type, int protocol)
{
	struct socket *s;
	int error;

	if (type & ~(SOCK_TYPE_MASK | SOCKET_FLAGS))
		return -EINVAL;
	error = socket_create(domain, type & SOCK_TYPE_MASK, protocol, &s);
	return error ? error : install(s, type);
}
SYSCALL(NR_socket, sys_socket);

/* Each socket gets its file at once: from then on there is one way to undo
 * whatever has been done, file_put. */
static int
make_pair(int domain, int type, int protocol, struct file *files[2],
	  unsigned flags)
{
	struct socket *s[2];
	int error = socket_create(domain, type, protocol, &s[0]);

	if (error)
		return error;
	files[0] = socket_file(s[0], flags);
	error = socket_create(domain, type, protocol, &s[1]);
	if (error) {
		file_put(files[0]);
		return error;
	}
	files[1] = socket_file(s[1], flags);
	error = s[0]->ops->pair ? s[0]->ops->pair(s[0], s[1]) : -EOPNOTSUPP;
	if (error) {
		file_put(files[0]);
		file_put(files[1]);
	}
	return error;
}

/* Unlike socket, it says first that there is no descriptor: so Linux. */
static int64_t
sys_socketpair(int domain, unsigned type, int protocol, int32_t *user)
{
	struct file *files[2];
	int error;

	if (type & ~(SOCK_TYPE_MASK | SOCKET_FLAGS))
		return -EINVAL;
	if (!fd_available())
		return -EMFILE;
	error = make_pair(domain, type & SOCK_TYPE_MASK, protocol, files, type);
	return error ? error
		     : fd_install_pair(files, type & SOCK_CLOEXEC, user);
}
SYSCALL(NR_socketpair, sys_socketpair);

/* ---- Joining ---- */

/* Whether the socket has a name already is the family's to find out, after the
 * address: a wrong address is EINVAL or EFAULT of a bound socket, too. */
static int64_t
sys_bind(int fd, const void *user, unsigned len)
{
	struct sockaddr_storage name = { 0 };
	struct borrowed b;
	int error;
	struct socket *s = socket_get(fd, &b, &error);

	if (!s)
		return error;
	error = name_copyin(&name, user, len);
	if (!error)
		error = s->ops->bind ? s->ops->bind(s, &name, len)
				     : -EOPNOTSUPP;
	fd_return(b);
	return error;
}
SYSCALL(NR_bind, sys_bind);

/* A negative backlog is the most there may be: so Linux takes it, as a number
 * without a sign. POSIX.1-2017 has it be 0 (listen), but leaves it open to take
 * more than what was asked for. */
static int64_t
sys_listen(int fd, int backlog)
{
	struct borrowed b;
	int error;
	struct socket *s = socket_get(fd, &b, &error);

	if (!s)
		return error;
	error = s->ops->listen ? s->ops->listen(s, MIN((unsigned)backlog,
						       (unsigned)SOMAXCONN))
			       : -EOPNOTSUPP;
	fd_return(b);
	return error;
}
SYSCALL(NR_listen, sys_listen);

/* O_NONBLOCK is looked at once, here: F_SETFL in another thread does not end a
 * wait that has begun. */
static int64_t
sys_connect(int fd, const void *user, unsigned len)
{
	struct sockaddr_storage name = { 0 };
	struct borrowed b;
	int error;
	struct socket *s = socket_get(fd, &b, &error);

	if (!s)
		return error;
	error = name_copyin(&name, user, len);
	if (!error)
		error = s->ops->connect
				? s->ops->connect(s, &name, len,
						  b.file->flags & O_NONBLOCK)
				: -EOPNOTSUPP;
	fd_return(b);
	return error;
}
SYSCALL(NR_connect, sys_connect);

/* Tell the user whom was accepted. One who has gone again and left no address
 * is ECONNABORTED, POSIX.1-2017 accept. */
static int
tell_peer(struct socket *s, void *user, uint32_t *user_len)
{
	struct sockaddr_storage name;
	int len;

	if (!user)
		return 0;
	len = s->ops->name(s, true, &name);
	return len < 0 ? -ECONNABORTED
		       : name_copyout(&name, len, user, user_len);
}

/* The descriptor is installed last: until then nobody else can have it, and all
 * can be undone. What cannot is that the connection has left the queue: after a
 * fault in the user's memory, or if another thread has taken the last
 * descriptor since the first look, it is closed, and its client is told. */
static int64_t
accept_on(struct socket *s, bool nonblock, void *user, uint32_t *user_len,
	  unsigned flags)
{
	struct socket *new;
	struct file *f;
	int error;

	if (!fd_available())
		return -EMFILE; /* and the connection can wait */
	error = s->ops->accept ? s->ops->accept(s, nonblock, &new)
			       : -EOPNOTSUPP;
	if (error)
		return error;
	f = socket_file(new, flags);
	error = tell_peer(new, user, user_len);
	if (!error)
		return fd_install(f, 0, flags & SOCK_CLOEXEC);
	file_put(f);
	return error;
}

/* The new file has O_NONBLOCK by @p flags alone, and not from the listener,
 * accept(2): unlike BSD. */
static int64_t
sys_accept4(int fd, void *user, uint32_t *user_len, unsigned flags)
{
	struct borrowed b;
	int error;
	struct socket *s;
	int64_t result;

	if (flags & ~SOCKET_FLAGS)
		return -EINVAL;
	s = socket_get(fd, &b, &error);
	if (!s)
		return error;
	result =
		accept_on(s, b.file->flags & O_NONBLOCK, user, user_len, flags);
	fd_return(b);
	return result;
}
SYSCALL(NR_accept4, sys_accept4);

static int64_t
sys_accept(int fd, void *user, uint32_t *user_len)
{
	return sys_accept4(fd, user, user_len, 0);
}
SYSCALL(NR_accept, sys_accept);

/* ---- Shutting down, asking ---- */

/* SHUT_RD, SHUT_WR and SHUT_RDWR are 0, 1 and 2: one more has a bit for each
 * direction, SOCKET_RECEIVE and SOCKET_SEND. */
static int64_t
sys_shutdown(int fd, unsigned how)
{
	struct borrowed b;
	int error;
	struct socket *s = socket_get(fd, &b, &error);

	if (!s)
		return error;
	if (how > SHUT_RDWR)
		error = -EINVAL;
	else
		error = s->ops->shutdown ? s->ops->shutdown(s, how + 1)
					 : -EOPNOTSUPP;
	fd_return(b);
	return error;
}
SYSCALL(NR_shutdown, sys_shutdown);

/* Whether it has a peer is found out before the user's memory is touched:
 * ENOTCONN comes before EFAULT. */
static int64_t
get_name(int fd, void *user, uint32_t *user_len, bool peer)
{
	struct sockaddr_storage name;
	struct borrowed b;
	int error;
	struct socket *s = socket_get(fd, &b, &error);

	if (!s)
		return error;
	error = s->ops->name(s, peer, &name);
	if (error >= 0)
		error = name_copyout(&name, error, user, user_len);
	fd_return(b);
	return error;
}

static int64_t
sys_getsockname(int fd, void *user, uint32_t *user_len)
{
	return get_name(fd, user, user_len, false);
}
SYSCALL(NR_getsockname, sys_getsockname);

static int64_t
sys_getpeername(int fd, void *user, uint32_t *user_len)
{
	return get_name(fd, user, user_len, true);
}
SYSCALL(NR_getpeername, sys_getpeername);
