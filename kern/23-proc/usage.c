/*
 * What processes and threads have used: getrusage, times, and what a parent is
 * told of a child. A thread's own counters are in struct usage; a process's are
 * the sum over its threads and those that have ended.
 */
#include "abi/syscall.h"
#include "proc_internal.h"

#define NS_PER_TICK (NS_PER_SEC / USER_HZ)

/* ---- Adding up; proc_lock held ---- */

void
usage_add_thread(struct usage *u, const struct thread *t)
{
	const struct usage *its = &t->usage;

	u->cpu_ns += thread_cpu_ns(t);
	u->user_ns += its->user_ns;
	u->kernel_ns += its->kernel_ns;
	u->voluntary += its->voluntary;
	u->involuntary += its->involuntary;
	u->minor_faults += its->minor_faults;
	u->major_faults += its->major_faults;
	u->sectors_read += its->sectors_read;
	u->sectors_dirtied += its->sectors_dirtied;
}

static struct usage
usage_of(struct proc *p)
{
	struct usage u = p->dead;
	struct thread *t;

	list_for_each (t, &p->threads, proc_link)
		usage_add_thread(&u, t);
	return u;
}

struct usage
proc_usage(struct proc *p)
{
	struct usage u;

	spin_lock(&proc_lock);
	u = usage_of(p);
	spin_unlock(&proc_lock);
	return u;
}

/* ---- Where CPU time was spent ---- */

/* @a * @part / @whole, of 128 bits in between. @part is no more than @whole. */
static uint64_t
share(uint64_t a, uint64_t part, uint64_t whole)
{
	uint64_t high;

	if (!whole)
		return 0;
	asm("mulq %[part]\n\tdivq %[whole]"
	    : "+&a"(a), "=&d"(high)
	    : [part] "r"(part), [whole] "r"(whole)
	    : "cc");
	return a;
}

/*
 * To read the clock whenever the kernel is entered or left would cost more than
 * a short call itself. So ticks look where the CPU is, and the time that has
 * been measured is split as they found it. What has been told once is not taken
 * back: neither part may fall (Linux does the same, cputime_adjust in
 * kernel/sched/cputime.c).
 */
static void
tell(struct cputime *told, const struct usage *u)
{
	uint64_t kernel =
		share(u->cpu_ns, u->kernel_ns, u->user_ns + u->kernel_ns);

	if (u->cpu_ns <= told->user_ns + told->kernel_ns)
		return;
	kernel = MAX(kernel, told->kernel_ns);
	told->kernel_ns = MIN(kernel, u->cpu_ns - told->user_ns);
	told->user_ns = u->cpu_ns - told->kernel_ns;
}

struct cputime
proc_cputime_locked(struct proc *p)
{
	struct usage u = usage_of(p);

	tell(&p->told, &u);
	return p->told;
}

/* ---- As getrusage tells it ---- */

static void
rusage_of(struct rusage *ru, const struct usage *u, struct cputime *told,
	  uint64_t peak_resident)
{
	tell(told, u);
	*ru = (struct rusage){ .ru_utime = timeval_of(told->user_ns),
			       .ru_stime = timeval_of(told->kernel_ns),
			       .ru_maxrss = peak_resident * (PAGE_SIZE / 1024),
			       .ru_minflt = u->minor_faults,
			       .ru_majflt = u->major_faults,
			       .ru_inblock = u->sectors_read,
			       .ru_oublock = u->sectors_dirtied,
			       .ru_nvcsw = u->voluntary,
			       .ru_nivcsw = u->involuntary };
}

void
proc_rusage_locked(struct proc *p, struct rusage *ru)
{
	struct usage u = usage_of(p);

	rusage_of(ru, &u, &p->told, p->peak_resident);
}

void
proc_rusage(struct proc *p, struct rusage *ru)
{
	struct vmspace *vm = proc_vmspace(p);
	uint64_t peak = vm ? vm_peak_resident(vm) : 0;

	vmspace_put(vm);
	spin_lock(&proc_lock);
	proc_rusage_locked(p, ru);
	spin_unlock(&proc_lock);
	ru->ru_maxrss = MAX((uint64_t)ru->ru_maxrss, peak * (PAGE_SIZE / 1024));
}

static void
timeval_add(struct timeval *a, struct timeval b)
{
	a->tv_sec += b.tv_sec;
	a->tv_usec += b.tv_usec;
	if (a->tv_usec >= 1000000) {
		a->tv_sec++;
		a->tv_usec -= 1000000;
	}
}

void
rusage_add(struct rusage *a, const struct rusage *b)
{
	timeval_add(&a->ru_utime, b->ru_utime);
	timeval_add(&a->ru_stime, b->ru_stime);
	a->ru_maxrss = MAX(a->ru_maxrss, b->ru_maxrss);
	a->ru_minflt += b->ru_minflt;
	a->ru_majflt += b->ru_majflt;
	a->ru_inblock += b->ru_inblock;
	a->ru_oublock += b->ru_oublock;
	a->ru_nvcsw += b->ru_nvcsw;
	a->ru_nivcsw += b->ru_nivcsw;
}

/* ---- Calls ---- */

static void
children_rusage(struct proc *p, struct rusage *ru)
{
	spin_lock(&proc_lock);
	*ru = p->child_usage;
	spin_unlock(&proc_lock);
}

void
thread_rusage(struct thread *t, struct rusage *ru)
{
	struct usage u = { 0 };

	usage_add_thread(&u, t);
	rusage_of(ru, &u, &t->told, 0);
}

static void
own_rusage(struct rusage *ru)
{
	spin_lock(&proc_lock);
	thread_rusage(current(), ru);
	spin_unlock(&proc_lock);
	ru->ru_maxrss =
		vm_peak_resident(current()->vmspace) * (PAGE_SIZE / 1024);
}

static int64_t
sys_getrusage(int who, struct rusage *user)
{
	struct proc *p = current_proc();
	struct rusage ru;

	if (who == RUSAGE_SELF)
		proc_rusage(p, &ru);
	else if (who == RUSAGE_CHILDREN)
		children_rusage(p, &ru);
	else if (who == RUSAGE_THREAD)
		own_rusage(&ru);
	else
		return -EINVAL;
	return copyout(user, &ru, sizeof(ru));
}
SYSCALL(NR_getrusage, sys_getrusage);

static int64_t
ticks_of(struct timeval tv)
{
	return tv.tv_sec * USER_HZ + tv.tv_usec / (1000000 / USER_HZ);
}

static int64_t
sys_times(struct tms *user)
{
	struct proc *p = current_proc();
	struct rusage self, children;
	struct tms tms;

	proc_rusage(p, &self);
	children_rusage(p, &children);
	tms.tms_utime = ticks_of(self.ru_utime);
	tms.tms_stime = ticks_of(self.ru_stime);
	tms.tms_cutime = ticks_of(children.ru_utime);
	tms.tms_cstime = ticks_of(children.ru_stime);
	if (user && copyout(user, &tms, sizeof(tms)))
		return -EFAULT;
	return clock_ns() / NS_PER_TICK;
}
SYSCALL(NR_times, sys_times);
