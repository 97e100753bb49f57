/*
 * Helpers of the self-tests: kernel code that runs as a process.
 */
#include "test_proc.h"

/* The tests' init waits for its children, for ever. */
static void
reap_all(void *arg)
{
	(void)arg;
	for (;;) {
		heap_begin(HEAP_BOUND(selftest));
		CALL(NR_wait4, -1, NULL, 0, NULL);
		heap_end();
		thread_sleep_until(clock_ns() + 1000000, WAIT_UNINTERRUPTIBLE);
	}
}

static void
need_init(void)
{
	struct thread *t;

	if (init_proc)
		return;
	proc_put(proc_create(NULL, reap_all, NULL, &t));
	thread_start(t);
}

int
test_run_process(void (*fn)(void *arg), void *arg)
{
	struct thread *t;
	struct proc *p;
	int status;

	heap_begin(HEAP_BOUND(selftest));
	need_init();
	p = proc_create(init_proc, fn, arg, &t);
	heap_end();
	if (!p)
		return -1;
	thread_start(t);
	while (p->state != PROC_ZOMBIE)
		thread_sleep_until(clock_ns() + 100000, WAIT_UNINTERRUPTIBLE);
	status = p->exit_status;
	proc_put(p);
	return status;
}

void
test_process_begin(void)
{
	struct vmspace *vm;

	heap_begin(HEAP_BOUND(selftest));
	vm = vmspace_new();
	vm_map(vm, TEST_BASE, PAGE_SIZE, PROT_READ | PROT_WRITE,
	       MAP_PRIVATE | MAP_FIXED, NULL, 0, true);
	vmspace_switch(vm);
}

void
test_process_end(bool ok)
{
	heap_release();
	proc_exit(W_EXITCODE(ok ? 0 : 1, 0));
}
