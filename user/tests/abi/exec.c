/*
 * execve, and the state in which a program starts: execve(2), the System V ABI.
 */
#include <limits.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include "check.h"

/** What this program does as the one that was started: -x ROLE ... */
int
check_exec_role(int argc, char **argv)
{
	const char *role = argc > 2 ? argv[2] : "";

	if (strcmp(role, "args") == 0) {
		for (int i = 3; i < argc; i++)
			dprintf(1, "<%s>", argv[i]);
		for (char **e = environ; *e != NULL; e++)
			dprintf(1, "{%s}", *e);
		return argc;
	}
	if (strcmp(role, "pause") == 0)
		pause();
	if (strcmp(role, "fd") == 0)
		return fcntl(atoi(argv[3]), F_GETFD) < 0 ? 1 : 0;
	if (strcmp(role, "signal") == 0) {
		struct sigaction act;

		sigaction(atoi(argv[3]), NULL, &act);
		return act.sa_handler == SIG_IGN   ? 1
		       : act.sa_handler == SIG_DFL ? 2
						   : 3;
	}
	if (strcmp(role, "mask") == 0) {
		sigset_t set;

		sigprocmask(SIG_BLOCK, NULL, &set);
		return sigismember(&set, SIGUSR1);
	}
	if (strcmp(role, "ids") == 0)
		return getuid() == (uid_t)atoi(argv[3]) &&
				       geteuid() == (uid_t)atoi(argv[4])
			       ? 0
			       : 1;
	if (strcmp(role, "execfn") == 0)
		return strcmp((char *)getauxval(AT_EXECFN), argv[3]) != 0;
	return 99;
}

/** Runs this program in a role; what it writes to out, if not NULL. */
static int
start(char *const argv[], char *const envp[], char *out, size_t size)
{
	int p[2], status = -1;
	ssize_t n = 0, got;
	pid_t child;

	REQUIRE(pipe(p) == 0);
	child = fork();
	if (child == 0) {
		if (out != NULL)
			dup2(p[1], 1);
		execve(check_program, argv, envp);
		_exit(126);
	}
	close(p[1]);
	while (out != NULL &&
	       (got = read(p[0], out + n, size - 1 - (size_t)n)) > 0)
		n += got;
	if (out != NULL)
		out[n] = '\0';
	close(p[0]);
	waitpid(child, &status, 0);
	return status;
}

#define ROLE(...) ((char *[]){ "check", "-x", __VA_ARGS__, NULL })

TEST(exec_arguments_and_environment)
{
	char out[200];
	char *envp[] = { "A=1", "B=two words", NULL };
	int status =
		start(ROLE("args", "a", "", "b c"), envp, out, sizeof(out));

	CHECK_EQ(WEXITSTATUS(status), 6);
	CHECK(strcmp(out, "<a><><b c>{A=1}{B=two words}") == 0);
}

TEST(exec_many_arguments)
{
	static char *argv[2004] = { "check", "-x", "args" };
	static char out[40000];
	int status;

	for (int i = 3; i < 2003; i++)
		argv[i] = "1234567890";
	status = start(argv, (char *[]){ NULL }, out, sizeof(out));
	CHECK_EQ(WEXITSTATUS(status), 2003 & 0xff);
	CHECK_EQ(strlen(out), 2000 * 12);
}

TEST(exec_descriptors)
{
	char keep[8], shut[8];
	int fd = open("/", O_RDONLY);

	snprintf(keep, sizeof(keep), "%d", fd);
	snprintf(shut, sizeof(shut), "%d", open("/", O_RDONLY | O_CLOEXEC));
	CHECK_EQ(start(ROLE("fd", keep), environ, NULL, 0), 0);
	CHECK_EQ(start(ROLE("fd", shut), environ, NULL, 0), 0x100);
	CHECK_EQ(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQ(start(ROLE("fd", keep), environ, NULL, 0), 0x100);
}

static void
handler(int sig)
{
	(void)sig;
}

TEST(exec_signals)
{
	sigset_t set = KSIGMASK(SIGUSR1);

	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, handler);
	CHECK_EQ(WEXITSTATUS(start(ROLE("signal", "10"), environ, NULL, 0)), 1);
	CHECK_EQ(WEXITSTATUS(start(ROLE("signal", "12"), environ, NULL, 0)), 2);
	CHECK_EQ(WEXITSTATUS(start(ROLE("signal", "1"), environ, NULL, 0)), 2);
	CHECK_EQ(WEXITSTATUS(start(ROLE("mask"), environ, NULL, 0)), 0);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_EQ(WEXITSTATUS(start(ROLE("mask"), environ, NULL, 0)), 1);
}

TEST(exec_keeps_identity)
{
	pid_t pid;
	int p[2];

	REQUIRE(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		char *argv[] = { "sh", NULL };

		/* the pid is the forked child's, the cwd is ours */
		execve("/none", argv,
		       environ); /* a failed exec changes nothing */
		write(p[1], "x", 1);
		_exit(0);
	}
	char c = 0;
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(c, 'x');
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/** Copies this program. */
static void
copy_program(const char *to)
{
	static char buf[65536];
	int in = open(check_program, O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	REQUIRE(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		REQUIRE(write(out, buf, (size_t)n) == n);
	close(in);
	close(out);
}

/** The exit status of a program started by path; 128 + errno if it was not. */
static int
status_of(const char *path, char *const argv[])
{
	int status = IN_CHILD(execve(path, argv, environ); _exit(128 + errno));

	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

TEST(exec_setuid)
{
	copy_program("prog");
	CHECK_EQ(chown("prog", 12, 0), 0);
	CHECK_EQ(chmod("prog", 04755), 0);
	AS_USER(CHECK_EQ(status_of("prog", ROLE("ids", "1000", "12")), 0));
	CHECK_EQ(chmod("prog", 0755), 0);
	AS_USER(CHECK_EQ(status_of("prog", ROLE("ids", "1000", "1000")), 0));
}

TEST(exec_script)
{
	char path[PATH_MAX], text[PATH_MAX + 40];

	REQUIRE(getcwd(path, sizeof(path)) != NULL);
	copy_program("prog");
	snprintf(text, sizeof(text), "#!%s/prog -x\nrubbish", path);
	make_file("script", text);
	CHECK_EQ(chmod("script", 0755), 0);
	/* argv: prog, "-x", "script", ...: the role is "script", so 99 */
	CHECK_EQ(status_of("script", (char *[]){ "script", "a", NULL }), 99);
	make_file("bad", "#!/none/such\n");
	CHECK_EQ(chmod("bad", 0755), 0);
	CHECK_EQ(status_of("bad", (char *[]){ "bad", NULL }), 128 + ENOENT);
	make_file("empty", "#!\n");
	CHECK_EQ(chmod("empty", 0755), 0);
	CHECK_EQ(status_of("empty", (char *[]){ "empty", NULL }),
		 128 + ENOEXEC);
}

/** Runs a script whose first line ends with a blank, and n characters. */
static int
status_of_line(const char *interp, const char *arg, int n)
{
	char text[1000];

	snprintf(text, sizeof(text), "#!%s %-*s\n", interp, n, arg);
	unlink("script");
	make_file("script", text);
	CHECK_EQ(chmod("script", 0755), 0);
	return status_of("script", (char *[]){ "script", NULL });
}

/** The argument is cut, the path is not. */
TEST(exec_script_with_a_long_line)
{
	char path[300];

	copy_program("p");
	for (int n = 245; n < 255; n++)
		CHECK_EQ(status_of_line("p", "-x", n), 99);
	CHECK_EQ(status_of_line("p", "-x", 600), 99);
	memset(path, '/', sizeof(path));
	strcpy(path + sizeof(path) - 2, "p");
	CHECK_EQ(status_of_line(path + 46, "-x", 5), 128 + ENOENT);
	CHECK_EQ(status_of_line(path + 45, "-x", 5), 128 + ENOEXEC);
	CHECK_EQ(status_of_line(path, "-x", 5), 128 + ENOEXEC);
}

TEST(exec_scripts_of_scripts)
{
	char name[] = "s0", text[PATH_MAX + 40];
	char path[PATH_MAX];

	REQUIRE(getcwd(path, sizeof(path)) != NULL);
	copy_program("prog");
	snprintf(text, sizeof(text), "#!%s/prog -x\n", path);
	for (; name[1] < '6'; name[1]++) {
		make_file(name, text);
		CHECK_EQ(chmod(name, 0755), 0);
		CHECK_EQ(status_of(name, (char *[]){ name, NULL }),
			 name[1] < '5' ? 99 : 128 + ELOOP);
		snprintf(text, sizeof(text), "#!%s\n", name);
	}
}

static int
execveat_status(int dirfd, const char *path, char *const argv[], int flags)
{
	int status = IN_CHILD(
		syscall(NR_execveat, dirfd, path, argv, environ, flags);
		_exit(128 + errno));

	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

TEST(execveat_from_descriptors)
{
	char number[16], path[PATH_MAX + 20], text[PATH_MAX + 40];
	int fd, folder;

	copy_program("prog");
	REQUIRE(symlink("prog", "link") == 0);
	folder = open(".", O_RDONLY | O_DIRECTORY);
	fd = open("prog", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(execveat_status(folder, "prog", ROLE("none"), 0), 99);
	CHECK_EQ(execveat_status(AT_FDCWD, "prog", ROLE("none"), 0), 99);
	CHECK_EQ(execveat_status(fd, "", ROLE("none"), AT_EMPTY_PATH), 99);
	CHECK_EQ(execveat_status(folder, "link", ROLE("none"), 0), 99);
	/* the program is told a path that goes by way of the descriptor */
	snprintf(number, sizeof(number), "%d", folder);
	snprintf(path, sizeof(path), "/dev/fd/%d/prog", folder);
	CHECK_EQ(execveat_status(folder, "prog", ROLE("execfn", path), 0), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	CHECK_EQ(execveat_status(fd, "", ROLE("execfn", path), AT_EMPTY_PATH),
		 0);
	CHECK_EQ(execveat_status(-1, check_program,
				 ROLE("execfn", check_program), 0),
		 0);
	/* so is a script's interpreter, which has to find it open */
	REQUIRE(getcwd(path, sizeof(path)) != NULL);
	snprintf(text, sizeof(text), "#!%s/prog -x", path);
	make_file("script", text);
	CHECK_EQ(chmod("script", 0755), 0);
	fd = open("script", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(execveat_status(fd, "", ROLE("none"), AT_EMPTY_PATH),
		 128 + ENOENT);
	fd = open("script", O_RDONLY);
	CHECK_EQ(execveat_status(fd, "", ROLE("none"), AT_EMPTY_PATH), 99);
}

TEST(execveat_errors)
{
	int fd;

	make_file("f", "not a program");
	REQUIRE(symlink(check_program, "link") == 0);
	fd = open("f", O_RDONLY);
	CHECK_EQ(execveat_status(AT_FDCWD, "link", ROLE("none"),
				 AT_SYMLINK_NOFOLLOW),
		 128 + ELOOP);
	CHECK_EQ(execveat_status(AT_FDCWD, "f", ROLE("none"), 1 << 20),
		 128 + EINVAL);
	CHECK_EQ(execveat_status(99, "f", ROLE("none"), 0), 128 + EBADF);
	CHECK_EQ(execveat_status(99, "", ROLE("none"), AT_EMPTY_PATH),
		 128 + EBADF);
	CHECK_EQ(execveat_status(fd, "", ROLE("none"), 0), 128 + ENOENT);
	CHECK_EQ(execveat_status(fd, "x", ROLE("none"), 0), 128 + ENOTDIR);
	CHECK_EQ(execveat_status(fd, "", ROLE("none"), AT_EMPTY_PATH),
		 128 + EACCES);
	CHECK_EQ(execveat_status(AT_FDCWD, "", ROLE("none"), AT_EMPTY_PATH),
		 128 + EACCES);
	CHECK_EQ(execveat_status(AT_FDCWD, BAD, ROLE("none"), 0), 128 + EFAULT);
}

TEST(exec_errors)
{
	char *argv[] = { "x", NULL };

	make_file("f", "not a program");
	make_file("zero", "");
	make_loop();
	make_closed_folder();
	CHECK_ERR(execve("none", argv, environ), ENOENT);
	CHECK_ERR(execve("", argv, environ), ENOENT);
	CHECK_ERR(execve("f/x", argv, environ), ENOTDIR);
	CHECK_ERR(execve("loop1", argv, environ), ELOOP);
	CHECK_ERR(execve(LONG_PATH, argv, environ), ENAMETOOLONG);
	CHECK_ERR(execve("f", argv, environ), EACCES);
	CHECK_ERR(execve(".", argv, environ), EACCES);
	CHECK_ERR(execve("/dev/null", argv, environ), EACCES);
	CHECK_ERR(execve(BAD, argv, environ), EFAULT);
	CHECK_EQ(chmod("f", 0755), 0);
	CHECK_EQ(chmod("zero", 0755), 0);
	CHECK_ERR(execve("f", argv, environ), ENOEXEC);
	CHECK_ERR(execve("zero", argv, environ), ENOEXEC);
	CHECK_EQ(chmod("closed/file", 0755), 0);
	CHECK_EQ(chmod("f", 0700), 0);
	AS_USER(CHECK_ERR(execve("closed/file", argv, environ), EACCES);
		CHECK_ERR(execve("f", argv, environ), EACCES));
}

TEST(exec_bad_vectors)
{
	char *bad_string[] = { "x", BAD, NULL };

	CHECK_ERR(execve(check_program, BAD, environ), EFAULT);
	CHECK_ERR(execve(check_program, bad_string, environ), EFAULT);
	CHECK_ERR(execve(check_program, ROLE("none"), BAD), EFAULT);
	CHECK_ERR(execve(check_program, ROLE("none"), bad_string), EFAULT);
}

TEST(exec_too_big)
{
	static char *argv[4000];
	static char big[ARG_STRLEN_MAX + 1];

	memset(big, 'x', sizeof(big) - 1);
	argv[0] = big; /* with its 0 byte, one more than is allowed */
	CHECK_ERR(execve(check_program, argv, environ), E2BIG);
	big[sizeof(big) - 1001] = '\0';
	for (int i = 0; i < 3999; i++)
		argv[i] = big;
	CHECK_ERR(execve(check_program, argv, environ), E2BIG);
}

/** Writes the first n bytes of this program, with one byte changed. */
static void
make_broken(const char *name, size_t n, size_t at, char value)
{
	static char buf[4096];
	int in = open(check_program, O_RDONLY);
	int out = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	REQUIRE(in >= 0 && out >= 0);
	REQUIRE(read(in, buf, sizeof(buf)) == (ssize_t)sizeof(buf));
	if (at < n)
		buf[at] = value;
	REQUIRE(write(out, buf, n) == (ssize_t)n);
	close(in);
	close(out);
}

TEST(exec_broken_elf)
{
	char *argv[] = { "x", NULL };

	make_broken("magic", 4096, 1, 'X');
	CHECK_ERR(execve("magic", argv, environ), ENOEXEC);
	make_broken("machine", 4096, 18, 3);
	CHECK_ERR(execve("machine", argv, environ), ENOEXEC);
	make_broken("type", 4096, 16, ET_REL);
	CHECK_ERR(execve("type", argv, environ), ENOEXEC);
	make_broken("phentsize", 4096, 54, 7);
	CHECK_ERR(execve("phentsize", argv, environ), ENOEXEC);
	make_broken("header", 40, 9999, 0);
	CHECK_ERR(execve("header", argv, environ), ENOEXEC);
}

/** This program, with its last header made one for an interpreter. */
static void
make_interpreted(const char *name, const char *interpreter)
{
	Elf64_Ehdr h;
	Elf64_Phdr p;
	long at, len = (long)strlen(interpreter) + 1;
	int fd;

	copy_program(name);
	REQUIRE((fd = open(name, O_RDWR)) >= 0);
	REQUIRE(pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h));
	at = (long)(h.e_phoff + (h.e_phnum - 1ul) * sizeof(p));
	REQUIRE(pread(fd, &p, sizeof(p), at) == (ssize_t)sizeof(p));
	REQUIRE(p.p_type != PT_LOAD);
	p.p_type = PT_INTERP;
	p.p_offset = (uint64_t)lseek(fd, 0, SEEK_END);
	p.p_filesz = p.p_memsz = (uint64_t)len;
	REQUIRE(write(fd, interpreter, (size_t)len) == len);
	REQUIRE(pwrite(fd, &p, sizeof(p), at) == (ssize_t)sizeof(p));
	close(fd);
}

TEST(exec_bad_interpreter)
{
	char *argv[] = { "x", NULL };

	make_file("text", long_text(100));
	CHECK_EQ(chmod("text", 0755), 0);
	make_interpreted("prog", "text");
	CHECK_ERR(execve("prog", argv, environ), ELIBBAD);
	make_interpreted("prog", "none");
	CHECK_ERR(execve("prog", argv, environ), ENOENT);
	make_interpreted("prog", ".");
	CHECK_ERR(execve("prog", argv, environ), EACCES);
	CHECK_ERR(syscall(NR_execveat, AT_FDCWD, "text", argv, environ, 0),
		  ENOEXEC);
}

TEST(exec_truncated_elf_does_not_run)
{
	char *argv[] = { "x", NULL };
	static const size_t sizes[] = { 64, 100, 200, 1000, 4095 };

	/* an error, or a start that ends by a signal: nothing else */
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		make_broken("short", sizes[i], 9999, 0);
		int status = IN_CHILD(execve("short", argv, environ);
				      _exit(128 + errno));
		CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) > 128);
	}
}

TEST(exec_busy)
{
	int fd;

	copy_program("prog");
	fd = open("prog", O_RDWR);
	CHECK_ERR(execve("prog", ROLE("none"), environ), ETXTBSY);
	close(fd);
	CHECK_EQ(status_of("prog", ROLE("none")), 99);
}

/** As if it were open for writing, which it need not be any more. */
TEST(exec_of_what_a_mapping_writes)
{
	void *p;
	int fd;

	copy_program("prog");
	fd = open("prog", O_RDWR);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	close(fd);
	CHECK_ERR(execve("prog", ROLE("none"), environ), ETXTBSY);
	CHECK_EQ(munmap(p, 4096), 0);
	CHECK_EQ(status_of("prog", ROLE("none")), 99);
}

TEST(a_program_that_runs_is_not_written)
{
	int p[2];
	pid_t child;
	char c;

	copy_program("prog");
	REQUIRE(pipe2(p, O_CLOEXEC) == 0);
	child = fork();
	if (child == 0)
		_exit(execve("prog", ROLE("pause"), environ));
	close(p[1]);
	CHECK_EQ(read(p[0], &c, 1), 0); /* exec has closed the other end */
	CHECK_ERR(open("prog", O_WRONLY), ETXTBSY);
	CHECK_ERR(openat(AT_FDCWD, "prog", O_RDWR), ETXTBSY);
	CHECK_ERR(syscall(NR_creat, "prog", 0755), ETXTBSY);
	CHECK_ERR(truncate("prog", 0), ETXTBSY);
	CHECK(open("prog", O_RDONLY) >= 0);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

/** Who becomes a user with too many processes learns it here. */
TEST(exec_of_one_process_too_many)
{
	struct rlimit none = { 0, 0 };
	char *argv[] = { "x", "-x", "none", NULL };
	int p[2];
	pid_t other;
	char c;

	REQUIRE(pipe(p) == 0);
	other = fork();
	if (other == 0) {
		become_user();
		write(p[1], "x", 1);
		for (;;)
			pause();
	}
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(IN_CHILD({
			 REQUIRE(setrlimit(RLIMIT_NPROC, &none) == 0);
			 become_user();
			 CHECK_ERR(execve(check_program, argv, environ),
				   EAGAIN);
		 }),
		 0);
	/* Only a change of user asks; one that is refused is none. */
	CHECK_EQ(IN_CHILD({
			 REQUIRE(setresuid(USER_ID, 1001, USER_ID) == 0);
			 REQUIRE(setrlimit(RLIMIT_NPROC, &none) == 0);
			 CHECK_ERR(syscall(NR_setreuid, 1001, 0), EPERM);
			 execve(check_program, argv, environ);
		 }) >> 8,
		 99);
	kill(other, SIGKILL);
	CHECK_EQ(waitpid(other, NULL, 0), other);
	CHECK_EQ(IN_CHILD({
			 REQUIRE(setrlimit(RLIMIT_NPROC, &none) == 0);
			 become_user();
			 execve(check_program, argv, environ);
		 }) >> 8,
		 99);
}

TEST(auxiliary_vector)
{
	extern char _start[];
	Elf64_Phdr *ph = (Elf64_Phdr *)getauxval(AT_PHDR);

	CHECK_EQ(getauxval(AT_PAGESZ), 4096);
	CHECK_EQ(getauxval(AT_ENTRY), _start);
	CHECK_EQ(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
	CHECK(getauxval(AT_PHNUM) > 0 && getauxval(AT_PHNUM) < 100);
	REQUIRE(ph != NULL);
	CHECK(ph->p_type == PT_LOAD || ph->p_type == PT_PHDR);
	CHECK(getauxval(AT_RANDOM) != 0);
	CHECK_EQ(getauxval(AT_UID), getuid());
	CHECK_EQ(getauxval(AT_EUID), geteuid());
	CHECK_EQ(getauxval(AT_GID), getgid());
	CHECK_EQ(getauxval(AT_SECURE), 0);
	CHECK_EQ(getauxval(AT_CLKTCK), 100);
}
