/*
 * The self-test runner. Tests are registered by SELFTEST in every chapter and
 * stand in the image in book order, so a failure names the lowest chapter that
 * is broken first.
 */
#include "boot.h"
#include "string.h"

extern const struct selftest selftests[], selftests_end[];

static unsigned failures; /* of the running test */

void
selftest_fail(const char *file, int line, const char *what)
{
	failures++;
	kprintf("selftest: %s:%d: not true: %s\n", file, line, what);
}

/* A test that fails has returned from the middle (CHECK), with what it holds;
 * so later failures may follow from the first, and the first is the one to
 * read. */
static bool
run_one(const struct selftest *test)
{
	failures = 0;
	kprintf("selftest: %s %s\n", test->file, test->name);
	test->run();
	if (failures)
		kprintf("selftest: FAILED %s %s\n", test->file, test->name);
	return failures == 0;
}

/* None at all is a failure: a misspelt word must not look like success. */
bool
selftest_run(void)
{
	const struct selftest *test;
	unsigned passed = 0, failed = 0;
	char only[64];

	command_line_get("selftest", only, sizeof(only)) || (only[0] = '\0');
	for (test = selftests; test < selftests_end; test++) {
		if (!strstr(test->file, only) && !strstr(test->name, only))
			continue;
		if (run_one(test))
			passed++;
		else
			failed++;
	}
	kprintf("selftest: %u passed, %u failed\n", passed, failed);
	return failed == 0 && passed > 0;
}
