/*
 * Futexes: sleeping on a word of user memory. A waiter stands in the hash
 * bucket of its word's key with its record on its own kernel stack, so their
 * number has no limit and no memory is allocated.
 *
 * IPC2: a waiter is put in its bucket before it reads the word, a waker has
 * changed the word before it looks in the bucket; so one sees the other.
 *
 * Source of the interface: futex(2); Franke, Russell, Kirkwood: "Fuss, Futexes
 * and Furwocks", OLS 2002.
 */
#include "abi/futex.h"
#include "abi/syscall.h"
#include "ipc_internal.h"

#define BUCKETS	    256
#define HASH_FACTOR 0x9e3779b97f4a7c15UL /* 2^64 / golden ratio */

/** Waiters of all words whose keys hash to it; a cache line each, so that words
 * with nothing in common do not meet there. */
struct bucket {
	struct spinlock lock;
	struct list waiters; /* struct futex_waiter.link, first come first */
} __attribute__((aligned(64)));

static struct bucket buckets[BUCKETS];

/** One thread that waits, on its own stack: the record is gone when futex_wait
 * returns, so others reach it through its bucket alone, locked. */
struct futex_waiter {
	/* Under the bucket's lock; by requeue under those of both. */
	struct list link; /* taken off by who wakes it */
	struct vm_key key;

	/* Constant while it is in a bucket. */
	uint32_t bitset; /* wake-ups that it heeds; not 0 */
	struct thread *thread;

	/** Where it waits; changed (requeue) under the locks of both. */
	struct bucket *_Atomic bucket;
	/** Set once, by the waker, as the last thing he does to the record. */
	_Atomic bool woken;
	struct waitq_watch clock_set; /* of one that waits for a time of day */
};

/* ---- Keys ---- */

/* Words that are known to be the process's own need no look at its mappings.
 * Whether there is memory at all shows when the word is read; who only wakes
 * need not know. The key of a word that is not shared is the same either way,
 * so a waiter and a waker need not agree about FUTEX_PRIVATE_FLAG there.
 * @return 0, -EINVAL: not aligned; -EFAULT */
static int
get_key(const uint32_t *address, bool private, struct vm_key *key)
{
	if (!IS_ALIGNED((uint64_t)address, sizeof(*address)))
		return -EINVAL;
	if (!user_range_ok(address, sizeof(*address)))
		return -EFAULT;
	if (!private)
		return vm_key_get(address, key);
	key->object = (uint64_t)current()->vmspace;
	key->offset = (uint64_t)address;
	return 0;
}

static bool
same_key(const struct vm_key *a, const struct vm_key *b)
{
	return a->offset == b->offset && a->object == b->object;
}

static struct bucket *
bucket_of(const struct vm_key *key)
{
	uint64_t h = (key->object ^ key->offset) * HASH_FACTOR;

	return &buckets[h >> 32 & (BUCKETS - 1)];
}

/* Bring the page of a word into memory: under a spinlock it cannot be. */
static int
touch(const uint32_t *address)
{
	uint32_t value;

	return copyin(&value, address, sizeof(value));
}

/* ---- Waking ---- */

/* Bucket locked. The waiter may be gone, its thread ending, as soon as `woken`
 * is true; RCU keeps the thread until the lock is released. */
static void
wake(struct futex_waiter *w)
{
	struct thread *t = w->thread;

	list_del(&w->link);
	atomic_store_explicit(&w->woken, true, memory_order_release);
	thread_wake(t);
}

/* Bucket locked. @return how many were woken, at most @p limit */
static int
wake_matching(struct bucket *b, const struct vm_key *key, int limit,
	      uint32_t bitset)
{
	struct futex_waiter *w, *next;
	int n = 0;

	list_for_each_safe (w, next, &b->waiters, link) {
		if (n >= limit)
			break;
		if (!same_key(&w->key, key) || !(w->bitset & bitset))
			continue;
		wake(w);
		n++;
	}
	return n;
}

/* A limit of 0, or a negative one, wakes one, as on Linux. Without the fence
 * the look in the bucket could come before the caller's store to the word. */
static int64_t
futex_wake(const uint32_t *address, bool private, int limit, uint32_t bitset)
{
	struct vm_key key;
	struct bucket *b;
	int n = get_key(address, private, &key);

	if (n)
		return n;
	if (!bitset)
		return -EINVAL;
	b = bucket_of(&key);
	atomic_thread_fence(memory_order_seq_cst); /* IPC2 */
	if (list_empty(&b->waiters))
		return 0;
	spin_lock(&b->lock);
	n = wake_matching(b, &key, MAX(limit, 1), bitset);
	spin_unlock(&b->lock);
	return n;
}

/* ---- Waiting ---- */

/* Stand in the bucket, if the word is still @p value. The word is read under
 * the bucket's lock: a waker either comes before and finds nobody whom he could
 * count in vain, or after, and finds one that will sleep. Should the page go
 * again between touch and the next look, it is fetched once more.
 * @return 0; -EAGAIN: it is not; -EFAULT */
static int
enqueue(struct futex_waiter *w, const uint32_t *address, uint32_t value)
{
	struct bucket *b = bucket_of(&w->key);
	uint32_t found;
	int error;

	w->bucket = b;
	do {
		spin_lock(&b->lock);
		list_add_tail(&w->link, &b->waiters);
		atomic_thread_fence(memory_order_seq_cst); /* IPC2 */
		error = copyin(&found, address, sizeof(found));
		if (!error && found == value) {
			spin_unlock(&b->lock);
			return 0;
		}
		list_del(&w->link);
		spin_unlock(&b->lock);
	} while (error && !(error = touch(address)));
	return error ? error : -EAGAIN;
}

/* Lock the bucket that the waiter stands in. It may be moved between the look
 * and the lock; once its bucket is locked it stays. */
static struct bucket *
lock_bucket(struct futex_waiter *w)
{
	struct bucket *b;

	for (;;) {
		b = w->bucket;
		spin_lock(&b->lock);
		if (b == w->bucket)
			return b;
		spin_unlock(&b->lock);
	}
}

/* The waiter itself leaves. `woken` is read again under the lock, for a waker
 * may have been at it; he has taken it off then, and a second list_del does no
 * harm. @return whether it had been woken before it left */
static bool
dequeue(struct futex_waiter *w)
{
	struct bucket *b;

	if (atomic_load_explicit(&w->woken, memory_order_acquire))
		return true;
	b = lock_bucket(w);
	list_del(&w->link);
	spin_unlock(&b->lock);
	return w->woken;
}

/* waitq_watch.wake of clock_set_wq: to look at the clock once more. */
static bool
clock_was_set(struct waitq_watch *watch)
{
	thread_wake(
		container_of(watch, struct futex_waiter, clock_set)->thread);
	return true;
}

/* Sleep until woken. The heap that the call reserved is not kept meanwhile. A
 * time of day is turned into a deadline after the sleep was announced: if the
 * day is set then, the sleep is off. Who was woken in the moment when its time
 * was over has been woken: the waker has counted it, and woke no other. */
static int
sleep_in_bucket(struct futex_waiter *w, uint64_t until, bool by_day)
{
	int error = 0;

	if (by_day)
		waitq_watch(&clock_set_wq, &w->clock_set);

	if (sched_ops.sleep_begin)
		sched_ops.sleep_begin();
	while (!error) {
		thread_sleep_prepare();
		if (atomic_load(&w->woken)) {
			thread_sleep_cancel();
			break;
		}
		error = thread_sleep(WAIT_INTERRUPTIBLE,
				     by_day ? deadline_of_day(until) : until);
	}
	if (by_day)
		waitq_unwatch(&clock_set_wq, &w->clock_set);
	if (dequeue(w))
		error = 0;
	if (sched_ops.sleep_end)
		sched_ops.sleep_end();
	return error;
}

/* @until: on CLOCK_REALTIME, if @flags has that, else of clock_ns.
 * @return 0, -EAGAIN, -EINTR, -ETIMEDOUT, -EFAULT, -EINVAL */
static int
futex_wait(const uint32_t *address, int flags, uint32_t value, uint64_t until,
	   uint32_t bitset)
{
	struct futex_waiter w = { .bitset = bitset,
				  .thread = current(),
				  .clock_set = { .wake = clock_was_set } };
	int error;

	if (!bitset)
		return -EINVAL;
	error = get_key(address, flags & FUTEX_PRIVATE_FLAG, &w.key);
	if (!error)
		error = enqueue(&w, address, value);
	if (!error)
		error = sleep_in_bucket(&w, until,
					flags & FUTEX_CLOCK_REALTIME);
	return error;
}

/* restart.fn. args: address, flags, value, bitset. The word is compared anew:
 * if it has changed while a signal was handled, EAGAIN is the truth. */
static int64_t
wait_again(const struct restart *r)
{
	int error = futex_wait((const uint32_t *)r->args[0], (int)r->args[1],
			       r->args[2], r->deadline, r->args[3]);

	return error == -EINTR ? signal_restart_by(r) : error;
}

/* Without a deadline the call can simply be made again; with one it must not
 * begin anew: a relative time-out has become a deadline, which the restart
 * keeps. After a handler the first goes on if that has SA_RESTART; the second
 * ends with EINTR (struct restart). */
static int64_t
wait_restartable(const uint32_t *address, int flags, uint32_t value,
		 uint64_t until, uint32_t bitset)
{
	struct restart r = { .fn = wait_again,
			     .deadline = until,
			     .args = { (uint64_t)address, (uint32_t)flags,
				       value, bitset } };
	int64_t error = futex_wait(address, flags, value, until, bitset);

	if (error != -EINTR)
		return error;
	return until == WAIT_FOREVER ? -ERESTARTSYS : signal_restart_by(&r);
}

/* ---- Two words ---- */

/* In the order of their addresses, whatever the order of the words; once, if
 * both words hash to the same. */
static void
lock_both(struct bucket *a, struct bucket *b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock_nested(a < b ? &b->lock : &a->lock, 1);
}

static void
unlock_both(struct bucket *a, struct bucket *b)
{
	if (a != b)
		spin_unlock(&b->lock);
	spin_unlock(&a->lock);
}

/* Both locked: move waiters of @p from to @p to, who sleep on and know nothing
 * of it (their `bucket` is looked at again in lock_bucket). @return how many */
static int
move_waiters(struct bucket *b, const struct vm_key *from, struct bucket *b_to,
	     const struct vm_key *to, int limit)
{
	struct futex_waiter *w, *next;
	int n = 0;

	list_for_each_safe (w, next, &b->waiters, link) {
		if (n >= limit)
			break;
		if (!same_key(&w->key, from))
			continue;
		w->key = *to;
		if (b != b_to) {
			list_del(&w->link);
			list_add_tail(&w->link, &b_to->waiters);
			w->bucket = b_to;
		}
		n++;
	}
	return n;
}

/* Both words' keys and buckets, which may be the same bucket, or even the same
 * key. */
struct word_pair {
	struct vm_key key[2];
	struct bucket *bucket[2];
};

static int
get_pair(struct word_pair *p, const uint32_t *first, const uint32_t *second,
	 bool private)
{
	int error = get_key(first, private, &p->key[0]);

	if (!error)
		error = get_key(second, private, &p->key[1]);
	if (error)
		return error;
	p->bucket[0] = bucket_of(&p->key[0]);
	p->bucket[1] = bucket_of(&p->key[1]);
	return 0;
}

/* FUTEX_REQUEUE, and FUTEX_CMP_REQUEUE if @p expected is not NULL: the word is
 * compared with both buckets locked, so no waiter comes or goes between that
 * and the moving. A page that is not there is fetched with the locks let go,
 * and all begins again. Counts are exact here: 0 wakes none. */
static int64_t
futex_requeue(const uint32_t *from, const uint32_t *to, bool private, int nwake,
	      int nmove, const uint32_t *expected)
{
	struct word_pair p;
	uint32_t found;
	int error, n, moved;

	if (nwake < 0 || nmove < 0)
		return -EINVAL;
	error = get_pair(&p, from, to, private);
	if (error)
		return error;
	for (;;) {
		lock_both(p.bucket[0], p.bucket[1]);
		if (!expected || !copyin(&found, from, sizeof(found)))
			break;
		unlock_both(p.bucket[0], p.bucket[1]);
		if (touch(from))
			return -EFAULT;
	}
	if (expected && found != *expected) {
		unlock_both(p.bucket[0], p.bucket[1]);
		return -EAGAIN;
	}
	n = wake_matching(p.bucket[0], &p.key[0], nwake,
			  FUTEX_BITSET_MATCH_ANY);
	moved = move_waiters(p.bucket[0], &p.key[0], p.bucket[1], &p.key[1],
			     nmove);
	unlock_both(p.bucket[0], p.bucket[1]);
	return n + moved; /* Linux says so for both, whatever futex(2) says */
}

/* ---- FUTEX_WAKE_OP ---- */

/* The operation's code: 4 bits what, 4 bits how to compare, 12 bits each of
 * the operand and of what to compare with (futex(2)). */
#define OP_WHAT(code)	 ((code) >> 28 & 7)
#define OP_SHIFT(code)	 ((code) >> 31)
#define OP_COMPARE(code) ((code) >> 24 & 15)
#define OP_ARG(code)	 sign_extend12((code) >> 12 & 0xfff)
#define OP_CMPARG(code)	 sign_extend12((code)&0xfff)

static int32_t
sign_extend12(uint32_t v)
{
	return (int32_t)(v << 20) >> 20;
}

/* FUTEX_OP_SET, ADD, OR, ANDN, XOR; with FUTEX_OP_ARG_SHIFT the operand is a
 * bit's number, of which more than 31 is cut. */
static int
apply_op(uint32_t code, uint32_t old, uint32_t *new)
{
	uint32_t arg = OP_ARG(code);

	if (OP_SHIFT(code))
		arg = 1u << (arg & 31);
	switch (OP_WHAT(code)) {
	case 0:
		*new = arg;
		return 0;
	case 1:
		*new = old + arg;
		return 0;
	case 2:
		*new = old | arg;
		return 0;
	case 3:
		*new = old & ~arg;
		return 0;
	case 4:
		*new = old ^ arg;
		return 0;
	default:
		return -ENOSYS;
	}
}

/* FUTEX_OP_CMP_EQ, NE, LT, LE, GT, GE; as signed numbers.
 * @return 1: it holds; 0; -ENOSYS */
static int
compare_op(uint32_t code, int32_t old)
{
	int32_t arg = OP_CMPARG(code);

	switch (OP_COMPARE(code)) {
	case 0:
		return old == arg;
	case 1:
		return old != arg;
	case 2:
		return old < arg;
	case 3:
		return old <= arg;
	case 4:
		return old > arg;
	case 5:
		return old >= arg;
	default:
		return -ENOSYS;
	}
}

/* Change the word atomically. *old receives what it was. */
static int
op_on_word(uint32_t code, uint32_t *address, uint32_t *old)
{
	uint32_t expected, new;
	int error = copyin(&expected, address, sizeof(expected));

	while (!error) {
		*old = expected;
		error = apply_op(code, *old, &new);
		if (!error)
			error = user_cmpxchg32(address, &expected, new);
		if (!error && expected == *old)
			return 0;
	}
	return error;
}

/* The second word is changed with both buckets locked, so nobody comes to wait
 * between the change and the wake-ups. It is made for pthread_cond_signal,
 * futex(2): wake one who waits for the condition, let go of the variable's own
 * lock, and wake one who waits for that. As with FUTEX_WAKE, each count wakes
 * one at least. */
static int64_t
futex_wake_op(uint32_t *first, uint32_t *second, bool private, int nwake,
	      int nwake2, uint32_t code)
{
	struct word_pair p;
	uint32_t old = 0;
	int error = get_pair(&p, first, second, private), n, also;

	if (error)
		return error;
	for (;;) {
		lock_both(p.bucket[0], p.bucket[1]);
		error = op_on_word(code, second, &old);
		if (!error)
			break;
		unlock_both(p.bucket[0], p.bucket[1]);
		/* Fetch the page, writable: a write of what is there. (If it
		 * is another by now, or was never read, the exchange writes
		 * that back; SDM vol. 2A, CMPXCHG.) */
		if (error != -EFAULT || touch(second) ||
		    user_cmpxchg32(second, &old, old))
			return error;
	}
	n = also = compare_op(code, old);
	if (also >= 0)
		n = wake_matching(p.bucket[0], &p.key[0], MAX(nwake, 1),
				  FUTEX_BITSET_MATCH_ANY);
	if (also > 0)
		n += wake_matching(p.bucket[1], &p.key[1], MAX(nwake2, 1),
				   FUTEX_BITSET_MATCH_ANY);
	unlock_both(p.bucket[0], p.bucket[1]);
	return n;
}

/* ---- The call ---- */

/* Until when to wait: relative for FUTEX_WAIT, else absolute. An absolute time
 * is left as it is given: if it is one of the day, what deadline it makes may
 * change until it is over. */
static int
get_deadline(int op, const struct timespec *user, uint64_t *until)
{
	struct timespec t;

	if (copyin(&t, user, sizeof(t)))
		return -EFAULT;
	if (!timespec_valid(&t))
		return -EINVAL;
	*until = timespec_ns(&t);
	if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT)
		*until = deadline_after(*until);
	return 0;
}

/* The time-out is read before the word: EFAULT and EINVAL of it come first.
 * Without one the clock does not matter. */
static int64_t
call_wait(uint32_t *address, int op, uint32_t value,
	  const struct timespec *timeout, uint32_t bitset)
{
	uint64_t until = WAIT_FOREVER;
	int error;

	if (timeout) {
		error = get_deadline(op, timeout, &until);
		if (error)
			return error;
	} else {
		op &= ~FUTEX_CLOCK_REALTIME;
	}
	return wait_restartable(address, op, value, until, bitset);
}

/* The fourth argument is a time-out or a second count, as the operation has
 * it. FUTEX_CLOCK_REALTIME is for an absolute time: a relative one passes the
 * same by any clock. What is not here (priority inheritance) is ENOSYS, by
 * which the C library knows that it has to do without. */
static int64_t
sys_futex(uint32_t *address, int op, uint32_t value, uint64_t timeout_or_count,
	  uint32_t *second, uint32_t value3)
{
	const struct timespec *timeout = (void *)timeout_or_count;
	bool private = op & FUTEX_PRIVATE_FLAG;
	int count = timeout_or_count;

	if ((op & FUTEX_CLOCK_REALTIME) &&
	    (op & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
		return call_wait(address, op, value, timeout,
				 FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAIT_BITSET:
		return call_wait(address, op, value, timeout, value3);
	case FUTEX_WAKE:
		return futex_wake(address, private, value,
				  FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(address, private, value, value3);
	case FUTEX_REQUEUE:
		return futex_requeue(address, second, private, value, count,
				     NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(address, second, private, value, count,
				     &value3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(address, second, private, value, count,
				     value3);
	default:
		return -ENOSYS;
	}
}
SYSCALL(NR_futex, sys_futex);

void
futex_wake_shared(uint32_t *address)
{
	futex_wake(address, false, 1, FUTEX_BITSET_MATCH_ANY);
}

void
futex_init(void)
{
	unsigned i;

	for (i = 0; i < BUCKETS; i++) {
		spin_init(&buckets[i].lock, "futex bucket");
		list_init(&buckets[i].waiters);
	}
	proc_ops.futex_wake = futex_wake_shared;
	proc_ops.release_robust = robust_release;
}
