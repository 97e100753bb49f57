/*
 * The crash harness, inside one process: workloads are done and what the disk
 * is told is recorded (workload.c), all states are made in which a power cut
 * could have left it (states.c), each is recovered and judged (judge.c,
 * expect.c).
 *
 *	ext2_host IMAGE crash KEY=VALUE...
 *
 * IMAGE has a journal and is clean. Keys: those of struct crash_options.
 * Violations are told on standard error; the last line of standard output has
 * the counts.
 */
#include "crash.h"
#include "commands.h"
#include "format.h"
#include "string.h"

struct crash_options crash_options = {
	.dir = "/dev/shm",
	.limit = "0",
	.seed = "1",
	.share = "0",
	.shares = "1",
	.recovery = "50",
	.e2fsck = "1",
	.first = "0",
	.mount = "",
};

static const struct {
	const char *name;
	const char **value;
} keys[] = {
	{ "workloads", &crash_options.workloads },
	{ "only", &crash_options.only },
	{ "dir", &crash_options.dir },
	{ "keep", &crash_options.keep },
	{ "out", &crash_options.out },
	{ "limit", &crash_options.limit },
	{ "state", &crash_options.state },
	{ "seed", &crash_options.seed },
	{ "share", &crash_options.share },
	{ "shares", &crash_options.shares },
	{ "recovery", &crash_options.recovery },
	{ "e2fsck", &crash_options.e2fsck },
	{ "first", &crash_options.first },
	{ "mount", &crash_options.mount },
};

static void
take_option(char *word)
{
	char *value = strchrnul(word, '=');
	unsigned i;

	if (*value)
		*value++ = '\0';
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i].name, word) == 0) {
			*keys[i].value = value;
			return;
		}
	host_fail("unknown option");
}

/** The next line that begins a workload, or the end. */
static char *
next_workload(char *text)
{
	while (*text && *text != '=') {
		text = strchrnul(text, '\n');
		text += *text == '\n';
	}
	return text;
}

/** Whether @p name, up to a line's end, is like @p pattern, which may begin or
 * end with a star. */
static bool
is_like(const char *name, const char *pattern)
{
	size_t n = (size_t)(strchrnul(name, '\n') - name), m = strlen(pattern);
	bool open = m > 0 && pattern[m - 1] == '*';

	if (*pattern == '*' && m > 1) {
		for (; *name != '\n'; name++)
			if (is_like(name, pattern + 1))
				return true;
		return false;
	}
	m -= open;
	return (open ? n >= m : n == m) && memcmp(name, pattern, m) == 0;
}

static bool
wanted(const char *text, unsigned number)
{
	if (!crash_options.only)
		return number % host_number(crash_options.shares) ==
		       host_number(crash_options.share);
	return is_like(text + 2, crash_options.only);
}

static unsigned
do_all(char *text, const uint8_t *image)
{
	static struct run r;
	unsigned number = 0, n = 0;

	for (text = next_workload(text); *text; text = next_workload(text)) {
		if (!wanted(text, number++)) {
			text = next_workload(text + 1);
			continue;
		}
		r.data_journal = strcmp(shim_options, "data=journal") == 0;
		text = run_workload(&r, text, image);
		states_each(r.base, &r.told, r.marks,
			    host_number(crash_options.limit),
			    host_number(crash_options.seed), judge, &r);
		run_free(&r);
		n++;
	}
	return n;
}

void
crash(unsigned argc, char **argv)
{
	size_t size = shim_disk.sectors * SECTOR_SIZE, len;
	uint8_t *image = host_alloc(size);
	char *text, *copy, line[256];
	unsigned i, n;

	for (i = 0; i < argc; i++)
		take_option(argv[i]);
	memcpy(image, shim_image, size);
	memcpy(shim_options, crash_options.mount,
	       MIN(strlen(crash_options.mount), sizeof(shim_options) - 1));
	command_quiet = true;
	text = host_load(crash_options.workloads, &len);
	copy = host_alloc(len + 2);
	memcpy(copy, text, len);
	judge_init(image);
	n = do_all(copy, image);
	if (crash_options.out)
		judge_save_hashes(crash_options.out);
	snformat(line, sizeof(line),
		 "%u workloads, %lu states, %lu images, %lu torn, %lu "
		 "recoveries cut, %lu of their images, %lu replays by e2fsck, "
		 "%lu checks, %lu violations\n",
		 n, judged.states, judged.images, judged.torn,
		 judged.recoveries, judged.recovery_images, judged.replays,
		 judged.checks, judged.violations);
	host_write(line);
	host_free(text);
	host_free(copy);
	host_free(image);
	if (judged.violations)
		host_exit(1);
}
