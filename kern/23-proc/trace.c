/*
 * trace=calls on the kernel's command line: every system call is told on the
 * log when it has ended, much as strace does; trace=NAME: those of programs of
 * this name alone. Of a call that takes a path, the path is shown; the other
 * arguments are numbers, and so is a result that is an error. What never
 * returns (exit) is told before it is done.
 */
#include "format.h"
#include "proc_internal.h"
#include "string.h"

static char only[16]; /* the program's name; "": all */

/* Which argument is a path. */
static const uint8_t path_argument[] = {
	[NR_open] = 1,	     [NR_stat] = 1,	 [NR_lstat] = 1,
	[NR_access] = 1,     [NR_execve] = 1,	 [NR_truncate] = 1,
	[NR_chdir] = 1,	     [NR_rename] = 1,	 [NR_mkdir] = 1,
	[NR_rmdir] = 1,	     [NR_creat] = 1,	 [NR_link] = 1,
	[NR_unlink] = 1,     [NR_symlink] = 1,	 [NR_readlink] = 1,
	[NR_chmod] = 1,	     [NR_chown] = 1,	 [NR_lchown] = 1,
	[NR_mknod] = 1,	     [NR_statfs] = 1,	 [NR_utimes] = 1,
	[NR_openat] = 2,     [NR_mkdirat] = 2,	 [NR_newfstatat] = 2,
	[NR_unlinkat] = 2,   [NR_renameat] = 2,	 [NR_symlinkat] = 2,
	[NR_readlinkat] = 2, [NR_fchmodat] = 2,	 [NR_faccessat] = 2,
	[NR_utimensat] = 2,  [NR_renameat2] = 2, [NR_statx] = 2,
	[NR_faccessat2] = 2, [NR_execveat] = 2,
};

static void
trace(const struct syscall_entry *call, const struct trapframe *tf,
      int64_t result)
{
	const uint64_t args[6] = { tf->rdi, tf->rsi, tf->rdx,
				   tf->r10, tf->r8,  tf->r9 };
	const struct thread *t = current();
	unsigned path = call->number < sizeof(path_argument)
				? path_argument[call->number]
				: 0;
	char text[6][64];

	if (only[0] && strcmp(only, t->proc->name) != 0)
		return;
	for (unsigned i = 0; i < 6; i++) {
		char *s = text[i];

		if (i + 1 == path && copyin_string(s + 1, (const char *)args[i],
						   sizeof(text[i]) - 2) >= 0) {
			s[0] = '"';
			strcpy(s + strlen(s), "\"");
		} else {
			snformat(s, sizeof(text[i]), "%#lx", args[i]);
		}
	}
	kprintf("[%d %s] %s(%s, %s, %s, %s, %s, %s) = %ld\n", t->tid,
		t->proc->name, call->name + strlen("NR_"), text[0], text[1],
		text[2], text[3], text[4], text[5], result);
}

void
trace_init(void)
{
	char word[16] = "";

	command_line_get("trace", word, sizeof(word));
	if (!word[0] || strcmp(word, "syscall") == 0)
		return;
	if (strcmp(word, "calls") != 0)
		strlcpy(only, word, sizeof(only));
	trap_ops.trace = trace;
}
