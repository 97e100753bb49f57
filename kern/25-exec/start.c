/*
 * The first process: mounting what the system is to be found on, opening its
 * console, and running init as pid 1.
 */
#include "exec_internal.h"
#include "string.h"

/* Without init= these are tried, in this order: Linux's list but for /etc/init
 * (bootparam(7)). */
static const char *const init_paths[] = { "/sbin/init", "/bin/init",
					  "/bin/sh" };

static const char *const init_environment[] = {
	"HOME=/", "TERM=linux", "PATH=/sbin:/usr/sbin:/bin:/usr/bin", NULL
};

/* A kernel that ends with this chapter knows no "proc". */
static void
mount_if_possible(const char *type, const char *target)
{
	struct vnode *v;
	int error;

	if (path_walk(AT_FDCWD, target, WALK_DIRECTORY, &v))
		return;
	vnode_put(v);
	error = vfs_mount(type, type, target, 0, NULL);
	if (error && error != -ENODEV)
		kprintf("exec: %s cannot be mounted on %s (error %d)\n", type,
			target, error);
}

/* Descriptors 0, 1 and 2, where there is a console: one open file, as after
 * dup. Not close-on-exec: init inherits them, and all others from it. Without
 * one init runs all the same; it may want none. */
static void
open_console(void)
{
	struct file *f;
	int error = file_open(AT_FDCWD, "/dev/console", O_RDWR, 0, &f);

	if (error) {
		kprintf("exec: init has no console: /dev/console cannot be "
			"opened (error %d)\n",
			error);
		return;
	}
	for (int fd = 0; fd < 3; fd++)
		fd_install(file_get(f), fd, false);
	file_put(f);
}

static int
try_init(const char *path)
{
	const char *argv[] = { path, NULL };

	return exec_program(path, argv, init_environment);
}

static void __attribute__((noreturn)) no_init(const char *path, int error)
{
	if (path)
		kprintf("exec: init=%s cannot be run (error %d)\n", path,
			error);
	panic("there is no init to run: none of /sbin/init, /bin/init and "
	      "/bin/sh is on the root file system. Give the machine a disk "
	      "with one (make makes build/root.img), or say init=PATH or "
	      "root=DISK on the kernel's command line; selftest runs the "
	      "self-tests, which need no program");
}

/* The thread of pid 1: in the kernel, until it has become init. A program that
 * was named and cannot be run is not replaced by another: who named it wants to
 * know. */
static void
init_main(void *arg)
{
	char path[PATH_MAX / 16] = "";
	int error = 0;

	(void)arg;
	heap_begin(HEAP_BOUND(startup));
	open_console();
	if (command_line_get("init", path, sizeof(path)) && path[0]) {
		error = try_init(path);
		if (error)
			no_init(path, error);
	} else {
		error = -ENOENT;
		for (unsigned i = 0; error && i < ARRAY_SIZE(init_paths); i++)
			error = try_init(init_paths[i]);
		if (error)
			no_init(NULL, error);
	}
	heap_end();
	trap_enter_user(current()->md.user_frame);
}

/* boot_ops.start_user: the boot thread, when all chapters have begun. The root
 * is mounted before there is a process: its first context is made with that as
 * "/". */
static void
start_user(void)
{
	struct thread *t;
	struct proc *p;

	heap_begin(HEAP_BOUND(startup));
	vfs_mount_root();
	mount_if_possible("proc", "/proc");
	mount_if_possible("tmpfs", "/tmp");
	p = proc_create(NULL, init_main, NULL, &t);
	if (!p)
		panic("no memory for the first process");
	proc_put(p);
	thread_start(t);
	heap_end();
	/* The boot thread has done its work. */
	thread_exit();
}

static void
exec_init(void)
{
	layout_init();
	vdso_init();
	boot_ops.start_user = start_user;
}
CHAPTER_INIT(exec_init);
