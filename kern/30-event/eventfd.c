/*
 * Event counters: a 64-bit number that writes add to and reads take. Interface:
 * eventfd(2).
 */
#include "abi/syscall.h"
#include "event.h"

#define EFD_SEMAPHORE 1
#define COUNT_MAX     (UINT64_MAX - 1)

struct eventfd {
	struct mutex lock;
	uint64_t count; /* guarded by lock */
	bool semaphore; /* a read takes one */
	struct waitq read_wq, write_wq;
};

/* Wait until reading (or writing @p add) is possible; locked. */
static int
wait_ready(struct eventfd *e, const struct file *f, bool write, uint64_t add)
{
	struct waitq *wq = write ? &e->write_wq : &e->read_wq;

	while (write ? COUNT_MAX - e->count < add : e->count == 0) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_wait_mutex(wq, &e->lock, WAIT_INTERRUPTIBLE,
				     WAIT_FOREVER))
			return -ERESTARTSYS;
	}
	return 0;
}

static int64_t
eventfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct eventfd *e = f->private_data;
	uint64_t value = 0;
	int error;

	(void)pos;
	if (u->left < sizeof(value))
		return -EINVAL;
	mutex_lock(&e->lock);
	error = wait_ready(e, f, false, 0);
	if (!error) {
		value = e->semaphore ? 1 : e->count;
		e->count -= value;
	}
	mutex_unlock(&e->lock);
	if (error)
		return error;
	waitq_wake_all(&e->write_wq);
	if (uio_copy_to(u, &value, sizeof(value)) < sizeof(value))
		return -EFAULT;
	return sizeof(value);
}

static int64_t
eventfd_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct eventfd *e = f->private_data;
	uint64_t value;
	int error;

	(void)pos;
	if (u->left < sizeof(value))
		return -EINVAL;
	if (uio_copy_from(u, &value, sizeof(value)) < sizeof(value))
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	mutex_lock(&e->lock);
	error = wait_ready(e, f, true, value);
	if (!error)
		e->count += value;
	mutex_unlock(&e->lock);
	if (error)
		return error;
	if (e->semaphore) /* else one reader takes it all */
		waitq_wake_all(&e->read_wq);
	else if (value)
		waitq_wake_one(&e->read_wq);
	return sizeof(value);
}

static unsigned
eventfd_poll(struct file *f, struct poll_table *table)
{
	struct eventfd *e = f->private_data;
	unsigned events = 0;

	poll_add_for(table, &e->read_wq, POLLIN);
	poll_add_for(table, &e->write_wq, POLLOUT);
	mutex_lock(&e->lock);
	if (e->count > 0)
		events |= POLLIN;
	if (e->count < COUNT_MAX)
		events |= POLLOUT;
	mutex_unlock(&e->lock);
	return events;
}

static void
eventfd_release(struct file *f)
{
	kfree(f->private_data);
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.name = "[eventfd]",
};

static int64_t
sys_eventfd2(uint32_t count, int flags)
{
	struct eventfd *e;
	struct file *f;

	if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	e = knew(struct eventfd);
	mutex_init(&e->lock, "eventfd");
	waitq_init(&e->read_wq, "eventfd readers");
	waitq_init(&e->write_wq, "eventfd writers");
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	f = file_new(&eventfd_ops, O_RDWR | (flags & O_NONBLOCK), e);
	return fd_install(f, 0, flags & O_CLOEXEC);
}
SYSCALL(NR_eventfd2, sys_eventfd2);

static int64_t
sys_eventfd(uint32_t count)
{
	return sys_eventfd2(count, 0);
}
SYSCALL(NR_eventfd, sys_eventfd);
