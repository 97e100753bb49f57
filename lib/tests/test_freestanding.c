/*
 * Unit tests of lib/freestanding and the header-only lists and bits, run on the
 * host under AddressSanitizer and UBSan. The host's own libc is the judge of
 * strings and formats; a sorted array is the judge of the tree.
 * Usage: test_freestanding [seed]; prints the seed, and exits 1 at a failure.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <limits.h>
#include "bits.h"
#include "format.h"
#include "list.h"
#include "rbtree.h"

void *ht_memcpy(void *restrict, const void *restrict, size_t);
void *ht_memmove(void *, const void *, size_t);
void *ht_memset(void *, int, size_t);
int ht_memcmp(const void *, const void *, size_t);
void *ht_memchr(const void *, int, size_t);
void *ht_memmem(const void *, size_t, const void *, size_t);
size_t ht_strlen(const char *);
size_t ht_strnlen(const char *, size_t);
int ht_strcmp(const char *, const char *);
int ht_strncmp(const char *, const char *, size_t);
char *ht_strchr(const char *, int);
char *ht_strrchr(const char *, int);
char *ht_strstr(const char *, const char *);
size_t ht_strspn(const char *, const char *);
size_t ht_strcspn(const char *, const char *);
char *ht_strpbrk(const char *, const char *);
char *ht_strcat(char *restrict, const char *restrict);
char *ht_strncpy(char *restrict, const char *restrict, size_t);
size_t ht_strlcpy(char *restrict, const char *restrict, size_t);
size_t ht_strlcat(char *restrict, const char *restrict, size_t);

static int failures;

#define CHECK(e)                                                               \
	do {                                                                   \
		if (!(e) && ++failures < 20)                                   \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #e);    \
	} while (0)

static unsigned
rnd(unsigned below)
{
	return (unsigned)random() % below;
}

static int
sign(int x)
{
	return (x > 0) - (x < 0);
}

/** Blocks of every short length and some long ones, at every alignment. */
static void
test_blocks(void)
{
	static unsigned char a[700], b[700], c[700];

	for (int round = 0; round < 20000; round++) {
		size_t n = rnd(2) ? rnd(20) : rnd(300);
		size_t from = rnd(300), to = rnd(300);

		for (size_t i = 0; i < sizeof(a); i++)
			a[i] = b[i] = c[i] = (unsigned char)rnd(256);
		CHECK(ht_memmove(a + to, a + from, n) == a + to);
		memmove(b + to, b + from, n);
		CHECK(memcmp(a, b, sizeof(a)) == 0);
		CHECK(ht_memcpy(a + to, c + from, n) == a + to);
		memcpy(b + to, c + from, n);
		CHECK(memcmp(a, b, sizeof(a)) == 0);
		CHECK(ht_memset(a + to, (int)from, n) == a + to);
		memset(b + to, (int)from, n);
		CHECK(memcmp(a, b, sizeof(a)) == 0);
		CHECK(ht_memcmp(a + to, b + to, n) == 0);
		if (n > 0)
			b[to + rnd((unsigned)n)] ^=
				(unsigned char)(1 + rnd(255));
		CHECK(sign(ht_memcmp(a + to, b + to, n)) ==
		      sign(memcmp(a + to, b + to, n)));
		CHECK(ht_memchr(a + to, (int)from, n) ==
		      memchr(a + to, (int)from, n));
	}
}

/** A string from a small alphabet, in memory of just its size. */
static char *
random_string(unsigned maxlen)
{
	size_t n = rnd(maxlen + 1);
	char *s = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		s[i] = "ab\xff"[rnd(3)];
	s[n] = '\0';
	return s;
}

static void
test_copies(const char *s, const char *t, size_t n)
{
	char a[64], b[64];

	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	ht_strncpy(a, s, n);
	strncpy(b, s, n);
	CHECK(memcmp(a, b, sizeof(a)) == 0);
	CHECK(ht_strlcpy(a, s, n) == strlen(s));
	if (n > 0) {
		snprintf(b, n, "%s", s);
		CHECK(strcmp(a, b) == 0);
		CHECK(ht_strlcat(a, t, n) == strlen(b) + strlen(t));
		snprintf(b, n, "%s%s", s, t);
		CHECK(strcmp(a, b) == 0);
	}
	strcpy(a, s);
	CHECK(ht_strcat(a, t) == a);
	snprintf(b, sizeof(b), "%s%s", s, t);
	CHECK(strcmp(a, b) == 0);
}

static void
test_strings(void)
{
	for (int round = 0; round < 20000; round++) {
		char *s = random_string(12), *t = random_string(4);
		size_t n = rnd(16);

		CHECK(ht_strlen(s) == strlen(s));
		CHECK(ht_strnlen(s, n) == strnlen(s, n));
		CHECK(sign(ht_strcmp(s, t)) == sign(strcmp(s, t)));
		CHECK(sign(ht_strncmp(s, t, n)) == sign(strncmp(s, t, n)));
		CHECK(ht_strchr(s, 'a') == strchr(s, 'a'));
		CHECK(ht_strchr(s, '\xff') == strchr(s, '\xff'));
		CHECK(ht_strchr(s, 0) == strchr(s, 0));
		CHECK(ht_strrchr(s, 'b') == strrchr(s, 'b'));
		CHECK(ht_strrchr(s, 0) == strrchr(s, 0));
		CHECK(ht_strstr(s, t) == strstr(s, t));
		CHECK(ht_memmem(s, strlen(s), t, strlen(t)) ==
		      memmem(s, strlen(s), t, strlen(t)));
		CHECK(ht_strspn(s, t) == strspn(s, t));
		CHECK(ht_strcspn(s, t) == strcspn(s, t));
		CHECK(ht_strpbrk(s, t) == strpbrk(s, t));
		test_copies(s, t, n);
		free(s);
		free(t);
	}
}

/** Compares one snformat with one snprintf, whole and cut. */
#define SAME(...)                                                              \
	do {                                                                   \
		char ours[600], host[600];                                     \
		int got = snformat(ours, sizeof(ours), __VA_ARGS__);           \
		int want = snprintf(host, sizeof(host), __VA_ARGS__);          \
                                                                               \
		if ((got != want || strcmp(ours, host)) && ++failures < 20)    \
			printf("FAIL %s:%d: got %d \"%s\" want %d \"%s\"\n",   \
			       __FILE__, __LINE__, got, ours, want, host);     \
		size_t cut = rnd(12);                                          \
		memset(ours, 'z', sizeof(ours));                               \
		memset(host, 'z', sizeof(host));                               \
		CHECK(snformat(ours, cut, __VA_ARGS__) == want);               \
		snprintf(host, cut, __VA_ARGS__);                              \
		if (cut > 0)                                                   \
			CHECK(strcmp(ours, host) == 0);                        \
		CHECK(ours[cut] == 'z');                                       \
	} while (0)

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-overflow"
#endif

/** A random conversion: flags, width, precision, length. */
static void
random_spec(char *fmt, const char *convs)
{
	static const char *const lengths[] = { "",   "hh", "h", "l",
					       "ll", "z",  "j", "t" };
	const char *length = lengths[rnd(ARRAY_SIZE(lengths))];
	char conv = convs[rnd((unsigned)strlen(convs))];

	*fmt++ = '[';
	*fmt++ = '%';
	for (unsigned i = rnd(4); i > 0; i--)
		*fmt++ = "-+ #0"[rnd(5)];
	if (rnd(2))
		fmt += sprintf(fmt, "%u", rnd(30));
	if (rnd(2))
		fmt += sprintf(fmt, ".%u", rnd(30));
	else if (rnd(4) == 0)
		*fmt++ = '.';
	sprintf(fmt, "%s%c]", length, conv);
}

static void
test_format_random(void)
{
	for (int round = 0; round < 50000; round++) {
		char fmt[64];
		unsigned long v = (unsigned long)random() << 33 ^
				  (unsigned long)random() << 8;

		v >>= rnd(64);
		if (rnd(8) == 0)
			v = 0;
		random_spec(fmt, "diuoxX");
		SAME(fmt, v);
	}
}

static void
test_format(void)
{
	SAME("plain");
	SAME("");
	SAME("%%|%%");
	SAME("%d %i %u", INT_MIN, INT_MAX, UINT_MAX);
	SAME("%ld %lu %llx", LONG_MIN, ULONG_MAX, ULLONG_MAX);
	SAME("%s|%10s|%-10s|%.2s|%10.3s", "abc", "abc", "abc", "abc", "abcdef");
	SAME("%.0s|%.*s|%*s", "abc", 2, "abc", -6, "abc");
	SAME("%.*d|%*d", -1, 7, 5, 7);
	SAME("%c%c|%3c|%-3c|", 'a', 'b', 'c', 'd');
	SAME("%p", (void *)0x1234abcd);
	SAME("%16p|%-16p|", (void *)0x1234, (void *)0x1234);
	SAME("%x %X %#x %#X %#o %#x", 255, 255, 255, 255, 8, 0);
	SAME("%hhd %hd %hhu", 0x1ff, 0x1ffff, 0x1ff);
	SAME("%zu %jd %td", (size_t)1, (intmax_t)-2, (ptrdiff_t)-3);
	SAME("%500d", 1);
	char buf[32];

	CHECK(snformat(buf, sizeof(buf), "%s", (char *)NULL) == 6);
	CHECK(snformat(buf, sizeof(buf), "%y %") == 4 && !strcmp(buf, "%y %"));
	CHECK(snformat(NULL, 0, "%d", 12345) == 5);
	test_format_random();
}

struct item {
	int key;
	struct list link;
	struct rbnode node;
};

static int
item_cmp(const struct rbnode *a, const struct rbnode *b)
{
	int x = rb_entry(a, struct item, node)->key;
	int y = rb_entry(b, struct item, node)->key;

	return (x > y) - (x < y);
}

static int
key_cmp(const void *key, const struct rbnode *n)
{
	int x = *(const int *)key, y = rb_entry(n, struct item, node)->key;

	return (x > y) - (x < y);
}

#define KEYS 200

/** The node that the sorted array says, or none. */
static struct rbnode *
expect(struct item **set, int from, int step)
{
	for (int k = from; k >= 0 && k < KEYS; k += step)
		if (set[k] != NULL)
			return &set[k]->node;
	return NULL;
}

static void
check_tree(struct rbroot *root, struct item **set)
{
	struct rbnode *n = rb_first(root);

	CHECK(rb_check(root) >= 0);
	CHECK(n == expect(set, 0, 1) &&
	      rb_last(root) == expect(set, KEYS - 1, -1));
	for (int k = 0; k < KEYS; k++) {
		CHECK(rb_find(root, &k, key_cmp) ==
		      (set[k] ? &set[k]->node : NULL));
		CHECK(rb_ceil(root, &k, key_cmp) == expect(set, k, 1));
		CHECK(rb_floor(root, &k, key_cmp) == expect(set, k, -1));
		if (set[k] != NULL) {
			CHECK(n == &set[k]->node);
			CHECK(rb_prev(n) == expect(set, k - 1, -1));
			n = rb_next(n);
		}
	}
	CHECK(n == NULL);
}

static void
test_rbtree(void)
{
	struct rbroot root = { NULL };
	struct item *set[KEYS] = { NULL };

	CHECK(rb_empty(&root));
	for (int round = 0; round < 6000; round++) {
		int key = (int)rnd(KEYS);
		struct item *it = set[key];

		/* fill, then churn, then drain */
		if (it == NULL && (round < 4000 || rnd(4) == 0)) {
			set[key] = it = calloc(1, sizeof(*it));
			it->key = key;
			CHECK(rb_insert(&root, &it->node, item_cmp) == NULL);
		} else if (it != NULL && rnd(3) == 0) {
			struct item twin = { .key = key };

			CHECK(rb_insert(&root, &twin.node, item_cmp) ==
			      &it->node);
		} else if (it != NULL) {
			rb_erase(&root, &it->node);
			set[key] = NULL;
			free(it);
		}
		if (round % 10 == 0)
			check_tree(&root, set);
	}
	for (int k = 0; k < KEYS; k++)
		if (set[k] != NULL) {
			rb_erase(&root, &set[k]->node);
			CHECK(rb_check(&root) >= 0);
			free(set[k]);
		}
	CHECK(rb_empty(&root) && rb_first(&root) == NULL);
}

/** That rb_check tells a broken tree is what makes it a test. */
static void
test_rb_check(void)
{
	struct item it[3] = { { .key = 0 }, { .key = 1 }, { .key = 2 } };
	struct rbroot root = { NULL };

	for (int i = 0; i < 3; i++)
		rb_insert(&root, &it[i].node, item_cmp);
	CHECK(rb_check(&root) == 1 && root.node == &it[1].node);
	it[0].node.red = false; /* unequal black heights */
	CHECK(rb_check(&root) == -1);
	it[0].node.red = it[1].node.red = true; /* a red root */
	CHECK(rb_check(&root) == -1);
	it[1].node.red = false;
	it[2].node.parent = &it[0].node; /* links disagree */
	CHECK(rb_check(&root) == -1);
}

static void
test_list(void)
{
	struct list head = LIST_INIT(head), other = LIST_INIT(other);
	struct item it[4] = {
		{ .key = 0 }, { .key = 1 }, { .key = 2 }, { .key = 3 }
	};
	struct item *p, *tmp;
	int sum = 0;

	CHECK(list_empty(&head) &&
	      list_first(&head, struct item, link) == NULL);
	list_add_tail(&it[1].link, &head);
	list_add(&it[0].link, &head);
	list_add_tail(&it[2].link, &head);
	list_add_tail(&it[3].link, &other);
	CHECK(list_length(&head) == 3);
	CHECK(list_first(&head, struct item, link) == &it[0]);
	CHECK(list_last(&head, struct item, link) == &it[2]);
	CHECK(list_next(&it[0], &head, link) == &it[1]);
	CHECK(list_next(&it[2], &head, link) == NULL);
	list_splice_tail(&other, &head);
	CHECK(list_empty(&other) && list_length(&head) == 4);
	list_splice_tail(&other, &head);
	list_for_each (p, &head, link)
		sum = sum * 10 + p->key;
	CHECK(sum == 123);
	list_for_each_safe (p, tmp, &head, link)
		if (p->key % 2 == 0)
			list_del(&p->link);
	CHECK(list_empty(&it[0].link));
	list_del(&it[0].link);
	CHECK(list_length(&head) == 2);
	CHECK(list_first(&head, struct item, link) == &it[1]);
	CHECK(list_last(&head, struct item, link) == &it[3]);
}

static void
test_bits(void)
{
	CHECK(ROUND_UP(0ul, 8) == 0 && ROUND_UP(9ul, 8) == 16);
	CHECK(ROUND_DOWN(0x100000fffful, 4096) == 0x100000f000ul);
	CHECK(IS_ALIGNED(4096ul, 4096) && !IS_ALIGNED(4095ul, 4096));
	CHECK(DIV_ROUND_UP(9, 4) == 3 && DIV_ROUND_UP(8, 4) == 2);
	CHECK(IS_POW2(64) && !IS_POW2(0) && !IS_POW2(6));
	CHECK(MIN(3, 4) == 3 && MAX(3, MIN(9, 7)) == 7);
	CHECK(ctz64(0x50) == 4 && clz64(1) == 63);
	for (unsigned i = 0; i < 64; i++) {
		CHECK(ilog2(BIT(i)) == i && ilog2_up(BIT(i)) == i);
		CHECK(popcount64(BIT(i) - 1) == i);
		if (i > 1)
			CHECK(ilog2(BIT(i) - 1) == i - 1 &&
			      ilog2_up(BIT(i) - 1) == i);
	}
	CHECK(popcount64(~0ul) == 64);
}

int
main(int argc, char **argv)
{
	unsigned seed = argc > 1 ? (unsigned)atoi(argv[1]) : 1;

	printf("seed %u\n", seed);
	srandom(seed);
	test_blocks();
	test_strings();
	test_format();
	test_list();
	test_bits();
	test_rb_check();
	test_rbtree();
	printf("%d failures\n", failures);
	return failures != 0;
}
