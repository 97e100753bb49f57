/*
 * socket: the calls on sockets. This layer knows descriptors, user memory,
 * options and time-outs; what a socket does is its family's (AF_UNIX, AF_INET),
 * which registers itself here.
 */
#ifndef SOCKET_H
#define SOCKET_H

#include "abi/socket.h"
#include "ipc.h"

struct socket;

/**
 * A message on its way: what one call sends or receives. The layer has copied
 * everything but the data from user space, and copies it back.
 */
struct msg {
	struct uio *data;
	unsigned flags; /**< MSG_*: as given; nonblock is in `nonblock` */
	bool nonblock;	/**< MSG_DONTWAIT or O_NONBLOCK */
	bool empty_ok;	/**< read and write: nothing to do without bytes */

	/** Sending: to whom; NULL: to the peer. Receiving: room for from whom,
	 * or NULL; name_len is 0 where it has no address. */
	struct sockaddr_storage *name;
	unsigned name_len;

	/** Sending: control data, in kernel memory; not checked. */
	const char *control;
	size_t control_len;

	/* Receiving. */
	char *control_to;      /**< user memory: where the next piece goes */
	size_t control_room;   /**< bytes left there */
	unsigned result_flags; /**< MSG_TRUNC, MSG_CTRUNC, ... */
};

/**
 * What a family does for a socket. All may sleep, and are called without locks.
 * NULL: -EOPNOTSUPP.
 */
struct socket_ops {
	int (*bind)(struct socket *s, const struct sockaddr_storage *name,
		    unsigned len);
	int (*listen)(struct socket *s, unsigned backlog);
	/** *result: a new socket without a file. */
	int (*accept)(struct socket *s, bool nonblock, struct socket **result);
	int (*connect)(struct socket *s, const struct sockaddr_storage *name,
		       unsigned len, bool nonblock);
	/** Connect two fresh sockets with each other. */
	int (*pair)(struct socket *a, struct socket *b);
	/** The socket's address or its peer's. @return its length; -ENOTCONN */
	int (*name)(struct socket *s, bool peer, struct sockaddr_storage *name);
	/** @return bytes or -errno; -EPIPE has been signalled */
	int64_t (*send)(struct socket *s, struct msg *m);
	int64_t (*receive)(struct socket *s, struct msg *m);
	/** @p how: bits of SOCKET_RECEIVE, SOCKET_SEND. */
	int (*shutdown)(struct socket *s, unsigned how);
	unsigned (*poll)(struct socket *s, struct poll_table *table);
	/** @return -ENOTTY where it is not known */
	int (*ioctl)(struct socket *s, uint64_t request, uint64_t arg);
	/** Options that are the family's: @p value in kernel memory, *len bytes
	 * of room or given. -ENOPROTOOPT */
	int (*set_option)(struct socket *s, int level, int option,
			  const void *value, unsigned len);
	int (*get_option)(struct socket *s, int level, int option, void *value,
			  unsigned *len);
	/** SO_SNDBUF has changed: there may be room. NULL: no one waits. */
	void (*resized)(struct socket *s);
	/** The last reference to its file is gone: it is the family's to free.
	 */
	void (*release)(struct socket *s);
};

#define SOCKET_RECEIVE 1
#define SOCKET_SEND    2

/** Most bytes of an option's value. */
#define SOCKET_OPTION_MAX 128
/** The least SO_SNDBUF, bytes. */
#define SOCKET_SNDBUF_MIN 4608

/** What all sockets have; a family embeds it. */
struct socket {
	/* Constant. */
	const struct socket_ops *ops;
	uint16_t domain, type, protocol;
	uint64_t ino;
	struct timespec created;

	struct file_attr attr; /**< of it, and of the path it is bound to */

	/** Set once, not referenced: NULL until it has one (accept). */
	struct file *file;

	struct waitq read_wq;  /**< waits for something to read or accept */
	struct waitq write_wq; /**< waits for room to send */

	/* Words, read and written at any time. */
	_Atomic uint32_t options;	/**< bit n: SO_n is on */
	_Atomic int32_t sndbuf, rcvbuf; /**< bytes, as getsockopt gives them */
	_Atomic int32_t rcvlowat, priority;
	_Atomic uint64_t sndtimeo, rcvtimeo; /**< ns; 0: for ever */
	_Atomic uint64_t linger;	     /**< a struct linger */
	_Atomic int error;		     /**< positive; reported once */
	_Atomic bool listening;		     /**< SO_ACCEPTCONN */
};

/** A protocol family: AF_UNIX, AF_INET. */
struct socket_family {
	int domain;
	/** Make a socket of @p type and @p protocol, which are not checked.
	 * @return 0, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -EPERM */
	int (*create)(int type, int protocol, struct socket **result);
};
#define SOCKET_FAMILY(ident, domain, create_fn)                                \
	static const struct socket_family socket_family_##ident LINKED(        \
		".socket_family") = { domain, create_fn }

/** Initialise the common part of a new socket: the caller's, with defaults. */
void socket_init(struct socket *s, const struct socket_ops *ops, int domain,
		 int type, int protocol);

static inline bool
socket_option(const struct socket *s, unsigned option)
{
	return s->options >> option & 1;
}

/** A new socket, of the family of its domain; it has no file yet. @return 0 or
 * the errors of socket(2) */
int socket_create(int domain, int type, int protocol, struct socket **result);

/** An open file for @p s. @p flags: SOCK_NONBLOCK or 0. */
struct file *socket_file(struct socket *s, unsigned flags);

/** The socket behind @p f, or NULL: it is something else. */
struct socket *socket_of(const struct file *f);

/** Take the pending error. @return 0 or a negative errno */
int socket_take_error(struct socket *s);

/** When a wait that begins now is over (clock_ns), by SO_SNDTIMEO or
 * SO_RCVTIMEO. */
uint64_t socket_deadline(const struct socket *s, bool send);

/** What a call returns whose wait has ended with @p error: @p deadline is that
 * of the wait. Only one that would wait for ever is restarted, signal(7). */
int socket_wait_error(int error, uint64_t deadline);

/** Give a piece of control data to who receives @p m, as far as there is room
 * (MSG_CTRUNC: there is not enough). May sleep. */
void msg_put_control(struct msg *m, int level, int type, const void *data,
		     size_t len);

#endif
