/*
 * Finding functions in the vDSO, an ELF library that is in memory from the
 * start: by way of its dynamic section, as a dynamic linker would. The host's
 * and Hardtack's are alike in form.
 *
 * Sources: System V ABI, chapter 5; Linux Standard Base, symbol versioning.
 */
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include "internal.h"

struct library {
	const char *base; /* what addresses in the file count from */
	const Elf64_Dyn *dynamic;
};

unsigned long
getauxval(unsigned long type)
{
	char **e = environ_at_start;

	while (*e != NULL)
		e++;
	for (const Elf64_auxv_t *a = (const Elf64_auxv_t *)(e + 1);
	     a->a_type != AT_NULL; a++)
		if (a->a_type == type)
			return a->a_val;
	return 0;
}

static struct library
vdso_open(void)
{
	const Elf64_Ehdr *header =
		(const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
	const char *at = (const char *)header;
	struct library l = { NULL, NULL };
	const Elf64_Phdr *p;

	if (header == NULL)
		return l;
	p = (const Elf64_Phdr *)(at + header->e_phoff);
	for (unsigned i = 0; i < header->e_phnum; i++, p++) {
		if (p->p_type == PT_LOAD && l.base == NULL)
			l.base = at + p->p_offset - p->p_vaddr;
		if (p->p_type == PT_DYNAMIC)
			l.dynamic = (const Elf64_Dyn *)(at + p->p_offset);
	}
	return l;
}

/** The table that an entry of the dynamic section points to, or NULL. */
static const void *
table(const struct library *l, int64_t tag)
{
	const Elf64_Dyn *d = l->dynamic;

	for (; d->d_tag != DT_NULL; d++)
		if (d->d_tag == tag)
			return l->base + d->d_un.d_ptr;
	return NULL;
}

/** The number by which symbols of this version are marked, or -1. */
static int
version_index(const struct library *l, const char *version)
{
	const char *at = table(l, DT_VERDEF), *names = table(l, DT_STRTAB);

	while (at != NULL) {
		const Elf64_Verdef *v = (const Elf64_Verdef *)at;
		const Elf64_Verdaux *a =
			(const Elf64_Verdaux *)(at + v->vd_aux);

		if (strcmp(names + a->vda_name, version) == 0)
			return v->vd_ndx;
		at = v->vd_next != 0 ? at + v->vd_next : NULL;
	}
	return -1;
}

void *
vdso_function(const char *name, const char *version)
{
	const struct library l = vdso_open();
	const uint16_t *versions;
	const uint32_t *hash;
	const Elf64_Sym *symbol;
	const char *names;
	int index;

	if (l.base == NULL || l.dynamic == NULL)
		return NULL;
	hash = table(&l, DT_HASH);
	names = table(&l, DT_STRTAB);
	symbol = table(&l, DT_SYMTAB);
	versions = table(&l, DT_VERSYM);
	index = version_index(&l, version);
	if (hash == NULL || versions == NULL)
		return NULL;
	/* The second word of the hash table is the number of symbols. */
	for (uint32_t i = 0; i < hash[1]; i++)
		if (symbol[i].st_shndx != 0 && versions[i] == index &&
		    strcmp(names + symbol[i].st_name, name) == 0)
			return (void *)(l.base + symbol[i].st_value);
	return NULL;
}
