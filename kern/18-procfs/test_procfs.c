/*
 * Self-tests of chapter procfs.
 */
#include "format.h"
#include "procfs_internal.h"
#include "string.h"
#include "test_proc.h"

static bool
contains(struct text *t, const char *word)
{
	return t->buf && memmem(t->buf, t->len, word, strlen(word));
}

PROCESS_TEST(proc_files_tell_of_the_process)
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

PROCESS_TEST(proc_texts_grow)
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
