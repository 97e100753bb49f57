/*
 * Stubs of lab heap for reserve.c: scripts/lab puts their bodies in place of
 * the chapter's. Never compiled from here.
 */

static bool
fits(uint64_t pages, enum line line)
{
	/*
	 * Exercise 1. HEAP1: whether so many pages can be granted to somebody
	 * of this line. gate.kept of them are for LINE_LAST alone; and while
	 * other pages are short (pages_are_short) no call may begin.
	 */
	panic("exercise 1: fits(%lu, %d) is yours to write", pages, line);
}

static void
grant_lines(void)
{
	/*
	 * Exercise 2. Grant what fits, LINE_LAST before LINE_CALLS, in order
	 * of arrival; who does not fit keeps all behind it waiting. A request
	 * is on its thread's stack: gone once it is granted. line_shrinks and
	 * gate.granted count. When nobody waits and there is room for some
	 * calls (eight batches), CPUs may keep pages at hand again.
	 */
	(void)line_shrinks;
	if (gate.waiting)
		panic("exercise 2: grant_lines() is yours to write");
}

static void
return_pages(int64_t pages)
{
	/*
	 * Exercise 1. Give pages back to the shared count, under its lock, and
	 * to those in line while CPUs keep nothing at hand. 0 pages: the heap
	 * has given some back, look again.
	 */
	(void)grant_lines;
	panic("exercise 1: return_pages(%ld) is yours to write", pages);
}

static inline bool
take_at_hand(int32_t pages)
{
	/*
	 * Exercise 1. Take pages from those that this CPU has at hand, if there
	 * are so many. A switch to another thread may come between any two
	 * instructions: test and subtraction must be one (cmpxchgl, with
	 * "%%gs:" before the counter's address).
	 * @return whether there were so many
	 */
	panic("exercise 1: take_at_hand(%d), of %d, is yours to write", pages,
	      this_cpu(at_hand));
}

static inline void
put_at_hand(int32_t pages)
{
	/* Exercise 1. The contrary, in one instruction. */
	panic("exercise 1: put_at_hand(%d) is yours to write", pages);
}

static int
wait_in_line(unsigned pages, enum line line)
{
	/*
	 * Exercise 2. Stand in line until granted. LINE_LAST: uninterruptibly;
	 * else a killed thread gives up, whether it has been granted what it
	 * waited for meanwhile or not, and whoever could go on then does. From
	 * now on nothing is kept at hand (keep_at_hand). note_wait and
	 * line_grows count; whoever sleeps calls the killer first. Which order
	 * of looking and going to sleep loses no grant?
	 * @return 0, or -EINTR: the thread is to die, and stands in line no
	 *         more
	 */
	(void)line_grows;
	panic("exercise 2: wait_in_line(%u, %d) is yours to write", pages,
	      line);
}

static bool
take_shared(unsigned pages, enum line line)
{
	/*
	 * Exercise 1. Reserve from the shared count, unless somebody waits. If
	 * there is room for eight batches more, take AT_HAND_BATCH pages along
	 * for this CPU to have at hand.
	 * @return whether the pages are reserved
	 */
	(void)fits;
	panic("exercise 1: take_shared(%u, %d) is yours to write", pages, line);
}

static void __attribute__((noinline)) return_surplus(void)
{
	/*
	 * Exercise 1. Give back what this CPU has at hand above
	 * AT_HAND_BATCH; all of it while nothing is to be kept. Nobody may come
	 * between the look and the subtraction.
	 */
	(void)return_pages;
	panic("exercise 1: return_surplus() is yours to write");
}

int
heap_checkpoint(unsigned pages)
{
	/*
	 * Exercise 3. See heap.h. Who may not begin goes on all the same, as
	 * one who must.
	 */
	panic("exercise 3: heap_checkpoint(%u) is yours to write", pages);
}

static void
sleep_begin(void)
{
	/*
	 * Exercise 3. The running thread is about to sleep: give its
	 * reservation back and remember how large it was (heap_asleep).
	 */
	if (current()->heap_granted)
		panic("exercise 3: sleep_begin() is yours to write");
}

static void
sleep_end(void)
{
	/*
	 * Exercise 3. Make the reservation again. Who has been killed has to
	 * go on, to come to its end.
	 */
	if (current()->heap_asleep)
		panic("exercise 3: sleep_end() is yours to write");
}

static void
page_taken(void)
{
	/*
	 * Exercise 3. The heap has taken a page. More than gate.max is a
	 * panic: somebody has passed the gate without cause. When pages in use
	 * and reserved are more than a call would be granted, nothing is kept
	 * at hand any more, unless the gate is off (GATE_OFF). Interrupts are
	 * off, a slab's lock is held. note_page_taken counts.
	 */
	if (mem_heap_used() > gate.limit - gate.kept)
		panic("exercise 3: page_taken() is yours to write");
}
