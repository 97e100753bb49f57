/*
 * Stubs of lab heap for killer.c: scripts/lab puts their bodies in place of
 * the chapter's. Never compiled from here.
 */

static bool
evict(void)
{
	/*
	 * Exercise 5. Ask each evictor for EVICT_PAGES; then heap_shrink, for
	 * objects that are free but out of reach. evictions counts.
	 * @return whether anything came free
	 */
	if (heap_killer_ops.kill)
		panic("exercise 5: evict() is yours to write");
	return heap_shrink() > 0;
}

static bool
wait_for_line(void)
{
	/*
	 * Exercise 5. Wait until somebody in line could go on (gate_granted),
	 * or nobody waits, for PATIENCE_NS at most. Look every LOOK_NS: shrink
	 * the heap, and keep pages again if these are short (pages_refill).
	 *
	 * But only as long as that is a matter of what calls in progress give
	 * back. So give up after LOOKS looks at which what is in the way
	 * (pages_in_the_way) has not become less, while objects fill the heap
	 * (gate_is_full) or other pages are short.
	 * @return whether somebody could go on
	 */
	(void)pages_in_the_way;
	if (heap_killer_ops.kill)
		panic("exercise 5: wait_for_line() is yours to write");
	thread_sleep_until(clock_ns() + 2 * LOOK_NS, WAIT_UNINTERRUPTIBLE);
	return !gate_is_short();
}

static void
serve_line(void)
{
	/*
	 * Exercise 5. Until nobody waits: make_room as long as that does
	 * something; wait_for_line; and if that was in vain, kill. If there is
	 * nobody to kill, sleep for PATIENCE_NS: that look is a long one.
	 */
	(void)kill;
	while (gate_is_short()) {
		if (heap_killer_ops.kill)
			panic("exercise 5: serve_line() is yours to write");
		make_room();
		wait_for_line();
	}
}
