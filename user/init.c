/*
 * init, process 1: mounts /dev and what is in it, /proc and /tmp, then runs a
 * shell on the console for ever, or, if the file /.hardtack/run exists (the
 * host's scripts/run writes it), that one command on the second serial line;
 * its exit status goes to the kernel log, and the machine is powered off.
 * A command reads /.hardtack/stdin, if that exists: a serial line has no end.
 * Both ways it reaps the orphans. It also runs as process 1 of a Linux
 * container, which is how it is tested.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define RUN_FILE   "/.hardtack/run"
#define ENV_FILE   "/.hardtack/env"
#define STDIN_FILE "/.hardtack/stdin"
#define CONSOLE	   "/dev/console"
#define CHANNEL	   "/dev/ttyS1" /* the command's standard streams */
#define KLOG	   "/dev/kmsg"
#define SHELL	   "/bin/sh"
#define BASH	   "/bin/bash" /* rather, if it is there */

/* What shells answer when they cannot run a command. */
#define NOT_FOUND      127
#define NOT_EXECUTABLE 126

/** Whether a folder is where a file system is mounted: not its parent's. */
static bool
is_mounted(const char *path)
{
	char parent[64];
	struct stat here, above;

	snprintf(parent, sizeof(parent), "%s/..", path);
	return stat(path, &here) == 0 && stat(parent, &above) == 0 &&
	       here.st_dev != above.st_dev;
}

/** Mounts unless that is done; a kernel that has no mount call has done it. */
static void
mount_one(const char *type, const char *path, const char *options)
{
	if (is_mounted(path))
		return;
	mkdir(path, 0755);
	if (mount(type, path, type, 0, options) < 0 && errno != EBUSY &&
	    errno != ENOSYS && errno != ENODEV)
		fprintf(stderr, "init: cannot mount %s on %s: %s\n", type, path,
			strerror(errno));
}

/** Opens the console as descriptors 0, 1 and 2. */
static void
open_console(void)
{
	int fd = open(CONSOLE, O_RDWR | O_NOCTTY);

	if (fd < 0)
		return; /* those that the kernel gave must do */
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

static void
set_environment(void)
{
	setenv("PATH", "/sbin:/bin:/usr/sbin:/usr/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", "linux", 1);
}

/**
 * Reads a whole file, with a 0 byte after it.
 * @return its bytes, and in size their number; NULL with errno set
 */
static char *
read_file(const char *path, size_t *size)
{
	char *buf = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0)
		buf = malloc((size_t)st.st_size + 1);
	if (buf != NULL)
		n = read(fd, buf, (size_t)st.st_size);
	close(fd);
	if (n < 0) {
		free(buf);
		return NULL;
	}
	buf[n] = '\0';
	*size = (size_t)n;
	return buf;
}

/** A vector of the strings in a buffer, each ended by a 0 byte, and NULL. */
static char **
split(char *buf, size_t size)
{
	size_t count = 0, used = 0;
	char **vector;

	for (char *s = buf; s < buf + size; s += strlen(s) + 1)
		count++;
	vector = calloc(count + 1, sizeof(*vector));
	if (vector == NULL)
		return NULL;
	for (char *s = buf; s < buf + size; s += strlen(s) + 1)
		vector[used++] = s;
	return vector;
}

/** Adds the K=V strings of ENV_FILE, if there is one. */
static void
add_environment(void)
{
	size_t size;
	char *buf = read_file(ENV_FILE, &size);
	char **entries = buf == NULL ? NULL : split(buf, size);

	for (char **e = entries; e != NULL && *e != NULL; e++) {
		char *equals = strchr(*e, '=');

		if (equals == NULL)
			continue;
		*equals = '\0';
		setenv(*e, equals + 1, 1);
	}
}

/** Waits for one child, reaping any others. @return its wait status */
static int
wait_for(pid_t child)
{
	int status;

	for (;;) {
		pid_t pid = wait(&status);

		if (pid < 0 && errno == ECHILD)
			return W_EXITCODE(NOT_FOUND, 0);
		if (pid > 0 && pid == child)
			return status;
	}
}

/** A wait status as a shell's $? has it. */
static int
shell_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

/**
 * Opens the command's line for bytes to pass unchanged both ways. Without one
 * (a machine with a single serial port) the console must do.
 */
static int
open_channel(void)
{
	struct termios t;
	int fd = open(CHANNEL, O_RDWR | O_NOCTTY);

	if (fd < 0) {
		fprintf(stderr, "init: no %s (%s), using the console\n",
			CHANNEL, strerror(errno));
		return STDOUT_FILENO;
	}
	if (tcgetattr(fd, &t) == 0) {
		cfmakeraw(&t);
		tcsetattr(fd, TCSANOW, &t);
	}
	return fd;
}

/** The child's side of run_command. */
__attribute__((noreturn)) static void
exec_command(char **argv, int channel)
{
	int error;

	int input = open(STDIN_FILE, O_RDONLY);

	setsid();
	dup2(input < 0 ? channel : input, STDIN_FILENO);
	dup2(channel, STDOUT_FILENO);
	dup2(channel, STDERR_FILENO);
	if (input > STDERR_FILENO)
		close(input);
	if (channel > STDERR_FILENO)
		close(channel);
	if (argv == NULL || argv[0] == NULL) {
		fprintf(stderr, "init: %s holds no command\n", RUN_FILE);
		_exit(NOT_FOUND);
	}
	execvp(argv[0], argv);
	error = errno;
	fprintf(stderr, "init: %s: %s\n", argv[0], strerror(error));
	_exit(error == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

/** Says the command's status, as one write so that nothing comes between. */
static void
report_status(int status)
{
	char line[64];
	int n = snprintf(line, sizeof(line),
			 "init: command exited with status %d\n", status);
	int fd = open(KLOG, O_WRONLY);

	write(fd < 0 ? STDOUT_FILENO : fd, line, (size_t)n);
}

/** Ends what still runs, so that the disk is at rest, and powers off. */
__attribute__((noreturn)) static void
power_off(void)
{
	kill(-1, SIGKILL);
	sync();
	reboot(LINUX_REBOOT_CMD_POWER_OFF);
	fprintf(stderr, "init: cannot power off: %s\n", strerror(errno));
	for (;;)
		pause();
}

/** Runs the command of RUN_FILE, and powers off. */
__attribute__((noreturn)) static void
run_command(char *buf, size_t size)
{
	char **argv = split(buf, size);
	int channel = open_channel();
	pid_t child;
	int status = W_EXITCODE(NOT_EXECUTABLE, 0);

	add_environment();
	child = fork();
	if (child == 0)
		exec_command(argv, channel);
	if (child < 0)
		fprintf(stderr, "init: fork: %s\n", strerror(errno));
	else
		status = wait_for(child);
	ioctl(channel, TCSBRK, 1L); /* until its last byte has left */
	report_status(shell_status(status));
	power_off();
}

/** The shell, in a session of its own whose terminal is the console. */
__attribute__((noreturn)) static void
exec_shell(void)
{
	setsid();
	open_console();
	ioctl(STDIN_FILENO, TIOCSCTTY, 0L);
	chdir(getenv("HOME"));
	execl(BASH, "-bash", NULL);
	execl(SHELL, "-sh", NULL);
	fprintf(stderr, "init: %s: %s\n", SHELL, strerror(errno));
	_exit(NOT_FOUND);
}

/** Nothing to run: says what to do, and goes on reaping. */
__attribute__((noreturn)) static void
no_shell(void)
{
	fprintf(stderr,
		"init: there is no %s on this disk.\n"
		"Make a root image that has one, and start again with it:\n"
		"  scripts/mkroot && make qemu\n",
		SHELL);
	for (;;) {
		if (wait(NULL) < 0)
			pause();
	}
}

int
main(void)
{
	size_t size;
	char *command;

	if (getpid() != 1) {
		fprintf(stderr, "init: I am for process 1 alone\n");
		return 2;
	}
	mount_one("devfs", "/dev", NULL);
	open_console();
	mount_one("devpts", "/dev/pts", "gid=5,mode=620,ptmxmode=666");
	mount_one("tmpfs", "/dev/shm", "mode=1777");
	mount_one("proc", "/proc", NULL);
	mount_one("tmpfs", "/tmp", NULL);
	set_environment();
	command = read_file(RUN_FILE, &size);
	if (command != NULL)
		run_command(command, size);
	for (;;) {
		time_t start = time(NULL);
		pid_t child;

		if (access(SHELL, F_OK) < 0)
			no_shell();
		child = fork();
		if (child == 0)
			exec_shell();
		wait_for(child);
		if (time(NULL) - start < 1) /* one that fails at once */
			sleep(1);
	}
}
