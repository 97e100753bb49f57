/*
 * COM1 and COM2: 16550 UARTs. What arrives comes by interrupt and goes to
 * whoever listens; what is sent waits, polling, for room in the FIFO. The log
 * also goes to COM1, a byte at a time, by boot's early console.
 * Source: National Semiconductor PC16550D data sheet, section 8.
 */
#include "console_devices.h"

#define REG_DATA      0
#define REG_IER	      1 /* interrupt enable */
#define REG_FCR	      2 /* FIFO control (write) */
#define REG_LCR	      3
#define REG_MCR	      4
#define REG_LSR	      5
#define REG_SCRATCH   7

#define IER_RECEIVE   0x1
#define LCR_DIVISOR   0x80
#define LCR_8N1	      0x03
#define FCR_ON	      0x01
#define FCR_CLEAR     0x06
#define FCR_TRIGGER_8 0x80
#define MCR_READY     0x0b /* DTR, RTS, and OUT2: the interrupt line */
#define LSR_DATA      0x01
#define LSR_BREAK     0x10
#define LSR_EMPTY     0x20 /* the sending FIFO is */

/* One below the FIFO's 16: boot's early console may have seen the FIFO empty
 * as well and be about to add a byte. */
#define BURST	     15
#define SEND_TIMEOUT 100000000 /* ns: a FIFO takes 1.4 ms at 115200 baud */
#define RECEIVE_MAX  4096      /* bytes an interrupt: more is a broken device */

struct uart {
	uint16_t base;
	unsigned irq;
	bool present;
	struct spinlock lock; /* held by who sends */
};

static struct uart uarts[NCONSOLE] = {
	[CONSOLE_COM1] = { .base = 0x3f8, .irq = 4, .lock = SPINLOCK("uart") },
	[CONSOLE_COM2] = { .base = 0x2f8, .irq = 3, .lock = SPINLOCK("uart") },
};

static uint8_t
uart_in(const struct uart *u, unsigned reg)
{
	return inb(u->base + reg);
}

static void
uart_out(const struct uart *u, unsigned reg, uint8_t v)
{
	outb(u->base + reg, v);
}

/* Where there is none, all ones are read. */
static bool
uart_gone(uint8_t lsr)
{
	return lsr == 0xff;
}

/* ---- Receiving ---- */

/* Look for a byte that has arrived. @return false: there is none. A break
 * arrives as a zero that nobody has typed: *@p n stays the same */
static bool
receive(const struct uart *u, char *text, size_t *n)
{
	uint8_t lsr = uart_in(u, REG_LSR);
	char c;

	if (uart_gone(lsr) || !(lsr & LSR_DATA))
		return false;
	c = uart_in(u, REG_DATA);
	if (!(lsr & LSR_BREAK))
		text[(*n)++] = c;
	return true;
}

static void
hand_over(enum console_device dev, const char *text, size_t *n)
{
	if (*n > 0 && console_ops.input)
		console_ops.input(dev, text, *n);
	*n = 0;
}

/* The line is edge-triggered: it must go down before it can rise again, so
 * the FIFO is emptied, or the interrupt turned off and on. */
static void
uart_interrupt(void *arg)
{
	const struct uart *u = arg;
	enum console_device dev = u - uarts;
	char text[64];
	size_t n = 0, total;

	for (total = 0; total < RECEIVE_MAX && receive(u, text, &n); total++)
		if (n == sizeof(text))
			hand_over(dev, text, &n);
	hand_over(dev, text, &n);
	uart_out(u, REG_IER, 0);
	uart_out(u, REG_IER, IER_RECEIVE);
}

/* ---- Sending ---- */

/* Wait for an empty FIFO. @return false: it does not become empty */
static bool
send_ready(const struct uart *u)
{
	uint64_t end;

	if (uart_in(u, REG_LSR) & LSR_EMPTY)
		return true;
	end = clock_ns() + SEND_TIMEOUT;
	while (!(uart_in(u, REG_LSR) & LSR_EMPTY)) {
		if (clock_ns() > end)
			return false;
		cpu_pause();
	}
	return true;
}

static void
send(struct uart *u, const char *text, size_t len)
{
	uint64_t rflags = spin_lock_irqsave(&u->lock);
	size_t i;

	if (send_ready(u))
		for (i = 0; i < len; i++)
			uart_out(u, REG_DATA, text[i]);
	spin_unlock_irqrestore(&u->lock, rflags);
}

void
uart_write(enum console_device dev, const char *text, size_t len)
{
	struct uart *u = &uarts[dev];
	size_t n;

	for (; len > 0; text += n, len -= n) {
		n = MIN(len, (size_t)BURST);
		send(u, text, n);
	}
}

bool
uart_present(enum console_device dev)
{
	return uarts[dev].present;
}

/* ---- Start ---- */

/* The scratch register keeps what is written, where there is a UART. */
static bool
uart_probe(const struct uart *u)
{
	if (uart_gone(uart_in(u, REG_LSR)))
		return false;
	uart_out(u, REG_SCRATCH, 0x5a);
	if (uart_in(u, REG_SCRATCH) != 0x5a)
		return false;
	uart_out(u, REG_SCRATCH, 0xa5);
	return uart_in(u, REG_SCRATCH) == 0xa5;
}

/* 115200 baud, 8 bits, no parity. COM1 is set up so already, and may be in
 * the middle of sending the log: its FIFO is not cleared. */
static void
uart_program(const struct uart *u)
{
	uart_out(u, REG_IER, 0);
	uart_out(u, REG_LCR, LCR_DIVISOR | LCR_8N1);
	uart_out(u, REG_DATA, 1);
	uart_out(u, REG_IER, 0);
	uart_out(u, REG_LCR, LCR_8N1);
	uart_out(u, REG_FCR, FCR_ON | FCR_CLEAR | FCR_TRIGGER_8);
	uart_out(u, REG_MCR, MCR_READY);
}

static void
uart_start(struct uart *u, const char *name)
{
	if (!uart_probe(u))
		return;
	if (u != &uarts[CONSOLE_COM1])
		uart_program(u);
	if (irq_isa_route(u->irq, uart_interrupt, u, name) == 0)
		uart_out(u, REG_IER, IER_RECEIVE);
	else
		kprintf("uart: no interrupt for %s: nothing is received\n",
			name);
	u->present = true;
}

void
uart_init(void)
{
	uart_start(&uarts[CONSOLE_COM1], "COM1");
	uart_start(&uarts[CONSOLE_COM2], "COM2");
}
