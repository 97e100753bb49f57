/*
 * What the files of the socket layer share.
 */
#ifndef SOCKET_INTERNAL_H
#define SOCKET_INTERNAL_H

#include "abi/syscall.h"
#include "socket.h"
#include "string.h"

/* net.core.wmem_default and wmem_max (and rmem_*), socket(7), with the values
 * that Linux has on x86-64; SO_SNDBUF doubles what it is given, so twice the
 * maximum may stand in `sndbuf`. */
#define SOCKET_BUF_DEFAULT 212992
#define SOCKET_BUF_MAX	   212992
/** The least SO_RCVBUF, bytes, as getsockopt gives it: Linux's, too. */
#define SOCKET_RCVBUF_MIN 2304

/** The socket of descriptor @p fd, whose file is borrowed: fd_return(*b). NULL:
 * *error is -EBADF or -ENOTSOCK, and nothing is to be returned. Does not
 * sleep. */
struct socket *socket_get(int fd, struct borrowed *b, int *error);

/** Copy a user's address, of @p len bytes as he says; none is copied of an
 * empty one, and what is behind it in *name is left as it is. May sleep.
 * @return 0, -EINVAL: more than any address has; -EFAULT */
int name_copyin(struct sockaddr_storage *name, const void *user, unsigned len);

/** Copy an address of @p len bytes to a user who has *user_len bytes of room
 * and is told the whole length: where that is more than he had room for, he
 * knows that the address was cut, getsockname(2). May sleep.
 * @return 0, -EINVAL: the room is negative; -EFAULT */
int name_copyout(const struct sockaddr_storage *name, unsigned len, void *user,
		 uint32_t *user_len);

#endif
