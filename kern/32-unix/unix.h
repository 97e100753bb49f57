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

/** Part of a queue's bytes: a page of the page pool. */
struct byte_page {
	struct byte_page *next;
	char bytes[BYTE_PAGE_SIZE];
};

/** Bytes, first in, first out, on pages. Guarded by the lock of the socket
 * whose queue it is. */
struct bytes {
	struct byte_page *first, *last; /* NULL: none yet */
	uint32_t start, end;		/* in first, in last */
};

/** What was sent in one call, or, on a stream, by one sender since. In one
 * socket's queue, and guarded by that one's lock; or taken out of it, and of
 * who has taken it alone. */
struct message {
	struct list link; /* struct unix_socket.messages */
	uint32_t len;	  /**< bytes, not yet read; they lie in `bytes` */
	/** Who has sent it: by his real ids, or as he has said. */
	struct ucred cred;
	struct rights *rights; /**< files, the message's; or NULL */
	/** Of a datagram: referenced, its buffer is charged. On a stream it is
	 * the peer, and NULL here; so on a connection of packets. */
	struct unix_socket *sender;
};

/** Charged for a message beside its bytes: else empty ones would be free. */
#define MESSAGE_COST 128u
/** Most bytes that a stream puts in a queue at once: between two pieces the
 * receiver's lock is let go. */
#define STREAM_PIECE 32768u
/** Datagrams that wait in a queue whose owner has not connected to the sender:
 * net.unix.max_dgram_qlen, and one. */
#define DATAGRAMS_MAX 11u

/* ---- Sockets ---- */

/** A name, of the socket that has it and of those that it has accepted.
 * Constant once it has been given, but for hash_link. */
struct unix_address {
	struct refcount refs; /* sockets with this address */
	unsigned len;	      /**< of name, in bytes */
	struct sockaddr_un name;
	char end; /**< terminates a path of full length */
	/** Whose name it is; not referenced: that one gives the name up before
	 * it goes (unix_unbind). */
	struct unix_socket *socket;
	struct vnode *vnode;   /**< of a path: referenced; NULL: abstract */
	struct list hash_link; /* of an abstract name, under names_lock */
};

/** Of streams and packets: what the socket has become, for good. */
enum unix_state { UNIX_IDLE, UNIX_LISTENING, UNIX_CONNECTED };

struct unix_socket {
	struct socket socket; /* first */

	/** Its file or the queue of a listener, sockets connected to it,
	 * datagrams it has sent, calls that have found it. */
	struct refcount refs;
	struct rcu_head rcu; /* frees it: unix_peer may be looking */

	/** enum unix_state; leaves UNIX_IDLE once, by compare and exchange.
	 * Datagram sockets stay idle. */
	_Atomic int state;
	/** Referenced, for as long as this socket's file (or a listener's
	 * queue) has it. Streams: set once; the pointer stays when the
	 * reference has gone, so others go through unix_peer. A call on this
	 * socket may follow it as it is. Datagrams: under links_lock; read in
	 * RCU sections, or only compared. */
	struct unix_socket *peer;
	/** Set once, referenced; NULL: none. Read without a lock. */
	struct unix_address *address;
	_Atomic bool binding; /**< it has a name or is getting one */
	/** Of the other side: valid once there is a peer. Of a listener: its
	 * own. */
	struct ucred peer_cred;

	/** SOCKET_*: what cannot be done any more; bits are only added.
	 * Changed under both locks, so that it may be tested under either
	 * before a sleep; so is socket.error where it is set. */
	_Atomic unsigned shutdown;
	/** Bytes of this socket in other queues, and MESSAGE_COST for each
	 * message; changed without a lock. */
	_Atomic uint32_t charged;
	/** With `charged`: what sleepers on write_wq test. Comes after the lock
	 * of any socket. */
	struct spinlock send_lock;

	/** No other socket's lock is held with it (UNIX1). User memory is
	 * copied under it. */
	struct mutex lock;
	/* Guarded by lock: what others send here. The atomic ones are looked
	 * at without it by poll. Who sleeps on read_wq or room_wq has tested
	 * under it. */
	bool dead; /**< its file is closed: nothing comes in any more */
	struct bytes bytes;
	struct list messages;	    /* struct message.link, first to be read */
	_Atomic unsigned nmessages; /* in the list */
	uint64_t queued;	    /**< bytes in all messages */
	unsigned backlog;	    /* of listen: so many, and one more */
	_Atomic unsigned npending;  /* connections in `pending` */
	struct waitq room_wq; /**< for room in the queue, or the backlog */

	/** Datagrams: connected to this one; under links_lock. */
	struct list clients, client_link;

	/* Under flight_lock (rights.c). */
	/** Connections not yet accepted: under lock as well. */
	struct list pending, pending_link;
	struct list flights; /**< rights of its messages, if of sockets */
	/** Messages that carry its file, each as often as it does. */
	unsigned inflight;
	struct list flight_link; /**< of all that have inflight > 0 */
	/* The collector's: references that it cannot explain; whether all are
	 * from messages; whether it is reached. Made anew by each run, which
	 * holds flight_lock throughout. doomed_link is then its own. */
	unsigned from_outside;
	bool doubtful, reachable;
	struct list doomed_link;
};

static inline struct unix_socket *
to_unix(struct socket *s)
{
	return container_of(s, struct unix_socket, socket);
}

/** Another reference, for who has one, or a lock that keeps one there. */
static inline struct unix_socket *
unix_get(struct unix_socket *s)
{
	ref_get(&s->refs);
	return s;
}
/** The last reference frees it, after a grace period: it has been closed then,
 * and its queue is empty (UNIX3). No locks are held; does not sleep. */
void unix_put(struct unix_socket *s);

static inline bool
is_dgram(const struct unix_socket *s)
{
	return s->socket.type == SOCK_DGRAM;
}

/** The running process: by its real ids, as its messages name it, or by its
 * effective ones, as SO_PEERCRED does. */
struct ucred unix_cred(bool effective);

/** The peer, referenced, or NULL: none, or one that has just gone. Any lock may
 * be held; does not sleep. */
struct unix_socket *unix_peer(struct unix_socket *s);

/** Report @p error (positive) by the next call; 0: nothing, but who waits looks
 * again. No lock of a socket is held; may sleep. */
void unix_set_error(struct unix_socket *s, int error);
/** A datagram socket's receiver is gone: send to nobody any more, and lose what
 * was received; nothing, if @p s is connected to another than @p from by now.
 * No lock of a socket is held; may sleep. */
void unix_disconnect(struct unix_socket *s, struct unix_socket *from);
/** After a datagram has left: wake who waits to send one, or polls for it. Does
 * not sleep. */
void unix_wake_senders(struct unix_socket *s);

/* ---- name.c: no locks are held; bind and find may sleep ---- */

/** socket_ops.bind. @return 0; -EINVAL: the address, or it has a name;
 * -EADDRINUSE, errors of the path; of a name of no bytes, as unix_autobind */
int unix_bind(struct socket *s, const struct sockaddr_storage *name,
	      unsigned len);
/** Have a name of the kernel's choice if there is none: who gives credentials
 * has one. If another thread is about to bind it, that will do. Does not sleep.
 * @return 0; -ENOSPC: all are taken */
int unix_autobind(struct unix_socket *s);
/** @return 0, or -EINVAL: no name of a socket can be there */
int unix_check_name(const struct sockaddr_storage *name, unsigned len);
/** The socket of that name (checked) and type, referenced. Whether it is still
 * open the caller sees when he has locked it: `dead`. @return 0, -EACCES,
 * -ECONNREFUSED, -EPROTOTYPE, errors of the path */
int unix_find(const struct sockaddr_storage *name, unsigned len, int type,
	      struct unix_socket **result);
/** Copy the address. The caller has a reference to @p s. Does not sleep.
 * @return its length, 0: there is none */
unsigned unix_copy_name(const struct unix_socket *s,
			struct sockaddr_storage *name);
/** Give the name up, once, before the file's reference goes: nobody finds @p s
 * by it any more. Its path stays. May sleep. */
void unix_unbind(struct unix_socket *s);
struct unix_address *unix_address_get(struct unix_address *a);
/** The last reference frees it. */
void unix_address_put(struct unix_address *a);
void names_init(void);

/* ---- queue.c ---- */

/* For bytes_* the lock of the queue's owner is held, if others know of it. */

/** Append @p n bytes of @p u. All or nothing, but @p u has moved on. May sleep
 * on user memory. @return 0, -EFAULT, -ENOBUFS */
int bytes_put(struct bytes *b, struct uio *u, size_t n);
/** Copy @p n bytes out that are there, from @p offset on; they stay. May sleep
 * on user memory. @return bytes copied: less on a fault */
size_t bytes_copy(const struct bytes *b, size_t offset, struct uio *u,
		  size_t n);
/** Drop the first @p n bytes, which are there. One page is kept. */
void bytes_drop(struct bytes *b, size_t n);
/** Drop all, and the page. */
void bytes_free(struct bytes *b);

/** Charge up to @p want bytes and a message to @p s, which sends; waits for
 * room. @p all: so many or none; else at least one byte, if any is wanted. No
 * locks are held; may sleep. @return bytes, -EAGAIN, -EPIPE, -EINTR,
 * -ERESTARTSYS, the pending error */
int64_t unix_charge(struct unix_socket *s, size_t want, bool all,
		    bool nonblock);
/** Give back @p n of a charge: wakes who waits. The caller keeps @p s alive.
 * Another socket's lock may be held; does not sleep. */
void unix_uncharge(struct unix_socket *s, size_t n);

/** Take a message out of the queue of @p s, locked. Its bytes, charge and files
 * are the caller's to see to. */
void message_unlink(struct unix_socket *s, struct message *m);

/** Take out all messages of @p s, locked, into a list that is not initialised;
 * their bytes are dropped. */
void unix_take_all(struct unix_socket *s, struct list *messages);
/** Free messages of unix_take_all: senders get their charges back, files are
 * closed. No locks are held; may sleep.
 * @p peer: of a stream, whose messages they were. */
void messages_free(struct list *messages, struct unix_socket *peer);

/* ---- send.c, receive.c ---- */

/** socket_ops.send: SIGPIPE is raised here. No locks are held; may sleep.
 * @return bytes; -EMSGSIZE, -ENOTCONN, -EISCONN, -EPIPE, -ECONNREFUSED, -EPERM,
 * -ENOBUFS, -EINVAL, and as unix_charge, unix_find and scm_get */
int64_t unix_send(struct socket *s, struct msg *m);
/** socket_ops.receive. No locks are held; may sleep. @return bytes, 0: the end
 * (or an empty datagram); -EINVAL (stream) or -ENOTCONN (packets) without a
 * peer; -EAGAIN, -EINTR, -ERESTARTSYS, -EFAULT, the pending error */
int64_t unix_receive(struct socket *s, struct msg *m);

/* ---- rights.c ---- */

/** Files in a message. */
struct rights {
	/** struct unix_socket.flights, if nsockets; under flight_lock. */
	struct list flight_link;
	struct list link; /**< while it is disposed of: its thread's */
	/** To whom they count, from scm_get to rights_taken; else NULL. */
	struct flight_user *user;
	unsigned n, nsockets; /* files; AF_UNIX sockets among them */
	struct file *files[]; /* referenced */
};

/** What the control data of a message to be sent says. */
struct scm {
	struct rights *rights; /**< NULL: none, or a message has them by now */
	struct ucred cred;     /**< the caller's, or what it claims to be */
};

/** Read @p m's control data; may collect first. *scm has the caller's cred.
 * Even if it fails there may be rights, for scm_put. No locks are held; may
 * sleep. @return 0; -EINVAL: a length, a type, too many files; -EBADF, -EPERM,
 * -ETOOMANYREFS, -ESRCH */
int scm_get(struct scm *scm, const struct msg *m);
/** What was not sent: there are rights. No locks are held; may sleep. */
void scm_put(struct scm *scm);

/** @p r is in the queue of @p to from now on, whose lock is held. May sleep. */
void rights_sent(struct rights *r, struct unix_socket *to);
/** @p r leaves its queue: the files are the caller's. The queue is locked, or
 * @p r was taken out of it by unix_take_all. May sleep. */
void rights_taken(struct rights *r);
/** Another reference to each of the files: MSG_PEEK. The queue is locked. The
 * copy counts to nobody. May sleep. */
struct rights *rights_copy(struct rights *r);
/** Give the files to the running process, and what does not fit to nobody
 * (MSG_CTRUNC); frees @p r. No locks are held; may sleep. */
void rights_install(struct rights *r, struct msg *m);
/** Close the files, if not now then when this thread is done with those that it
 * is closing; frees @p r. No locks are held; may sleep. */
void rights_dispose(struct rights *r);

/** Guards what the collector reads. Inside the sockets' locks. */
extern struct mutex flight_lock;
/** Close what only itself can reach, unless this thread is in the middle of
 * closing: then at its end. No locks are held; may sleep. */
void flight_collect(void);
/** How many sockets are in flight. */
unsigned flight_count(void);
/** No one is left who could receive from @p s: empty its queue, and end what
 * nobody has accepted (unix.c). @p s stays, as if shut down. The caller has its
 * file. No locks are held; may sleep. */
void unix_purge(struct unix_socket *s);
void rights_init(void);

#endif
