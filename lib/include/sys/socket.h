/*
 * POSIX sys/socket.h, with Linux's calls beside.
 */
#ifndef SYS_SOCKET_H
#define SYS_SOCKET_H

#include "abi/socket.h"
#include "sys/types.h"

int socket(int domain, int type, int protocol);
int socketpair(int domain, int type, int protocol, int fds[2]);
int bind(int fd, const struct sockaddr *address, socklen_t len);
int listen(int fd, int backlog);
int accept(int fd, struct sockaddr *address, socklen_t *len);
int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int connect(int fd, const struct sockaddr *address, socklen_t len);
int shutdown(int fd, int how);
int getsockname(int fd, struct sockaddr *address, socklen_t *len);
int getpeername(int fd, struct sockaddr *address, socklen_t *len);
int setsockopt(int fd, int level, int option, const void *value, socklen_t len);
int getsockopt(int fd, int level, int option, void *value, socklen_t *len);
ssize_t send(int fd, const void *data, size_t n, int flags);
ssize_t sendto(int fd, const void *data, size_t n, int flags,
	       const struct sockaddr *to, socklen_t len);
ssize_t sendmsg(int fd, const struct msghdr *message, int flags);
int sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags);
ssize_t recv(int fd, void *buf, size_t n, int flags);
ssize_t recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from,
		 socklen_t *len);
ssize_t recvmsg(int fd, struct msghdr *message, int flags);
int recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags,
	     struct timespec *timeout);

#endif
