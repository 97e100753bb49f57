/*
 * Self-tests of chapter proc: the life of processes, identities, limits, /proc.
 * They run kernel code as processes. Programs: test_exec.c.
 */
#include "abi/signal.h"
#include "format.h"
#include "procfs.h"
#include "string.h"
#include "test_proc.h"

/* ---- Calls and processes ---- */

/* The tests' init waits for its children, for ever. */
static void
reap_all(void *arg)
{
	(void)arg;
	for (;;) {
		heap_begin(PROC_HEAP_PAGES);
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

	heap_begin(PROC_HEAP_PAGES);
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

	heap_begin(PROC_HEAP_PAGES);
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

/* ---- Pids ---- */

SELFTEST(proc_pids_are_unique_and_come_back)
{
	int first, second, found;

	heap_begin(4);
	spin_lock(&proc_lock);
	first = pid_alloc();
	second = pid_alloc();
	spin_unlock(&proc_lock);
	CHECK(first > 0 && second > 0 && first != second);
	CHECK(proc_find(first) == NULL);
	rcu_read_lock();
	CHECK(thread_find(first) == NULL && thread_find(-5) == NULL &&
	      thread_find(PID_MAX) == NULL);
	rcu_read_unlock();
	/* A turn through all numbers comes by the first one again. */
	spin_lock(&proc_lock);
	pid_clear_thread(first);
	for (unsigned i = 0; i < PID_MAX; i++) {
		found = pid_alloc();
		pid_clear_thread(found);
		if (found == second || found == first || found < 0)
			break;
	}
	pid_clear_thread(second);
	spin_unlock(&proc_lock);
	heap_end();
	CHECK(found == first || first < 300);
	CHECK(found != second);
}

/* ---- Life and death ---- */

static void
exit_with(void *arg)
{
	proc_exit((int)(uint64_t)arg);
}

static int
spawn(int status)
{
	struct thread *t;
	struct proc *p = proc_create(current_proc(), exit_with,
				     (void *)(uint64_t)status, &t);
	int pid = p->pid;

	proc_put(p);
	thread_start(t);
	return pid;
}

static int
user_int(void)
{
	int n = -1;

	copyin(&n, (void *)TEST_BASE, sizeof(n));
	return n;
}

PROCESS_TEST(proc_wait_collects_the_status)
{
	int pid = spawn(W_EXITCODE(7, 0));

	EXPECT(CALL(NR_wait4, pid, TEST_BASE, 0, NULL) == pid);
	EXPECT(WIFEXITED(user_int()) && WEXITSTATUS(user_int()) == 7);
	EXPECT(CALL(NR_wait4, pid, TEST_BASE, 0, NULL) == -ECHILD);
	EXPECT(proc_find(pid) == NULL);
	pid = spawn(SIGKILL);
	EXPECT(CALL(NR_wait4, -1, TEST_BASE, 0, NULL) == pid);
	EXPECT(WIFSIGNALED(user_int()) && WTERMSIG(user_int()) == SIGKILL);
	return true;
}

static _Atomic bool may_go;

static void
wait_for_go(void *arg)
{
	(void)arg;
	while (!may_go)
		thread_sleep_until(clock_ns() + 100000, WAIT_UNINTERRUPTIBLE);
	proc_exit(0);
}

PROCESS_TEST(proc_wait_without_hanging)
{
	struct thread *t;
	struct proc *p = proc_create(current_proc(), wait_for_go, NULL, &t);
	int pid = p->pid;

	may_go = false;
	thread_start(t);
	proc_put(p);
	EXPECT(CALL(NR_wait4, -1, NULL, WNOHANG, NULL) == 0);
	EXPECT(CALL(NR_wait4, pid + 1, NULL, WNOHANG, NULL) == -ECHILD);
	EXPECT(CALL(NR_wait4, -1, NULL, 0x12345, NULL) == -EINVAL);
	may_go = true;
	EXPECT(CALL(NR_wait4, 0, NULL, 0, NULL) == pid); /* my group's */
	return true;
}

PROCESS_TEST(proc_waitid_may_leave_the_zombie)
{
	int pid = spawn(W_EXITCODE(3, 0));
	siginfo_t info;

	EXPECT(CALL(NR_waitid, P_PID, pid, TEST_BASE, WEXITED | WNOWAIT) == 0);
	EXPECT(copyin(&info, (void *)TEST_BASE, sizeof(info)) == 0);
	EXPECT(info.si_signo == SIGCHLD && info.si_code == CLD_EXITED &&
	       info.si_status == 3 && info.si_pid == pid);
	EXPECT(CALL(NR_waitid, P_ALL, 0, NULL, WEXITED) == 0);
	EXPECT(CALL(NR_waitid, P_ALL, 0, NULL, WEXITED) == -ECHILD);
	return true;
}

static _Atomic int grandchild;

static void
leave_a_child(void *arg)
{
	struct thread *t;
	struct proc *p;

	(void)arg;
	heap_begin(PROC_HEAP_PAGES);
	p = proc_create(current_proc(), wait_for_go, NULL, &t);
	grandchild = p->pid;
	proc_put(p);
	thread_start(t);
	test_process_end(true);
}

SELFTEST(proc_orphans_go_to_init)
{
	struct proc *p;
	int ppid;

	may_go = false;
	CHECK(test_run_process(leave_a_child, NULL) == 0);
	p = proc_find(grandchild);
	CHECK(p);
	ppid = p->ppid;
	may_go = true;
	proc_put(p);
	CHECK(ppid == init_proc->pid);
	/* And init waits for it. */
	while ((p = proc_find(grandchild))) {
		proc_put(p);
		thread_yield();
	}
}

/* ---- Identity ---- */

PROCESS_TEST(proc_user_ids_follow_the_rules)
{
	EXPECT(CALL(NR_getuid, 0, 0, 0, 0) == 0);
	EXPECT(CALL(NR_setresuid, 10, 20, 30, 0) == 0);
	EXPECT(CALL(NR_getuid, 0, 0, 0, 0) == 10);
	EXPECT(CALL(NR_geteuid, 0, 0, 0, 0) == 20);
	EXPECT(CALL(NR_setuid, 5, 0, 0, 0) == -EPERM);
	EXPECT(CALL(NR_setuid, 30, 0, 0, 0) == 0);
	EXPECT(CALL(NR_geteuid, 0, 0, 0, 0) == 30);
	EXPECT(CALL(NR_getuid, 0, 0, 0, 0) == 10);
	EXPECT(CALL(NR_setreuid, 20, -1, 0, 0) == -EPERM);
	EXPECT(CALL(NR_setreuid, -1, 10, 0, 0) == 0);
	EXPECT(CALL(NR_setresuid, 30, -1, -1, 0) == 0);
	EXPECT(CALL(NR_setresuid, 0, 0, 0, 0) == -EPERM);
	EXPECT(CALL(NR_setgroups, 0, NULL, 0, 0) == -EPERM);
	return true;
}

PROCESS_TEST(proc_root_gives_all_its_user_ids_up)
{
	EXPECT(CALL(NR_setgroups, 0, NULL, 0, 0) == 0);
	EXPECT(CALL(NR_setgid, 7, 0, 0, 0) == 0);
	EXPECT(CALL(NR_getegid, 0, 0, 0, 0) == 7);
	EXPECT(CALL(NR_setuid, 7, 0, 0, 0) == 0);
	EXPECT(CALL(NR_setuid, 0, 0, 0, 0) == -EPERM);
	EXPECT(CALL(NR_setgid, 0, 0, 0, 0) == -EPERM);
	EXPECT(current_cred()->suid == 7 && current_cred()->fsuid == 7);
	return true;
}

/* ---- Limits ---- */

PROCESS_TEST(proc_limits_are_set_and_kept)
{
	struct rlimit limit = { 100, 200 };

	EXPECT(copyout((void *)TEST_BASE, &limit, sizeof(limit)) == 0);
	EXPECT(CALL(NR_setrlimit, RLIMIT_CPU, TEST_BASE, 0, 0) == 0);
	EXPECT(CALL(NR_prlimit64, 0, RLIMIT_CPU, NULL, TEST_BASE) == 0);
	EXPECT(copyin(&limit, (void *)TEST_BASE, sizeof(limit)) == 0);
	EXPECT(limit.rlim_cur == 100 && limit.rlim_max == 200);
	limit.rlim_cur = 300;
	EXPECT(copyout((void *)TEST_BASE, &limit, sizeof(limit)) == 0);
	EXPECT(CALL(NR_setrlimit, RLIMIT_CPU, TEST_BASE, 0, 0) == -EINVAL);
	EXPECT(CALL(NR_setrlimit, RLIM_NLIMITS, TEST_BASE, 0, 0) == -EINVAL);
	EXPECT(CALL(NR_setuid, 9, 0, 0, 0) == 0);
	limit = (struct rlimit){ 100, 1000 };
	EXPECT(copyout((void *)TEST_BASE, &limit, sizeof(limit)) == 0);
	EXPECT(CALL(NR_setrlimit, RLIMIT_CPU, TEST_BASE, 0, 0) == -EPERM);
	return true;
}

/* ---- /proc ---- */

static bool
contains(struct text *t, const char *word)
{
	return t->buf && memmem(t->buf, t->len, word, strlen(word));
}

PROCESS_TEST(proc_files_tell_of_the_process)
{
	struct text t = { 0 };
	char expected[32];
	bool ok;

	snformat(expected, sizeof(expected), "%d (", current_proc()->pid);
	for (unsigned i = 0; i < npid_entries; i++) {
		t.len = 0;
		if (!pid_entries[i].show)
			continue;
		EXPECT(pid_entries[i].show(&t, current_proc()) == 0);
		if (strcmp(pid_entries[i].name, "stat") == 0)
			EXPECT(memcmp(t.buf, expected, strlen(expected)) == 0);
	}
	t.len = 0;
	show_mounts(&t);
	ok = contains(&t, " / ");
	text_free(&t);
	return ok;
}

PROCESS_TEST(proc_texts_grow)
{
	struct text t = { 0 };

	for (unsigned i = 0; i < 5000; i++)
		text_printf(&t, "%04u", i);
	EXPECT(t.len == 20000);
	EXPECT(memcmp(t.buf, "00000001", 8) == 0);
	EXPECT(memcmp(t.buf + 19996, "4999", 4) == 0);
	text_free(&t);
	return true;
}
