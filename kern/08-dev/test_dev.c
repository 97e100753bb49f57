/*
 * Self-tests of chapter dev: the bus, waiting and work.
 */
#include "dev.h"

/* ---- PCI ---- */

SELFTEST(dev_pci_finds_a_host_bridge)
{
	const struct pci_device *d;
	unsigned i;
	bool found = false;

	for (i = 0; (d = pci_device_get(i)) != NULL; i++)
		found |= d->class == 6 && d->subclass == 0;
	CHECK(found);
}

SELFTEST(dev_pci_finds_nothing_twice)
{
	const struct pci_device *a, *b;
	unsigned i, j;

	for (i = 0; (a = pci_device_get(i)) != NULL; i++)
		for (j = 0; j < i; j++) {
			b = pci_device_get(j);
			CHECK(a->bus != b->bus || a->slot != b->slot ||
			      a->function != b->function);
		}
}

/* Display adapters are left out: the log is being written to them. */
SELFTEST(dev_pci_bar_sizing_keeps_the_registers)
{
	const struct pci_device *d;
	unsigned i, n;

	for (i = 0; (d = pci_device_get(i)) != NULL; i++) {
		uint16_t command = pci_read16(d, PCI_COMMAND);

		for (n = 0; n < 6 && d->class != 3; n++) {
			uint32_t before = pci_read32(d, PCI_BAR0 + 4 * n);
			struct pci_bar bar = pci_bar_get(d, n);

			CHECK(pci_read32(d, PCI_BAR0 + 4 * n) == before);
			CHECK(bar.len == 0 || IS_POW2(bar.len));
			CHECK(bar.len == 0 || bar.base % bar.len == 0);
		}
		CHECK(pci_read16(d, PCI_COMMAND) == command);
	}
}

SELFTEST(dev_pci_narrow_reads_agree)
{
	const struct pci_device *d = pci_device_get(0);
	unsigned i;
	uint32_t v;

	CHECK(d != NULL);
	v = pci_read32(d, 0);
	for (i = 0; i < 4; i++)
		CHECK(pci_read8(d, i) == (v >> 8 * i & 0xff));
	CHECK(pci_read16(d, 2) == v >> 16);
	CHECK(d->vendor == (v & 0xffff) && d->device == v >> 16);
}

SELFTEST(dev_pci_capability)
{
	const struct pci_device *d;
	unsigned i, at;

	for (i = 0; (d = pci_device_get(i)) != NULL; i++) {
		at = pci_capability(d, PCI_CAPABILITY_MSI);
		CHECK(at == 0 || pci_read8(d, at) == PCI_CAPABILITY_MSI);
		CHECK(pci_capability(d, 0xee) == 0);
	}
}

/* ---- Waiting and work ---- */

SELFTEST(dev_wait_gives_up)
{
	unsigned looks = 0;

	CHECK(!device_wait((looks++, false), 2));
	CHECK(looks >= 2);
	CHECK(device_wait(true, 0));
	looks = 0;
	CHECK(device_wait(++looks == 5, 10000));
}

static _Atomic unsigned work_runs;
static _Atomic bool work_hold;

static void
count_run(struct work *w)
{
	(void)w;
	while (work_hold)
		thread_yield();
	work_runs++;
}

SELFTEST(dev_work_runs_once_for_many_calls)
{
	static struct work first, second;

	work_runs = 0;
	work_hold = true;
	work_init(&first, count_run);
	work_init(&second, count_run);
	work_queue(&first); /* keeps the thread busy */
	work_queue(&second);
	work_queue(&second);
	work_hold = false;
	CHECK(device_wait(work_runs >= 2, 10000));
	work_queue(&second);
	CHECK(device_wait(work_runs >= 3, 10000));
	CHECK(work_runs == 3);
}
