/*
 * Tests of the C library that need a running program: allocation, stdio,
 * numbers, sorting, environment, exec by name, jumps, calendar.
 */
#include <ctype.h>
#include <limits.h>
#include <setjmp.h>
#include <time.h>
#include "abi/check.h"

/** A block and the byte that it is filled with. */
struct block {
	unsigned char *p;
	size_t size;
	unsigned char fill;
};

static void
check_block(const struct block *b)
{
	for (size_t i = 0; i < b->size; i++)
		REQUIRE(b->p[i] == b->fill);
}

/** A size: mostly small, sometimes large enough for a map of its own. */
static size_t
random_size(unsigned *seed)
{
	int r = rand_r(seed);

	if (r % 100 == 0)
		return (size_t)(r / 100 % 1000000);
	return (size_t)(r / 100 % (r % 10 == 0 ? 20000 : 200));
}

TEST(malloc_random)
{
	static struct block blocks[500];
	unsigned seed = 1;

	for (int round = 0; round < 60000; round++) {
		struct block *b = &blocks[rand_r(&seed) % 500];
		size_t size = random_size(&seed);

		check_block(b);
		if (b->p != NULL && rand_r(&seed) % 3 == 0) {
			b->p = realloc(b->p, size);
			REQUIRE(b->p != NULL);
			b->size = MIN(b->size, size);
			check_block(b);
		} else {
			free(b->p);
			b->p = malloc(size);
			REQUIRE(b->p != NULL);
		}
		CHECK_EQ((uintptr_t)b->p % 16, 0);
		b->size = size;
		b->fill = (unsigned char)round;
		memset(b->p, b->fill, size);
	}
	for (int i = 0; i < 500; i++) {
		check_block(&blocks[i]);
		free(blocks[i].p);
	}
}

TEST(malloc_coalesces)
{
	char *top = sbrk(0);

	/* pieces that are freed must serve one request of their sum */
	for (int round = 0; round < 200; round++) {
		char *p[10];

		for (int i = 0; i < 10; i++)
			p[i] = malloc(10000);
		for (int i = 0; i < 10; i += 2)
			free(p[i]);
		for (int i = 1; i < 10; i += 2)
			free(p[i]);
		char *all = malloc(100000);
		REQUIRE(all != NULL);
		free(all);
	}
	CHECK((char *)sbrk(0) - top < 400000);
}

TEST(malloc_corners)
{
	char *p;

	free(NULL);
	CHECK(malloc(0) != NULL);
	CHECK_ERR(-(malloc(SIZE_MAX) == NULL), ENOMEM);
	CHECK_ERR(-(calloc(SIZE_MAX / 2, 3) == NULL), ENOMEM);
	p = malloc(100);
	memset(p, 'x', 100);
	free(p);
	p = calloc(10, 10);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(p[i], 0);
	CHECK(WIFSIGNALED(IN_CHILD(close(2); free(p); free(p))));
}

TEST(stdio_write_and_read)
{
	char line[64], *got = NULL;
	size_t size = 0;
	FILE *f = fopen("f", "w+");

	REQUIRE(f != NULL);
	CHECK_EQ(fprintf(f, "%d %s\n", 42, "lines"), 9);
	CHECK_EQ(fputs("second\n", f), 0);
	CHECK_EQ(fputc('3', f), '3');
	CHECK_EQ(size_of_file("f"), 0); /* still in the buffer */
	CHECK_EQ(ftell(f), 17);
	rewind(f);
	CHECK_EQ(size_of_file("f"), 17);
	CHECK(fgets(line, sizeof(line), f) && !strcmp(line, "42 lines\n"));
	CHECK_EQ(ftell(f), 9);
	CHECK_EQ(fgetc(f), 's');
	CHECK_EQ(ungetc('S', f), 'S');
	CHECK_EQ(getline(&got, &size, f), 7);
	CHECK(strcmp(got, "Second\n") == 0);
	CHECK(fgets(line, 2, f) && !strcmp(line, "3"));
	CHECK(fgets(line, sizeof(line), f) == NULL && feof(f));
	CHECK_EQ(fseek(f, 3, SEEK_SET), 0);
	CHECK(fgets(line, 4, f) && !strcmp(line, "lin"));
	CHECK_EQ(fputc('X', f), 'X'); /* after a read: where it stopped */
	CHECK_EQ(fclose(f), 0);
	f = fopen("f", "r");
	CHECK(fgets(line, sizeof(line), f) && !strcmp(line, "42 linXs\n"));
	CHECK_EQ(fputc('x', f), EOF);
	CHECK(ferror(f));
}

TEST(stdio_append_and_modes)
{
	FILE *f = fopen("f", "w");

	fputs("one", f);
	fclose(f);
	f = fopen("f", "a");
	fputs("two", f);
	CHECK_EQ(ftell(f), 6);
	fclose(f);
	CHECK_EQ(size_of_file("f"), 6);
	CHECK_ERR(-(fopen("f", "wx") == NULL), EEXIST);
	CHECK_ERR(-(fopen("f", "q") == NULL), EINVAL);
	CHECK_ERR(-(fopen("none", "r") == NULL), ENOENT);
	f = fopen("f", "re");
	CHECK_EQ(fcntl(fileno(f), F_GETFD), FD_CLOEXEC);
}

TEST(stdio_big)
{
	static char out[20000], in[20000];
	FILE *f = fopen("f", "w+");

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 13 >> 3);
	for (size_t at = 0, n = 1; at < sizeof(out); at += n, n = n * 2 + 1) {
		n = MIN(n, sizeof(out) - at);
		CHECK_EQ(fwrite(out + at, 1, n, f), n);
	}
	rewind(f);
	CHECK_EQ(fread(in, 4, 6000, f), 5000);
	CHECK(memcmp(in, out, sizeof(in)) == 0);
}

TEST(stdio_flushes_at_exit)
{
	CHECK_EQ(IN_CHILD({
			 dup2(open("f", O_WRONLY | O_CREAT, 0644), 1);
			 printf("left in the buffer");
			 exit(0);
		 }),
		 0);
	CHECK_EQ(size_of_file("f"), 18);
}

static void
write_a(void)
{
	dprintf(1, "a");
}

static void
write_b(void)
{
	dprintf(1, "b");
}

TEST(atexit_in_reverse)
{
	char buf[8] = "";
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	CHECK_EQ(IN_CHILD(dup2(fd, 1); atexit(write_a); atexit(write_b);
			  exit(0)),
		 0);
	CHECK_EQ(pread(fd, buf, 8, 0), 2);
	CHECK(strcmp(buf, "ba") == 0);
}

TEST(abort_cannot_be_stopped)
{
	CHECK_EQ(WTERMSIG(IN_CHILD(abort())), SIGABRT);
	signal(SIGABRT, SIG_IGN);
	CHECK_EQ(WTERMSIG(IN_CHILD(abort())), SIGABRT);
}

TEST(numbers)
{
	char *end;
	const char *s = " -0x1fz";

	CHECK_EQ(atoi("  42x"), 42);
	CHECK_EQ(strtol(s, &end, 0), -31);
	CHECK_EQ(end, s + 6);
	CHECK_EQ(strtol("077", NULL, 0), 63);
	CHECK_EQ(strtol("z", NULL, 36), 35);
	s = "0x";
	CHECK_EQ(strtol(s, &end, 16), 0);
	CHECK_EQ(end, s + 1);
	s = "none";
	CHECK_EQ(strtol(s, &end, 10), 0);
	CHECK_EQ(end, s);
	errno = 0;
	CHECK_EQ(strtol("9223372036854775807", NULL, 10), LONG_MAX);
	CHECK_EQ(strtol("-9223372036854775808", NULL, 10), LONG_MIN);
	CHECK_EQ(strtoul("18446744073709551615", NULL, 10), ULONG_MAX);
	CHECK_EQ(strtoul("-1", NULL, 10), ULONG_MAX);
	CHECK_EQ(errno, 0);
	CHECK_EQ(strtol("9223372036854775808", NULL, 10), LONG_MAX);
	CHECK_EQ(errno, ERANGE);
	errno = 0;
	CHECK_EQ(strtol("-99999999999999999999", NULL, 10), LONG_MIN);
	CHECK_EQ(errno, ERANGE);
	CHECK_EQ(strtol("1", NULL, 1), 0);
	CHECK_EQ(errno, EINVAL);
}

static int
compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

TEST(sorting)
{
	static int a[1000];
	unsigned seed = 7;
	long sum = 0;

	for (int n = 0; n < 1000; n = n * 3 / 2 + 1) {
		for (int i = 0; i < n; i++)
			sum += a[i] = rand_r(&seed) % 500;
		qsort(a, (size_t)n, sizeof(a[0]), compare_ints);
		for (int i = 0; i < n; i++) {
			sum -= a[i];
			CHECK(i == 0 || a[i - 1] <= a[i]);
			int *found = bsearch(&a[i], a, (size_t)n, sizeof(a[0]),
					     compare_ints);
			CHECK(found != NULL && *found == a[i]);
		}
		CHECK_EQ(sum, 0);
	}
	CHECK(bsearch(&(int){ 1000 }, a, 1000, sizeof(a[0]), compare_ints) ==
	      NULL);
}

TEST(environment)
{
	CHECK(getenv("HARDTACK_NONE") == NULL);
	CHECK_EQ(setenv("HARDTACK_A", "1", 0), 0);
	CHECK_EQ(setenv("HARDTACK_A", "2", 0), 0);
	CHECK(strcmp(getenv("HARDTACK_A"), "1") == 0);
	CHECK_EQ(setenv("HARDTACK_A", "3", 1), 0);
	CHECK(strcmp(getenv("HARDTACK_A"), "3") == 0);
	CHECK(getenv("HARDTACK") == NULL);
	for (int i = 0; i < 100; i++) {
		char name[20];

		snprintf(name, sizeof(name), "HARDTACK_%d", i);
		CHECK_EQ(setenv(name, name, 1), 0);
		CHECK(strcmp(getenv(name), name) == 0);
	}
	CHECK_EQ(unsetenv("HARDTACK_A"), 0);
	CHECK(getenv("HARDTACK_A") == NULL);
	CHECK(getenv("HARDTACK_99") != NULL);
	CHECK_ERR(setenv("a=b", "x", 1), EINVAL);
	CHECK_ERR(unsetenv(""), EINVAL);
}

int
check_exec_role(int argc, char **argv)
{
	(void)argv;
	return argc;
}

TEST(exec_by_name)
{
	char path[PATH_MAX + 10], *slash;

	CHECK_EQ(symlink(check_program, "prog"), 0);
	CHECK_EQ(mkdir("dir", 0755), 0);
	strlcpy(path, "none:dir::", sizeof(path));
	setenv("PATH", path, 1);
	CHECK_EQ(WEXITSTATUS(IN_CHILD({
			 execvp("prog", (char *[]){ "p", "-x", NULL });
			 _exit(99);
		 })),
		 2);
	CHECK_ERR(execvp("no-such", (char *[]){ "p", NULL }), ENOENT);
	CHECK_ERR(execvp("", (char *[]){ "p", NULL }), ENOENT);
	make_file("plain", "");
	CHECK_ERR(execvp("plain", (char *[]){ "p", NULL }), EACCES);
	slash = strrchr(check_program, '/');
	CHECK(slash != NULL);
	CHECK_EQ(WEXITSTATUS(IN_CHILD(execl("./prog", "p", "-x", "a", NULL))),
		 3);
}

TEST(jumps)
{
	static jmp_buf env;
	static volatile int rounds;
	int got = setjmp(env);

	CHECK_EQ(got, rounds == 0 ? 0 : rounds == 1 ? 5 : 1);
	if (++rounds < 3)
		longjmp(env, rounds == 1 ? 5 : 0);
}

TEST(jump_with_mask)
{
	static sigjmp_buf env;
	sigset_t set = KSIGMASK(SIGUSR1), now;

	if (sigsetjmp(env, 1) == 0) {
		sigprocmask(SIG_BLOCK, &set, NULL);
		siglongjmp(env, 1);
	}
	sigprocmask(0, NULL, &now);
	CHECK_EQ(now, 0);
	if (sigsetjmp(env, 0) == 0) {
		sigprocmask(SIG_BLOCK, &set, NULL);
		siglongjmp(env, 1);
	}
	sigprocmask(0, NULL, &now);
	CHECK_EQ(now, set);
}

TEST(options)
{
	char *argv[] = { "p", "-ab", "-c", "one", "-ctwo", "--", "-x", NULL };

	optind = 1;
	CHECK_EQ(getopt(7, argv, "abc:"), 'a');
	CHECK_EQ(getopt(7, argv, "abc:"), 'b');
	CHECK_EQ(getopt(7, argv, "abc:"), 'c');
	CHECK(strcmp(optarg, "one") == 0);
	CHECK_EQ(getopt(7, argv, "abc:"), 'c');
	CHECK(strcmp(optarg, "two") == 0);
	CHECK_EQ(getopt(7, argv, "abc:"), -1);
	CHECK_EQ(optind, 6);
	optind = 1;
	CHECK_EQ(getopt(2, argv, ":b"), '?');
	CHECK_EQ(optopt, 'a');
}

TEST(calendar)
{
	/* each: seconds, year, month, day, hour, weekday, day of the year */
	static const long known[][7] = {
		{ 0, 1970, 1, 1, 0, 4, 0 },
		{ -1, 1969, 12, 31, 23, 3, 364 },
		{ 951782400, 2000, 2, 29, 0, 2, 59 },
		{ 4107542400, 2100, 3, 1, 0, 1, 59 },
		{ 1735689599, 2024, 12, 31, 23, 2, 365 },
		{ -2203891200, 1900, 3, 1, 0, 4, 59 },
	};
	struct tm tm;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const long *k = known[i];

		gmtime_r(&k[0], &tm);
		CHECK(tm.tm_year + 1900 == k[1] && tm.tm_mon + 1 == k[2] &&
		      tm.tm_mday == k[3] && tm.tm_hour == k[4] &&
		      tm.tm_wday == k[5] && tm.tm_yday == k[6]);
		CHECK_EQ(timegm(&tm), k[0]);
	}
	for (long t = -100000000000; t < 100000000000; t += 86399 * 37) {
		gmtime_r(&t, &tm);
		REQUIRE(timegm(&tm) == t);
	}
}

TEST(character_classes)
{
	int counts[4] = { 0 };

	for (int c = 0; c < 256; c++) {
		counts[0] += isalnum(c);
		counts[1] += ispunct(c);
		counts[2] += isspace(c);
		counts[3] += iscntrl(c);
		CHECK(!(isupper(c) && islower(c)));
		CHECK(tolower(toupper(c)) == tolower(c));
	}
	CHECK(counts[0] == 62 && counts[1] == 32 && counts[2] == 6 &&
	      counts[3] == 33);
}

TEST(texts)
{
	char text[] = "  a b  c", *at;

	CHECK(strcmp(strerror(ENOENT), "No such file or directory") == 0);
	CHECK(strcmp(strerror(0), "Success") == 0);
	CHECK(strcmp(strerror(9999), "Unknown error 9999") == 0);
	CHECK(strcmp(strsignal(SIGSEGV), "Segmentation fault") == 0);
	CHECK(strcmp(strtok_r(text, " ", &at), "a") == 0);
	CHECK(strcmp(strtok_r(NULL, " ", &at), "b") == 0);
	CHECK(strcmp(strtok_r(NULL, " ", &at), "c") == 0);
	CHECK(strtok_r(NULL, " ", &at) == NULL);
	CHECK(strcmp(strndup("abcdef", 3), "abc") == 0);
}
