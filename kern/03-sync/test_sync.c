/*
 * Self-tests of chapter sync. What needs several CPUs is tested by chapter smp.
 */
#include "sync.h"

SELFTEST(sync_spinlock_holds_preemption_off)
{
	static struct spinlock lock = SPINLOCK("test spin");
	uint32_t before = PREEMPT_COUNT(this_cpu(preempt_count));

	spin_lock(&lock);
	CHECK(PREEMPT_COUNT(this_cpu(preempt_count)) == before + 1);
	CHECK(spin_held(&lock));
	CHECK(!spin_trylock(&lock));
	spin_unlock(&lock);
	CHECK(PREEMPT_COUNT(this_cpu(preempt_count)) == before);
	CHECK(spin_trylock(&lock));
	spin_unlock(&lock);
}

/* Who only tries for a lock waits for nobody: lockcheck lets both orders be. */
SELFTEST(sync_trying_makes_no_order)
{
	static struct spinlock a = SPINLOCK("test a"), b = SPINLOCK("test b");
	static struct spinlock *const orders[][2] = { { &a, &b }, { &b, &a } };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		spin_lock(orders[i][0]);
		CHECK(spin_trylock(orders[i][1]));
		spin_unlock(orders[i][1]);
		spin_unlock(orders[i][0]);
	}
}

/* 70,000 tickets of 16 bits: `next` passes its end without touching `serving`.
 */
SELFTEST(sync_ticket_wraps)
{
	static struct spinlock lock = SPINLOCK("test wrap");
	unsigned i;

	for (i = 0; i < 70000; i++) {
		spin_lock(&lock);
		spin_unlock(&lock);
	}
	CHECK(lock.serving == lock.next);
	CHECK(lock.serving == (uint16_t)70000);
}

SELFTEST(sync_irqsave_restores)
{
	static struct spinlock lock = SPINLOCK("test irqsave");
	bool before = irq_enabled();
	uint64_t rflags = spin_lock_irqsave(&lock);

	CHECK(!irq_enabled());
	spin_unlock_irqrestore(&lock, rflags);
	CHECK(irq_enabled() == before);
}

/* A writer that has begun, one that has ended, and none since. */
SELFTEST(sync_seqcount_sees_a_writer)
{
	struct seqcount s = { 0 };
	uint32_t n = seq_read_begin(&s);

	CHECK(!seq_read_retry(&s, n));
	seq_write_begin(&s);
	CHECK(seq_read_retry(&s, n));
	seq_write_end(&s);
	CHECK(seq_read_retry(&s, n));
	n = seq_read_begin(&s);
	CHECK(!seq_read_retry(&s, n));
}

SELFTEST(sync_refcount)
{
	struct refcount r;

	ref_init(&r);
	ref_get(&r);
	CHECK(ref_count(&r) == 2);
	CHECK(!ref_put(&r));
	CHECK(ref_get_unless_zero(&r));
	CHECK(!ref_put(&r));
	CHECK(ref_put(&r));
	CHECK(!ref_get_unless_zero(&r));
}

#ifdef DEBUG
SELFTEST(sync_lockcheck_follows_held_locks)
{
	static struct spinlock a = SPINLOCK("test a"), b = SPINLOCK("test b");

	spin_lock(&a);
	spin_lock(&b);
	CHECK(lockcheck_held(&a) && lockcheck_held(&b));
	spin_unlock(&a); /* any order of release is right */
	CHECK(!lockcheck_held(&a) && lockcheck_held(&b));
	spin_unlock(&b);
	CHECK(!lockcheck_held(&b));
}
#endif
