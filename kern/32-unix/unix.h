/*
 * unix: the sockets of one machine, AF_UNIX. All that others see of it is a
 * family of sockets (socket.h); here is what its files share. A socket has a
 * queue of what it has received; sending is putting something in the peer's.
 * No thread holds the locks of two sockets at once (UNIX1).
 */
#ifndef UNIX_H
#define UNIX_H

#include "abi/syscall.h"
#include "socket.h"
#include "string.h"

/* ---- Queued bytes (queue.c) ---- */

#define BYTE_PAGE_SIZE (PAGE_SIZE - sizeof(void *))

/** Part of a queue's bytes. */
struct byte_page {
	struct byte_page *next;
	char bytes[BYTE_PAGE_SIZE];
};

/** Bytes, first in, first out, on pages. */
struct bytes {
	struct byte_page *first, *last; /* NULL: none yet */
	uint32_t start, end;		/* in first, in last */
};

/** What was sent in one call, or, on a stream, by one sender since. */
struct message {
	struct list link;
	uint32_t len; /**< bytes, not yet read */
	struct ucred cred;
	struct rights *rights; /**< files, or NULL */
	/** Of a datagram: referenced, its buffer is charged. On a stream it is
	 * the peer, and NULL here. */
	struct unix_socket *sender;
};

/** Charged for a message beside its bytes. */
#define MESSAGE_COST 128u
/** Most bytes that a stream puts in a queue at once. */
#define STREAM_PIECE 32768u
/** Datagrams that wait in a queue whose owner has not connected to the sender:
 * net.unix.max_dgram_qlen, and one. */
#define DATAGRAMS_MAX 11u

/* ---- Sockets ---- */

/** A name, of the socket that has it and of those that it has accepted. */
struct unix_address {
	struct refcount refs;
	unsigned len; /**< of name, in bytes */
	struct sockaddr_un name;
	char end;		    /**< terminates a path of full length */
	struct unix_socket *socket; /**< whose name it is; not referenced */
	struct vnode *vnode;	    /**< of a path: referenced */
	struct list hash_link;	    /* of an abstract name, under names_lock */
};

enum unix_state { UNIX_IDLE, UNIX_LISTENING, UNIX_CONNECTED };

struct unix_socket {
	struct socket socket; /* first */

	/** Its file or the queue of a listener, sockets connected to it, calls
	 * that have found it. */
	struct refcount refs;
	struct rcu_head rcu;

	/** enum unix_state; leaves UNIX_IDLE once, by compare and exchange.
	 * Datagram sockets stay idle. */
	_Atomic int state;
	/** Referenced. Streams: set once, and kept until the socket goes.
	 * Datagrams: under links_lock; read in RCU sections. */
	struct unix_socket *peer;
	/** Set once; NULL: none. */
	struct unix_address *address;
	_Atomic bool binding; /**< it has a name or is getting one */
	/** Of the other side: valid once there is a peer. Of a listener: its
	 * own. */
	struct ucred peer_cred;

	/** SOCKET_*: changed under both locks. */
	_Atomic unsigned shutdown;
	/** Bytes and messages of this socket in other queues. */
	_Atomic uint32_t charged;
	/** With `charged`: what sleepers on write_wq test. */
	struct spinlock send_lock;

	struct mutex lock;
	/* Guarded by lock. */
	bool dead; /**< its file is closed */
	struct bytes bytes;
	struct list messages;
	_Atomic unsigned nmessages;
	uint64_t queued; /**< bytes in all messages */
	unsigned backlog;
	_Atomic unsigned npending;
	struct waitq room_wq; /**< for room in the queue, or the backlog */

	/** Datagrams: connected to this one; under links_lock. */
	struct list clients, client_link;

	/* Under flight_lock (rights.c). */
	/** Connections not yet accepted: under lock as well. */
	struct list pending, pending_link;
	struct list flights;	 /**< rights of its messages, if of sockets */
	unsigned inflight;	 /**< messages that carry its file */
	struct list flight_link; /**< of all that have inflight > 0 */
	/* The collector's: references that it cannot explain; whether all are
	 * from messages; whether it is reached. doomed_link is then its own. */
	unsigned from_outside;
	bool doubtful, reachable;
	struct list doomed_link;
};

static inline struct unix_socket *
to_unix(struct socket *s)
{
	return container_of(s, struct unix_socket, socket);
}

static inline struct unix_socket *
unix_get(struct unix_socket *s)
{
	ref_get(&s->refs);
	return s;
}
/** The last reference frees it, after a grace period. No locks are held. */
void unix_put(struct unix_socket *s);

static inline bool
is_dgram(const struct unix_socket *s)
{
	return s->socket.type == SOCK_DGRAM;
}

/** The running process: by its real ids, as its messages name it, or by its
 * effective ones, as SO_PEERCRED does. */
struct ucred unix_cred(bool effective);

/** The peer, referenced, or NULL. */
struct unix_socket *unix_peer(struct unix_socket *s);

/** Report @p error (positive) by the next call; 0: nothing, but who waits looks
 * again. No lock of a socket is held. */
void unix_set_error(struct unix_socket *s, int error);
/** A datagram socket's receiver is gone: send to nobody any more, and lose what
 * was received. No lock of a socket is held. */
void unix_disconnect(struct unix_socket *s, struct unix_socket *from);
/** After a datagram has left: wake who waits to send one. */
void unix_wake_senders(struct unix_socket *s);

/* ---- name.c ---- */

int unix_bind(struct socket *s, const struct sockaddr_storage *name,
	      unsigned len);
/** Have a name of the kernel's choice if there is none: who gives credentials
 * has one. */
int unix_autobind(struct unix_socket *s);
/** The socket of that name and type, referenced. @return 0, -EINVAL, -EACCES,
 * -ECONNREFUSED, -EPROTOTYPE, errors of the path */
int unix_find(const struct sockaddr_storage *name, unsigned len, int type,
	      struct unix_socket **result);
/** Copy the address. @return its length, 0: there is none */
unsigned unix_copy_name(const struct unix_socket *s,
			struct sockaddr_storage *name);
/** Give the name up. */
void unix_unbind(struct unix_socket *s);
struct unix_address *unix_address_get(struct unix_address *a);
void unix_address_put(struct unix_address *a);
void names_init(void);

/* ---- queue.c ---- */

/** Append @p n bytes of @p u. All or nothing. @return 0, -EFAULT, -ENOBUFS */
int bytes_put(struct bytes *b, struct uio *u, size_t n);
/** Copy @p n bytes out that are there, from @p offset on. @return bytes copied:
 * less on a fault */
size_t bytes_copy(const struct bytes *b, size_t offset, struct uio *u,
		  size_t n);
/** Drop the first @p n bytes. One page is kept. */
void bytes_drop(struct bytes *b, size_t n);
void bytes_free(struct bytes *b);

/** Charge up to @p want bytes and a message to @p s, which sends; waits for
 * room. @p all: so many or none. @return bytes, -EAGAIN, -EPIPE, -EINTR,
 * -ERESTARTSYS, the pending error */
int64_t unix_charge(struct unix_socket *s, size_t want, bool all,
		    bool nonblock);
/** Give back @p n of a charge: wakes who waits. */
void unix_uncharge(struct unix_socket *s, size_t n);

/** Take a message out of the queue of @p s, locked. */
void message_unlink(struct unix_socket *s, struct message *m);

/** Take out all messages of @p s, locked. */
void unix_take_all(struct unix_socket *s, struct list *messages);
/** Free messages of unix_take_all; their files are closed. No locks are held;
 * @p peer: of a stream, whose messages they were. */
void messages_free(struct list *messages, struct unix_socket *peer);

/* ---- send.c, receive.c ---- */

int64_t unix_send(struct socket *s, struct msg *m);
int64_t unix_receive(struct socket *s, struct msg *m);

/* ---- rights.c ---- */

/** Files in a message. */
struct rights {
	struct list flight_link; /**< struct unix_socket.flights */
	struct list link; /**< of a message, or while it is disposed of */
	struct flight_user *user; /**< to whom they are counted */
	unsigned n, nsockets;
	struct file *files[];
};

/** What the control data of a message to be sent says. */
struct scm {
	struct rights *rights;
	struct ucred cred;
};

/** Read @p m's control data. @return 0, -EINVAL, -EBADF, -EPERM,
 * -ETOOMANYREFS, -ESRCH */
int scm_get(struct scm *scm, const struct msg *m);
/** What was not sent. */
void scm_put(struct scm *scm);

/** @p r is in the queue of @p to from now on, whose lock is held. */
void rights_sent(struct rights *r, struct unix_socket *to);
/** @p r leaves its queue: the files are the caller's. */
void rights_taken(struct rights *r);
/** Another reference to each of the files: MSG_PEEK. */
struct rights *rights_copy(struct rights *r);
/** Give the files to the running process, and what does not fit to nobody. No
 * locks are held. */
void rights_install(struct rights *r, struct msg *m);
/** Close the files. No locks are held. */
void rights_dispose(struct rights *r);

/** Guards what the collector reads. Inside the sockets' locks. */
extern struct mutex flight_lock;
/** Close what only itself can reach, unless this thread is in the middle of
 * closing: then at its end. No locks are held. */
void flight_collect(void);
/** How many sockets are in flight. */
unsigned flight_count(void);
/** No one is left who could receive from @p s: empty its queue (unix.c). */
void unix_purge(struct unix_socket *s);
void rights_init(void);

#endif
