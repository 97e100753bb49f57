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
 * everything but the data from user space, and copies it back (SOCKET1). It is
 * the calling thread's alone, and lies on its stack; a family keeps no pointer
 * to it or into it.
 */
struct msg {
	/** The caller's buffers. Copying advances it: `left` is what is still
	 * to be sent, or what there is still room for. */
	struct uio *data;
	/** MSG_*: as given, unknown bits and all; a family ignores those that
	 * it has no use for. nonblock is in `nonblock`. */
	unsigned flags;
	bool nonblock; /**< MSG_DONTWAIT or O_NONBLOCK */

	/** Sending: to whom; NULL: to the peer. The family looks at no more
	 * than name_len bytes: what follows is not set. Receiving: room for
	 * from whom, or NULL; the family sets name_len, and leaves it 0 where
	 * it has no address. */
	struct sockaddr_storage *name;
	unsigned name_len; /**< bytes, at most sizeof(*name) */

	/** Sending: control data, in kernel memory, at most a page; the
	 * lengths in its headers are not checked. */
	const char *control;
	size_t control_len; /**< bytes; 0: none */

	/* Receiving: msg_put_control and the family move these on. */
	char *control_to;      /**< user memory: where the next piece goes */
	size_t control_room;   /**< bytes left there */
	unsigned result_flags; /**< MSG_TRUNC, MSG_CTRUNC, ... */
};

/**
 * What a family does for a socket. All may sleep, and are called without locks,
 * while the caller keeps the socket's file open: so none runs at the same time
 * as release, but any as often as there are threads that call. A wait lets
 * itself be interrupted, and ends as socket_wait_error says. name, send,
 * receive, poll and release must be there; of the others NULL is -EOPNOTSUPP,
 * if nothing else is said.
 */
struct socket_ops {
	/** @p len is what the user said, at most sizeof(*name): whether it is
	 * long enough, and of this family, is not checked. */
	int (*bind)(struct socket *s, const struct sockaddr_storage *name,
		    unsigned len);
	/** May be called again, to change @p backlog: at most SOMAXCONN. */
	int (*listen)(struct socket *s, unsigned backlog);
	/** *result: a new socket without a file. @return 0; -EAGAIN: there is
	 * none and @p nonblock; -EINVAL: it does not listen */
	int (*accept)(struct socket *s, bool nonblock, struct socket **result);
	/** @p name and @p len as for bind. */
	int (*connect)(struct socket *s, const struct sockaddr_storage *name,
		       unsigned len, bool nonblock);
	/** Connect two fresh sockets with each other, which nobody else knows
	 * yet. */
	int (*pair)(struct socket *a, struct socket *b);
	/** The socket's address or its peer's. @return its length; -ENOTCONN */
	int (*name)(struct socket *s, bool peer, struct sockaddr_storage *name);
	/** @return bytes, a part of them where the rest failed; or -errno;
	 * -EPIPE has been signalled, where SIGPIPE is due */
	int64_t (*send)(struct socket *s, struct msg *m);
	/** @return bytes, 0: the end; or -errno with nothing taken out */
	int64_t (*receive)(struct socket *s, struct msg *m);
	/** @p how: bits of SOCKET_RECEIVE, SOCKET_SEND; at least one. */
	int (*shutdown)(struct socket *s, unsigned how);
	/** As file_ops.poll. */
	unsigned (*poll)(struct socket *s, struct poll_table *table);
	/** @p arg: a number or a user address. NULL: -ENOTTY.
	 * @return -ENOTTY where @p request is not known */
	int (*ioctl)(struct socket *s, uint64_t request, uint64_t arg);
	/** Options that are the family's, of its own levels and of SOL_SOCKET:
	 * asked for what the layer does not know. @p value in kernel memory,
	 * *len bytes of room or given. NULL: -EOPNOTSUPP, at SOL_SOCKET
	 * -ENOPROTOOPT. @return 0 or -ENOPROTOOPT, -EOPNOTSUPP... */
	int (*set_option)(struct socket *s, int level, int option,
			  const void *value, unsigned len);
	int (*get_option)(struct socket *s, int level, int option, void *value,
			  unsigned *len);
	/** SO_SNDBUF has changed: there may be room. NULL: no one waits. */
	void (*resized)(struct socket *s);
	/** The last reference to its file is gone: it is the family's to free.
	 * Called once, from file_put. */
	void (*release)(struct socket *s);
};

#define SOCKET_RECEIVE 1
#define SOCKET_SEND    2

/** Most bytes of an option's value: what a user gives beyond is not read, for
 * no option has more than a few words. */
#define SOCKET_OPTION_MAX 128
/** The least SO_SNDBUF, bytes, as getsockopt gives it: Linux's on x86-64. */
#define SOCKET_SNDBUF_MIN 4608

/** What all sockets have; a family embeds it. Its life is the family's. */
struct socket {
	/* Constant. */
	const struct socket_ops *ops;
	uint16_t domain, type, protocol;
	uint64_t ino;
	struct timespec created;

	/** fchmod's and fchown's; also what a path that it is bound to later
	 * has for its mode. Not the path's own: that has a vnode. */
	struct file_attr attr;

	/** Set once, not referenced: NULL until it has one (accept). The file
	 * has the family's socket, and not the other way round: else neither
	 * would go. */
	struct file *file;

	/* Waited on under locks of the family's; poll watches both. */
	struct waitq read_wq;  /**< waits for something to read or accept */
	struct waitq write_wq; /**< waits for room to send */

	/* Words, read and written at any time, without a lock: a call that is
	 * under way may see one as it was and another as it is now. */
	_Atomic uint32_t options;	/**< bit n: SO_n is on */
	_Atomic int32_t sndbuf, rcvbuf; /**< bytes, as getsockopt gives them */
	/** Bytes, at least 1; and a number that is kept and told, no more. */
	_Atomic int32_t rcvlowat, priority;
	_Atomic uint64_t sndtimeo, rcvtimeo; /**< ns; 0: for ever */
	/** A struct linger, in one word: read and written whole. */
	_Atomic uint64_t linger;
	/** Positive: what befell the socket outside of a call. Who takes it
	 * puts 0 in its place, so that it is reported once: by a call that
	 * fails with it, or by SO_ERROR. */
	_Atomic int error;
	_Atomic bool listening; /**< SO_ACCEPTCONN */
};

/** A protocol family: AF_UNIX, AF_INET. */
struct socket_family {
	int domain; /**< AF_* */
	/** Make a socket of @p type and @p protocol, which are not checked but
	 * for the range of @p type. *result is given back to release, through
	 * the file that the layer makes for it. No locks are held.
	 * @return 0, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -EPERM */
	int (*create)(int type, int protocol, struct socket **result);
};
/** Register a family: a line in its own source. */
#define SOCKET_FAMILY(ident, domain, create_fn)                                \
	static const struct socket_family socket_family_##ident LINKED(        \
		".socket_family") = { domain, create_fn }

/** Initialise the common part of a new socket, whose memory is zeroed: owned by
 * the running thread's fsuid and fsgid, with defaults for its options. Also for
 * what a family makes for accept. Does not sleep. */
void socket_init(struct socket *s, const struct socket_ops *ops, int domain,
		 int type, int protocol);

/** Whether SO_* @p option, one of those that are on or off, is on. */
static inline bool
socket_option(const struct socket *s, unsigned option)
{
	return s->options >> option & 1;
}

/** A new socket, of the family of its domain; it has no file yet, and is to be
 * given one (socket_file), whose closing is the way to be rid of it. No locks
 * are held. @p type: without the SOCK_* flags. @return 0; -EAFNOSUPPORT;
 * -EINVAL: no type at all; or as socket_family.create */
int socket_create(int domain, int type, int protocol, struct socket **result);

/** An open file for @p s, which has none: the file has the socket from now on,
 * and releases it. @p flags: SOCK_NONBLOCK or 0; others are ignored. Allocates;
 * does not fail. @return the file, with the caller's reference */
struct file *socket_file(struct socket *s, unsigned flags);

/** The socket behind @p f, or NULL: it is something else. It is there as long
 * as the caller keeps @p f. Does not sleep. */
struct socket *socket_of(const struct file *f);

/** Take the pending error: nobody else is told of it. Does not sleep.
 * @return 0 or a negative errno */
int socket_take_error(struct socket *s);

/** When a wait that begins now is over (clock_ns), by SO_SNDTIMEO or
 * SO_RCVTIMEO. A call asks once, and sleeps to the same end however often it is
 * woken. @return WAIT_FOREVER: without a time-out */
uint64_t socket_deadline(const struct socket *s, bool send);

/** What a call returns whose wait has ended with @p error: @p deadline is that
 * of the wait. Only one that would wait for ever is restarted, signal(7).
 * @p error: 0, or as waitq_wait; -EAGAIN for a time that is over. */
int socket_wait_error(int error, uint64_t deadline);

/** Give a piece of control data to who receives @p m, as far as there is room
 * (MSG_CTRUNC: there is not enough). A fault in the receiver's memory is not
 * told: the message has been taken, and its bytes are worth more. No locks that
 * a page fault needs are held; may sleep.
 *
 * @p data: @p len bytes in kernel memory, without a header */
void msg_put_control(struct msg *m, int level, int type, const void *data,
		     size_t len);

#endif
