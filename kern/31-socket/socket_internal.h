/*
 * What the files of the socket layer share.
 */
#ifndef SOCKET_INTERNAL_H
#define SOCKET_INTERNAL_H

#include "abi/syscall.h"
#include "socket.h"
#include "string.h"

/* net.core.wmem_default and wmem_max; SO_SNDBUF doubles what it is given. */
#define SOCKET_BUF_DEFAULT 212992
#define SOCKET_BUF_MAX	   212992
#define SOCKET_RCVBUF_MIN  2304

/** The socket of descriptor @p fd, whose file is borrowed: fd_return(*b). NULL:
 * *error is -EBADF or -ENOTSOCK, and nothing is to be returned. */
struct socket *socket_get(int fd, struct borrowed *b, int *error);

/** Copy a user's address. @return 0, -EINVAL: its length; -EFAULT */
int name_copyin(struct sockaddr_storage *name, const void *user, unsigned len);

/** Copy an address of @p len bytes to a user who has *user_len bytes of room
 * and is told the whole length. @return 0, -EINVAL, -EFAULT */
int name_copyout(const struct sockaddr_storage *name, unsigned len, void *user,
		 uint32_t *user_len);

#endif
