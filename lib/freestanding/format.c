/*
 * The formatter of format.h. A conversion is read into a struct spec, its
 * argument turned into a prefix (sign or 0x), zeros and a body, and these are
 * padded and put out by emit.
 */
#include <stdbool.h>
#include <stdint.h>
#include "format.h"
#include "string.h"

/** Where the characters go, and how many went. */
struct sink {
	format_put *put;
	void *arg;
	int count;
};

struct spec {
	bool left, plus, space, alt, zero;
	int width;
	int precision; /* -1: none given */
	char length;   /* 0, 'H' for hh, 'h', 'l', 'L' for ll, 'z', 'j', 't' */
	char conv;
};

static void
put(struct sink *out, char c)
{
	out->put(out->arg, c);
	out->count++;
}

static void
put_many(struct sink *out, char c, long n)
{
	for (; n > 0; n--)
		put(out, c);
}

/** Puts prefix, zeros and body, padded to the width. */
static void
emit(struct sink *out, const struct spec *sp, const char *prefix, long zeros,
     const char *body, size_t len)
{
	long pad = sp->width - (long)strlen(prefix) - zeros - (long)len;

	if (!sp->left)
		put_many(out, ' ', pad);
	while (*prefix != '\0')
		put(out, *prefix++);
	put_many(out, '0', zeros);
	for (size_t i = 0; i < len; i++)
		put(out, body[i]);
	if (sp->left)
		put_many(out, ' ', pad);
}

static int64_t
take_signed(const struct spec *sp, va_list *ap)
{
	switch (sp->length) {
	case 'H':
		return (signed char)va_arg(*ap, int);
	case 'h':
		return (short)va_arg(*ap, int);
	case 0:
		return va_arg(*ap, int);
	default: /* all the others are 64 bits on x86-64 */
		return va_arg(*ap, int64_t);
	}
}

static uint64_t
take_unsigned(const struct spec *sp, va_list *ap)
{
	switch (sp->length) {
	case 'H':
		return (unsigned char)va_arg(*ap, unsigned);
	case 'h':
		return (unsigned short)va_arg(*ap, unsigned);
	case 0:
		return va_arg(*ap, unsigned);
	default:
		return va_arg(*ap, uint64_t);
	}
}

/** Puts a number: the digits, with the zeros that precision or 0 asks for. */
static void
emit_number(struct sink *out, const struct spec *sp, const char *prefix,
	    uint64_t value, unsigned base)
{
	const char *digits =
		sp->conv == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char buf[24]; /* 64 bits are 22 octal digits */
	char *p = buf + sizeof(buf);
	long len, zeros = 0;

	for (; value != 0; value /= base)
		*--p = digits[value % base];
	len = buf + sizeof(buf) - p;
	if (sp->precision >= 0)
		zeros = sp->precision - len;
	else if (sp->zero && !sp->left)
		zeros = sp->width - (long)strlen(prefix) - len;
	if (sp->precision < 0 && len == 0 && zeros < 1)
		zeros = 1;
	if (base == 8 && sp->alt && zeros < 1)
		zeros = 1;
	emit(out, sp, prefix, zeros > 0 ? zeros : 0, p, (size_t)len);
}

static void
convert_signed(struct sink *out, const struct spec *sp, int64_t value)
{
	const char *sign = sp->plus ? "+" : sp->space ? " " : "";
	uint64_t magnitude = (uint64_t)value;

	if (value < 0) {
		sign = "-";
		magnitude = -magnitude;
	}
	emit_number(out, sp, sign, magnitude, 10);
}

static void
convert_unsigned(struct sink *out, const struct spec *sp, uint64_t value)
{
	const char *prefix = "";
	unsigned base = 10;

	if (sp->conv == 'o')
		base = 8;
	if (sp->conv == 'x' || sp->conv == 'X') {
		base = 16;
		if (sp->alt && value != 0)
			prefix = sp->conv == 'x' ? "0x" : "0X";
	}
	emit_number(out, sp, prefix, value, base);
}

static void
convert_string(struct sink *out, const struct spec *sp, const char *s)
{
	size_t max = sp->precision < 0 ? SIZE_MAX : (size_t)sp->precision;

	if (s == NULL)
		s = "(null)";
	emit(out, sp, "", 0, s, strnlen(s, max));
}

static void
convert(struct sink *out, const struct spec *sp, va_list *ap)
{
	char c;

	switch (sp->conv) {
	case 'd':
	case 'i':
		convert_signed(out, sp, take_signed(sp, ap));
		break;
	case 'u':
	case 'o':
	case 'x':
	case 'X':
		convert_unsigned(out, sp, take_unsigned(sp, ap));
		break;
	case 'p':
		emit_number(out, sp, "0x", (uintptr_t)va_arg(*ap, void *), 16);
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		emit(out, sp, "", 0, &c, 1);
		break;
	case 's':
		convert_string(out, sp, va_arg(*ap, const char *));
		break;
	}
}

static const char *
read_flags(const char *f, struct spec *sp)
{
	for (;; f++) {
		switch (*f) {
		case '-':
			sp->left = true;
			break;
		case '+':
			sp->plus = true;
			break;
		case ' ':
			sp->space = true;
			break;
		case '#':
			sp->alt = true;
			break;
		case '0':
			sp->zero = true;
			break;
		default:
			return f;
		}
	}
}

/** Reads digits or *; stays below INT_MAX / 10, far more than anyone means. */
static const char *
read_number(const char *f, int *n, va_list *ap)
{
	if (*f == '*') {
		*n = va_arg(*ap, int);
		return f + 1;
	}
	for (*n = 0; *f >= '0' && *f <= '9'; f++)
		if (*n < 10000000)
			*n = *n * 10 + (*f - '0');
	return f;
}

static const char *
read_length(const char *f, struct spec *sp)
{
	if (strchr("hlzjt", *f) == NULL || *f == '\0')
		return f;
	sp->length = *f++;
	if (sp->length == *f && (*f == 'h' || *f == 'l'))
		sp->length = *f++ == 'h' ? 'H' : 'L';
	return f;
}

/** Reads what follows a %. @return the conversion character's place */
static const char *
read_spec(const char *f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){ .precision = -1 };
	f = read_flags(f, sp);
	f = read_number(f, &sp->width, ap);
	if (sp->width < 0) {
		sp->left = true;
		sp->width = sp->width < -10000000 ? 10000000 : -sp->width;
	}
	if (*f == '.')
		f = read_number(f + 1, &sp->precision, ap);
	f = read_length(f, sp);
	sp->conv = *f;
	return f;
}

int
format(format_put *putc, void *arg, const char *fmt, va_list ap)
{
	struct sink out = { putc, arg, 0 };
	struct spec sp;
	va_list args; /* a copy, for a va_list parameter has no address */

	va_copy(args, ap);
	for (const char *f = fmt; *f != '\0'; f++) {
		const char *start = f;

		if (*f != '%') {
			put(&out, *f);
			continue;
		}
		f = read_spec(f + 1, &sp, &args);
		if (sp.conv == '%') {
			put(&out, '%');
		} else if (sp.conv != '\0' && strchr("diuoxXpcs", sp.conv)) {
			convert(&out, &sp, &args);
		} else {
			f = start; /* unknown: as it stands, the % now */
			put(&out, '%');
		}
	}
	va_end(args);
	return out.count;
}

/** A buffer being filled by put_buffer. */
struct buffer {
	char *at, *end;
};

static void
put_buffer(void *arg, char c)
{
	struct buffer *b = arg;

	if (b->at < b->end)
		*b->at++ = c;
}

int
vsnformat(char *buf, size_t n, const char *fmt, va_list ap)
{
	struct buffer b = { buf, n > 0 ? buf + n - 1 : buf };
	int count = format(put_buffer, &b, fmt, ap);

	if (n > 0)
		*b.at = '\0';
	return count;
}

int
snformat(char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;
	int count;

	va_start(ap, fmt);
	count = vsnformat(buf, n, fmt, ap);
	va_end(ap);
	return count;
}
