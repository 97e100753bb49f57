/*
 * Self-tests of chapter procfs: what the files say, and what a program finds
 * that looks for them by name.
 */
#include "format.h"
#include "procfs_internal.h"
#include "string.h"
#include "test_proc.h"

/* ---- Texts ---- */

static bool
contains(struct text *t, const char *word)
{
	return t->buf && memmem(t->buf, t->len, word, strlen(word));
}

PROCESS_TEST(procfs_files_tell_of_the_process)
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

PROCESS_TEST(procfs_texts_grow)
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

/* ---- The tree, by name ---- */

#define DIR "/procfs-test"

static bool
mount_proc(void)
{
	EXPECT(copyout((void *)TEST_BASE, DIR, sizeof(DIR)) == 0);
	CALL(NR_mkdir, TEST_BASE, 0755, 0, 0);
	return vfs_mount("proc", "proc", DIR, 0, "") == 0;
}

/* The error of a walk to @path, each with the reservation of one call. */
static int
walk(const char *path)
{
	struct vnode *v;
	int error;

	heap_again();
	error = path_walk(AT_FDCWD, path, 0, &v);
	if (!error)
		vnode_put(v);
	return error;
}

static struct file *
open_file(const char *path, unsigned flags)
{
	struct file *f;

	heap_again();
	return file_open(AT_FDCWD, path, flags, 0600, &f) ? NULL : f;
}

/* Read @len bytes from @pos on. @return how many, or an error */
static int64_t
read_at(struct file *f, void *buf, size_t len, uint64_t pos)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, buf, len);

	return file_read(f, &u, &pos);
}

static void
exit_at_once(void *arg)
{
	(void)arg;
	proc_exit(0);
}

PROCESS_TEST(procfs_processes_come_and_go)
{
	struct thread *t;
	struct proc *p;
	char path[32];

	EXPECT(mount_proc());
	EXPECT(walk(DIR "/self/stat") == 0);
	EXPECT(walk(DIR "/self/nothing") == -ENOENT);
	EXPECT(walk(DIR "/0") == -ENOENT);
	EXPECT(walk(DIR "/9999999") == -ENOENT);
	p = proc_create(current_proc(), exit_at_once, NULL, &t);
	snformat(path, sizeof(path), DIR "/%d/stat", p->pid);
	proc_put(p);
	EXPECT(walk(path) == 0);
	thread_start(t);
	EXPECT(CALL(NR_wait4, -1, NULL, 0, NULL) > 0);
	EXPECT(walk(path) == -ENOENT);
	EXPECT(vfs_unmount(DIR, 0) == 0);
	return true;
}

PROCESS_TEST(procfs_text_is_that_of_its_first_read)
{
	char text[16] = "";
	struct file *f;

	EXPECT(mount_proc());
	f = open_file(DIR "/self/comm", O_RDONLY);
	EXPECT(f && read_at(f, text, 2, 0) == 2);
	thread_set_name(current(), "another");
	EXPECT(read_at(f, text + 2, 13, 2) == 4);
	EXPECT(strcmp(text, "child\n") == 0);
	EXPECT(read_at(f, text, 15, 0) == 8);
	EXPECT(memcmp(text, "another\n", 8) == 0);
	file_put(f);
	EXPECT(!open_file(DIR "/self/stat", O_WRONLY));
	EXPECT(vfs_unmount(DIR, 0) == 0);
	return true;
}

PROCESS_TEST(procfs_links_lead_to_open_files)
{
	struct vnode *v;
	char path[32];
	struct file *f;
	int fd;

	EXPECT(mount_proc());
	f = open_file("/procfs-file", O_RDWR | O_CREAT);
	EXPECT(f);
	fd = fd_install(f, 0, false);
	snformat(path, sizeof(path), DIR "/self/fd/%d", fd);
	EXPECT(path_walk(AT_FDCWD, path, 0, &v) == 0);
	EXPECT(v == f->vnode);
	vnode_put(v);
	EXPECT(fd_close(fd) == 0);
	EXPECT(walk(path) == -ENOENT);
	EXPECT(vfs_unmount(DIR, 0) == 0);
	return true;
}

PROCESS_TEST(procfs_secrets_are_the_users_own)
{
	char path[32], byte;
	struct file *f;

	EXPECT(mount_proc());
	snformat(path, sizeof(path), DIR "/%d/environ", init_proc->pid);
	f = open_file(path, O_RDONLY);
	EXPECT(f && read_at(f, &byte, 1, 0) == 0); /* it has none */
	/* Not even by a file that root has opened (PROCFS3). */
	current()->fs->cred.fsuid = 5;
	EXPECT(read_at(f, &byte, 1, 0) == -EACCES);
	EXPECT(!open_file(path, O_RDONLY));
	snformat(path, sizeof(path), DIR "/%d/maps", init_proc->pid);
	EXPECT(!open_file(path, O_RDONLY));
	EXPECT(walk(DIR "/self/fd") == 0);
	snformat(path, sizeof(path), DIR "/%d/fd/0", init_proc->pid);
	EXPECT(walk(path) == -EACCES);
	current()->fs->cred.fsuid = 0;
	file_put(f);
	EXPECT(vfs_unmount(DIR, 0) == 0);
	return true;
}
