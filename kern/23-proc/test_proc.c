/*
 * Self-tests of chapter proc: the life of processes, identities, limits. They
 * run kernel code as processes; for code in user mode see test_user.c.
 */
#include "abi/signal.h"
#include "proc_internal.h"
#include "string.h"
#include "test_proc.h"

/* ---- Pids ---- */

#define PIDS_A_TIME	1024u
#define PIDS_HEAP_PAGES 512 /* a part of the table, two kilobytes, for each */

SELFTEST(proc_pids_are_unique_and_come_back)
{
	int first, second, found;

	heap_begin(PIDS_HEAP_PAGES);
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
		if (i % PIDS_A_TIME == 0) {
			/* Parts of the table come free by RCU. */
			spin_unlock(&proc_lock);
			rcu_synchronize();
			heap_checkpoint(PIDS_HEAP_PAGES);
			spin_lock(&proc_lock);
		}
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
	heap_begin(HEAP_BOUND(selftest));
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

/* ---- Programs ---- */

static int
open_program(unsigned flags)
{
	struct file *f;
	int error = file_open(AT_FDCWD, "/proc-program", flags, 0755, &f);

	if (!error)
		file_put(f);
	return error;
}

PROCESS_TEST(proc_program_is_inherited_and_not_written)
{
	struct thread *t;
	struct vnode *v;
	struct proc *p;

	EXPECT(open_program(O_RDWR | O_CREAT) == 0);
	EXPECT(path_walk(AT_FDCWD, "/proc-program", 0, &v) == 0);
	EXPECT(vnode_deny_write(v) == 0);
	proc_set_program(current_proc(), program_new(v));
	EXPECT(strcmp(current_proc()->program->path, "/proc-program") == 0);
	/* The child goes on with it. */
	may_go = false;
	p = proc_create(current_proc(), wait_for_go, NULL, &t);
	thread_start(t);
	proc_put(p);
	proc_set_program(current_proc(), NULL);
	EXPECT(open_program(O_WRONLY) == -ETXTBSY);
	EXPECT(open_program(O_RDONLY) == 0);
	may_go = true;
	EXPECT(CALL(NR_wait4, -1, NULL, 0, NULL) > 0);
	EXPECT(open_program(O_WRONLY) == 0);
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
	current()->fs->cred.euid = 9;
	limit = (struct rlimit){ 100, 1000 };
	EXPECT(copyout((void *)TEST_BASE, &limit, sizeof(limit)) == 0);
	EXPECT(CALL(NR_setrlimit, RLIMIT_CPU, TEST_BASE, 0, 0) == -EPERM);
	return true;
}
