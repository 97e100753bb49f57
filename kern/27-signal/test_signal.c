/*
 * Self-tests of chapter signal: what can be checked without user space, on
 * processes that stand in static memory and run nowhere. Frames and delivery
 * are tested by the programs of user/.
 */
#include "sigstate.h"
#include "string.h"

/* ---- Pending sets ---- */

static struct pending test_set;

static struct queued_signal *
queued(int value, struct signal_info *info)
{
	memset(info, 0, sizeof(*info));
	info->code = value;
	return knew(struct queued_signal);
}

/* The code of the next @p signo taken from the set, its entry freed. */
static int
take_code(int signo)
{
	struct signal_info info;

	kfree(pending_take(&test_set, signo, &info));
	return info.code;
}

SELFTEST(signal_standard_signal_counts_once)
{
	struct signal_info info = { .code = 7 };

	pending_init(&test_set);
	pending_add(&test_set, SIGUSR1, &info, NULL);
	pending_add(&test_set, SIGUSR1, &info, NULL);
	CHECK(test_set.set == KSIGMASK(SIGUSR1));
	CHECK(take_code(SIGUSR1) == 7);
	CHECK(test_set.set == 0);
}

SELFTEST(signal_real_time_signals_queue_in_order)
{
	struct signal_info info;
	struct queued_signal *q;
	int i, signo = KSIGRTMIN + 3;

	heap_begin(HEAP_BOUND(selftest));
	pending_init(&test_set);
	for (i = 1; i <= 3; i++) {
		q = queued(i, &info);
		pending_add(&test_set, signo, &info, q);
		q = queued(10 * i, &info);
		pending_add(&test_set, signo + 1, &info, q);
	}
	CHECK(take_code(signo) == 1 && take_code(signo) == 2);
	CHECK(test_set.set & KSIGMASK(signo));
	CHECK(take_code(signo) == 3);
	CHECK(test_set.set == KSIGMASK(signo + 1));
	CHECK(pending_flush(&test_set, KSIGMASK(signo + 1)) == 3);
	CHECK(test_set.set == 0 && list_empty(&test_set.queue));
	heap_end();
}

SELFTEST(signal_faults_are_taken_first_then_the_lowest)
{
	CHECK(pending_next(0) == 0);
	CHECK(pending_next(KSIGMASK(SIGTERM) | KSIGMASK(SIGINT)) == SIGINT);
	CHECK(pending_next(KSIGMASK(SIGHUP) | KSIGMASK(SIGSEGV)) == SIGSEGV);
	CHECK(pending_next(KSIGMASK(64)) == 64);
}

SELFTEST(signal_info_keeps_what_signals_use)
{
	siginfo_t in = { .si_code = SI_QUEUE, .si_errno = 5 }, out;
	struct signal_info info;

	in.si_pid = 42;
	in.si_uid = 1000;
	in.si_ptr = &in;
	signal_info_from(&info, &in);
	signal_info_to(&out, SIGUSR2, &info);
	in.si_signo = SIGUSR2;
	CHECK(memcmp(&in, &out, sizeof(in)) == 0);

	memset(&in, 0, sizeof(in));
	in.si_u.chld.utime = 3;
	in.si_u.chld.stime = INT64_MAX;
	signal_info_from(&info, &in);
	signal_info_to(&out, 0, &info);
	CHECK(memcmp(&in, &out, sizeof(in)) == 0);
}

/* The table of signal(7), "Standard signals". */
SELFTEST(signal_default_actions)
{
	const ksigset_t ignored = KSIGMASK(SIGCHLD) | KSIGMASK(SIGCONT) |
				  KSIGMASK(SIGURG) | KSIGMASK(SIGWINCH);
	enum signal_default expected;
	int signo;

	for (signo = 1; signo < NSIG; signo++) {
		expected = DEFAULT_TERMINATE;
		if (KSIGMASK(signo) & ignored)
			expected = DEFAULT_IGNORE;
		else if (KSIGMASK(signo) & SIGNALS_STOP)
			expected = DEFAULT_STOP;
		CHECK(signal_default(signo) == expected);
	}
}

/* ---- A process with two threads that run nowhere ---- */

static struct proc test_proc;
static struct thread test_threads[2];

static struct sigstate *
state_of(unsigned thread)
{
	return test_threads[thread].sigstate;
}

static void
make_proc(void)
{
	unsigned i;

	memset(&test_proc, 0, sizeof(test_proc));
	memset(test_threads, 0, sizeof(test_threads));
	test_proc.limits[RLIMIT_SIGPENDING].rlim_cur = 2;
	proc_ops.fork(NULL, &test_proc);
	for (i = 0; i < ARRAY_SIZE(test_threads); i++) {
		test_threads[i].proc = &test_proc;
		proc_ops.thread_new(NULL, &test_threads[i]);
	}
}

static void
free_proc(void)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(test_threads); i++) {
		sigstate_detach(state_of(i));
		proc_signals_put(test_proc.signals);
		kfree(state_of(i));
	}
	proc_ops.free(&test_proc);
}

static bool
woken(unsigned thread)
{
	return test_threads[thread].md.work & WORK_SIGNAL;
}

static void
test_handler(int signo)
{
	(void)signo;
}

static bool
fatal_signal_ends_all(void)
{
	signal_proc(&test_proc, SIGTERM, NULL);
	return test_proc.signals->ending &&
	       test_proc.signals->exit_status == SIGTERM && woken(0) &&
	       woken(1) && (test_threads[1].interrupt & INTERRUPT_KILL);
}

SELFTEST(signal_fatal_signal_ends_all_threads)
{
	bool ok;

	heap_begin(HEAP_BOUND(selftest));
	make_proc();
	ok = fatal_signal_ends_all();
	free_proc();
	heap_end();
	CHECK(ok);
}

static bool
goes_to_thread_that_takes_it(void)
{
	signal_action(test_proc.signals, SIGUSR1)->handler = test_handler;
	state_of(0)->blocked = KSIGMASK(SIGUSR1);
	signal_proc(&test_proc, SIGUSR1, NULL);
	return !woken(0) && woken(1) && !test_proc.signals->ending &&
	       sigstate_deliverable(state_of(0)) == 0 &&
	       sigstate_deliverable(state_of(1)) == KSIGMASK(SIGUSR1);
}

SELFTEST(signal_goes_to_a_thread_that_does_not_block_it)
{
	bool ok;

	heap_begin(HEAP_BOUND(selftest));
	make_proc();
	ok = goes_to_thread_that_takes_it();
	free_proc();
	heap_end();
	CHECK(ok);
}

static bool
ignored_unless_blocked(void)
{
	struct proc_signals *s = test_proc.signals;

	signal_proc(&test_proc, SIGCHLD, NULL);
	signal_action(s, SIGUSR1)->handler = SIG_IGN;
	signal_proc(&test_proc, SIGUSR1, NULL);
	if (s->pending.set || woken(0))
		return false;
	state_of(0)->blocked = KSIGMASK(SIGCHLD);
	signal_proc(&test_proc, SIGCHLD, NULL);
	return s->pending.set == KSIGMASK(SIGCHLD);
}

SELFTEST(signal_ignored_is_dropped_but_blocked_is_kept)
{
	bool ok;

	heap_begin(HEAP_BOUND(selftest));
	make_proc();
	ok = ignored_unless_blocked();
	free_proc();
	heap_end();
	CHECK(ok);
}

static bool
stop_and_continue_cancel(void)
{
	struct proc_signals *s = test_proc.signals;
	ksigset_t both = KSIGMASK(SIGCONT) | KSIGMASK(SIGTSTP);

	state_of(0)->blocked = state_of(1)->blocked = both;
	signal_proc(&test_proc, SIGTSTP, NULL);
	if (s->pending.set != KSIGMASK(SIGTSTP))
		return false;
	signal_proc(&test_proc, SIGCONT, NULL);
	if (s->pending.set != KSIGMASK(SIGCONT))
		return false;
	signal_thread(&test_threads[1], SIGTSTP, NULL);
	return s->pending.set == 0 &&
	       state_of(1)->pending.set == KSIGMASK(SIGTSTP);
}

SELFTEST(signal_stop_and_continue_cancel_each_other)
{
	bool ok;

	heap_begin(HEAP_BOUND(selftest));
	make_proc();
	ok = stop_and_continue_cancel();
	free_proc();
	heap_end();
	CHECK(ok);
}

static bool
queue_is_bounded(void)
{
	const siginfo_t info = { .si_code = SI_QUEUE };

	signal_action(test_proc.signals, 40)->handler = test_handler;
	return signal_proc(&test_proc, 40, &info) == 0 &&
	       signal_proc(&test_proc, 40, &info) == 0 &&
	       signal_proc(&test_proc, 40, &info) == -EAGAIN &&
	       test_proc.signals->nqueued == 2;
}

SELFTEST(signal_real_time_queue_is_bounded_by_its_limit)
{
	bool ok;

	heap_begin(HEAP_BOUND(selftest));
	make_proc();
	ok = queue_is_bounded();
	free_proc();
	heap_end();
	CHECK(ok);
}

static bool
init_is_protected(void)
{
	struct proc *before = init_proc;
	bool ok;

	init_proc = &test_proc;
	signal_proc(&test_proc, SIGKILL, NULL);
	signal_proc(&test_proc, SIGTERM, NULL);
	signal_proc(&test_proc, SIGSTOP, NULL);
	ok = !woken(0) && !test_proc.signals->ending;
	signal_action(test_proc.signals, SIGTERM)->handler = test_handler;
	signal_proc(&test_proc, SIGTERM, NULL);
	ok = ok && woken(0) && !test_proc.signals->ending;
	init_proc = before;
	return ok;
}

SELFTEST(signal_init_gets_only_what_it_handles)
{
	bool ok;

	heap_begin(HEAP_BOUND(selftest));
	make_proc();
	ok = init_is_protected();
	free_proc();
	heap_end();
	CHECK(ok);
}

static bool
stopped_takes_only_sigkill(void)
{
	struct proc_signals *s = test_proc.signals;

	s->stop_signo = SIGSTOP;
	signal_proc(&test_proc, SIGTERM, NULL);
	if (s->ending || woken(0))
		return false;
	signal_proc(&test_proc, SIGKILL, NULL);
	return s->ending && s->exit_status == SIGKILL;
}

SELFTEST(signal_stopped_process_takes_only_sigkill)
{
	bool ok;

	heap_begin(HEAP_BOUND(selftest));
	make_proc();
	ok = stopped_takes_only_sigkill();
	free_proc();
	heap_end();
	CHECK(ok);
}

/* ---- The tree and its groups ---- */

/* init(1) -- shell(2, session 2) -- job(3, group 3) -- child(4, group 3)
 *                               \- other(5, group 5, of its own session) */
static struct proc tree[6];

static void
add_proc(int pid, int parent, int pgid, int sid)
{
	struct proc *p = &tree[pid];

	p->pid = pid;
	p->pgid = pgid;
	p->sid = sid;
	p->state = PROC_ALIVE;
	list_init(&p->children);
	list_init(&p->sibling);
	p->parent = parent ? &tree[parent] : NULL;
	if (parent)
		list_add_tail(&p->sibling, &tree[parent].children);
}

static void
make_tree(void)
{
	memset(tree, 0, sizeof(tree));
	add_proc(1, 0, 1, 1);
	add_proc(2, 1, 2, 2);
	add_proc(3, 2, 3, 2);
	add_proc(4, 3, 3, 2);
	add_proc(5, 2, 5, 5);
}

/* The processes' numbers in the order of the walk, as decimal digits. */
static int
walk(void)
{
	struct proc *p;
	int digits = 0;

	for (p = init_proc; p; p = proc_tree_next(p))
		digits = digits * 10 + p->pid;
	return digits;
}

SELFTEST(signal_walk_and_orphaned_groups)
{
	struct proc *before = init_proc;
	bool job, shell, other, later;
	int order;

	make_tree();
	spin_lock(&proc_lock);
	init_proc = &tree[1];
	order = walk();
	job = group_is_orphaned(3);
	shell = group_is_orphaned(2);
	other = group_is_orphaned(5);
	tree[3].parent = init_proc; /* its shell has ended */
	later = group_is_orphaned(3);
	init_proc = before;
	spin_unlock(&proc_lock);
	CHECK(order == 12345);
	CHECK(!job && shell && other && later);
}

/* ---- Times ---- */

SELFTEST(signal_times_saturate)
{
	struct timespec big = { INT64_MAX, 0 }, bad = { 0, 1000000000 },
			neg = { -1, 0 }, good = { 1, 999999999 };

	CHECK(timespec_valid(&good) && timespec_ns(&good) == 1999999999);
	CHECK(timespec_valid(&big) && timespec_ns(&big) == INT64_MAX);
	CHECK(!timespec_valid(&bad) && !timespec_valid(&neg));
	CHECK(deadline_after(UINT64_MAX) == WAIT_FOREVER);
	CHECK(deadline_after(0) <= clock_ns());
}
