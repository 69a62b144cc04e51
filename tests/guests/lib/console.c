/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/console.c - see console.h; register names after the 16550D data sheet. */
#include "tests/guests/lib/console.h"

#include <stdarg.h>

#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/interrupt.h"
#include "tests/guests/lib/string.h"

enum {
	SERIAL_DATA = SERIAL_PORT,
	SERIAL_INTERRUPT_ENABLE = SERIAL_PORT + 1,
	SERIAL_MODEM_CONTROL = SERIAL_PORT + 4,
	SERIAL_LINE_STATUS = SERIAL_PORT + 5,
	ENABLE_RECEIVE = 1 << 0,
	MODEM_READY = 0x0b, /* DTR, RTS, and OUT2, which lets the interrupt through */
	MODEM_LOOPBACK = 1 << 4,
	STATUS_DATA_READY = 1 << 0,
	LOOPBACK_TRIES = 1000,
};

/* A text under construction. */
struct text {
	char bytes[PRINT_MAX_BYTES];
	size_t length;
};

static uint32_t print_lock;

void console_write(const char *bytes, size_t size_bytes)
{
	port_write_string(SERIAL_DATA, bytes, (uint32_t)size_bytes);
}

static void text_add(struct text *text, char byte)
{
	if (text->length < sizeof(text->bytes))
		text->bytes[text->length++] = byte;
}

static void text_add_padded(struct text *text, const char *bytes, size_t length, size_t width,
			    char pad)
{
	while (width > length) {
		text_add(text, pad);
		width--;
	}
	while (length-- > 0)
		text_add(text, *bytes++);
}

static void text_add_number(struct text *text, uint64_t number, unsigned int base, size_t width,
			    char pad)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number != 0);
	text_add_padded(text, digits + at, sizeof(digits) - at, width, pad);
}

static uint64_t take_signed(va_list *arguments, bool is_long, struct text *text)
{
	int64_t number = is_long ? va_arg(*arguments, int64_t) : va_arg(*arguments, int);

	if (number >= 0)
		return (uint64_t)number;
	text_add(text, '-');
	return -(uint64_t)number;
}

static uint64_t take_unsigned(va_list *arguments, bool is_long)
{
	return is_long ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned int);
}

/* One conversion, from behind its percent sign; returns what follows it. */
static const char *text_add_conversion(struct text *text, const char *format, va_list *arguments)
{
	char pad = *format == '0' ? '0' : ' ';
	size_t width = 0;
	bool is_long = false;
	const char *string;

	for (; *format >= '0' && *format <= '9'; format++)
		width = width * 10 + (size_t)(*format - '0');
	for (; *format == 'l'; format++)
		is_long = true;
	switch (*format) {
	case 'c': text_add(text, (char)va_arg(*arguments, int)); break;
	case 's':
		string = va_arg(*arguments, const char *);
		text_add_padded(text, string, strlen(string), width, ' ');
		break;
	case 'd':
		text_add_number(text, take_signed(arguments, is_long, text), 10, width, pad);
		break;
	case 'u': text_add_number(text, take_unsigned(arguments, is_long), 10, width, pad); break;
	case 'x': text_add_number(text, take_unsigned(arguments, is_long), 16, width, pad); break;
	default: text_add(text, *format);
	}
	return *format == '\0' ? format : format + 1;
}

void print(const char *format, ...)
{
	struct text text;
	va_list arguments;

	text.length = 0;
	va_start(arguments, format);
	while (*format != '\0')
		if (*format != '%')
			text_add(&text, *format++);
		else
			format = text_add_conversion(&text, format + 1, &arguments);
	va_end(arguments);
	while (__atomic_exchange_n(&print_lock, 1, __ATOMIC_ACQUIRE) != 0)
		cpu_relax();
	console_write(text.bytes, text.length);
	__atomic_store_n(&print_lock, 0, __ATOMIC_RELEASE);
}

void console_interrupts_on(void)
{
	interrupt_route(SERIAL_GSI);
	port_write8(SERIAL_MODEM_CONTROL, MODEM_READY);
}

void console_receive_start(void)
{
	console_interrupts_on();
	port_write8(SERIAL_INTERRUPT_ENABLE, ENABLE_RECEIVE);
}

char console_read(void)
{
	for (;;) {
		uint32_t seen = interrupt_count(SERIAL_GSI);

		if (port_read8(SERIAL_LINE_STATUS) & STATUS_DATA_READY)
			return (char)port_read8(SERIAL_DATA);
		interrupt_wait(SERIAL_GSI, seen);
	}
}

bool console_loopback(uint8_t byte)
{
	uint8_t control = port_read8(SERIAL_MODEM_CONTROL);
	bool equal = false;

	port_write8(SERIAL_MODEM_CONTROL, control | MODEM_LOOPBACK);
	port_write8(SERIAL_DATA, byte);
	for (int tries = 0; tries < LOOPBACK_TRIES; tries++) {
		if (port_read8(SERIAL_LINE_STATUS) & STATUS_DATA_READY) {
			equal = port_read8(SERIAL_DATA) == byte;
			break;
		}
	}
	port_write8(SERIAL_MODEM_CONTROL, control);
	return equal;
}
