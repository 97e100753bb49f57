/*
 * Sockets: one system call each; send and recv are sendto and recvfrom without
 * an address.
 */
#include <sys/socket.h>
#include <sys/syscall.h>
#include "internal.h"

int
socket(int domain, int type, int protocol)
{
	return (int)syscall(NR_socket, domain, type, protocol);
}

int
socketpair(int domain, int type, int protocol, int fds[2])
{
	return (int)syscall(NR_socketpair, domain, type, protocol, fds);
}

int
bind(int fd, const struct sockaddr *address, socklen_t len)
{
	return (int)syscall(NR_bind, fd, address, len);
}

int
listen(int fd, int backlog)
{
	return (int)syscall(NR_listen, fd, backlog);
}

int
accept(int fd, struct sockaddr *address, socklen_t *len)
{
	return (int)syscall(NR_accept, fd, address, len);
}

int
accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	return (int)syscall(NR_accept4, fd, address, len, flags);
}

int
connect(int fd, const struct sockaddr *address, socklen_t len)
{
	return (int)syscall(NR_connect, fd, address, len);
}

int
shutdown(int fd, int how)
{
	return (int)syscall(NR_shutdown, fd, how);
}

int
getsockname(int fd, struct sockaddr *address, socklen_t *len)
{
	return (int)syscall(NR_getsockname, fd, address, len);
}

int
getpeername(int fd, struct sockaddr *address, socklen_t *len)
{
	return (int)syscall(NR_getpeername, fd, address, len);
}

int
setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	return (int)syscall(NR_setsockopt, fd, level, option, value, len);
}

int
getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
	return (int)syscall(NR_getsockopt, fd, level, option, value, len);
}

ssize_t
send(int fd, const void *data, size_t n, int flags)
{
	return sendto(fd, data, n, flags, NULL, 0);
}

ssize_t
sendto(int fd, const void *data, size_t n, int flags, const struct sockaddr *to,
       socklen_t len)
{
	return syscall(NR_sendto, fd, data, n, flags, to, len);
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	return syscall(NR_sendmsg, fd, message, flags);
}

int
sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
	return (int)syscall(NR_sendmmsg, fd, messages, n, flags);
}

ssize_t
recv(int fd, void *buf, size_t n, int flags)
{
	return recvfrom(fd, buf, n, flags, NULL, NULL);
}

ssize_t
recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from,
	 socklen_t *len)
{
	return syscall(NR_recvfrom, fd, buf, n, flags, from, len);
}

ssize_t
recvmsg(int fd, struct msghdr *message, int flags)
{
	return syscall(NR_recvmsg, fd, message, flags);
}

int
recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags,
	 struct timespec *timeout)
{
	return (int)syscall(NR_recvmmsg, fd, messages, n, flags, timeout);
}
