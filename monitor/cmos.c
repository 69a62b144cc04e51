/* SPDX-License-Identifier: MIT */
/* monitor/cmos.c - see cmos.h. */
#include "monitor/cmos.h"

#include <stdbool.h>

enum {
	PORT_INDEX,
	PORT_DATA,

	INDEX_NMI_OFF = 0x80, /* a switch of the board's, not of this chip */
};

enum {
	REGISTER_SECOND = 0x00,
	REGISTER_MINUTE = 0x02,
	REGISTER_HOUR = 0x04,
	REGISTER_WEEKDAY = 0x06,
	REGISTER_DAY = 0x07,
	REGISTER_MONTH = 0x08,
	REGISTER_YEAR = 0x09,
	REGISTER_A = 0x0a,
	REGISTER_B = 0x0b,
	REGISTER_C = 0x0c,
	REGISTER_D = 0x0d,
	REGISTER_CENTURY = 0x32,

	A_RUNNING = 0x26, /* 32768 Hz divider, 1024 Hz rate */
	A_WRITABLE = 0x7f,
	B_24_HOURS = 0x02,
	B_BINARY = 0x04,
	B_WRITABLE = B_24_HOURS | B_BINARY,
	D_VALID = 0x80,

	HOUR_PM = 0x80,
	SEEN_CENTURY = 10, /* bit of the register that is not among the first ten */
};

enum {
	SECONDS_PER_DAY = 86400,
	DAYS_PER_YEAR = 365,
	DAYS_PER_4_YEARS = 4 * DAYS_PER_YEAR + 1,
	DAYS_PER_CENTURY = 25 * DAYS_PER_4_YEARS - 1,
	DAYS_PER_ERA = 4 * DAYS_PER_CENTURY + 1, /* after which the calendar repeats */
	DAYS_TO_1970 = 719468,                   /* from 1 March of the year 0 */
	EPOCH_WEEKDAY = 4,                       /* a Thursday, Sunday being 0 */
};

#define TIME_MAX_S INT64_C(253402300799) /* the last second of the year 9999 */

struct calendar {
	unsigned int second, minute, hour; /* 0 to 59, 59, 23 */
	unsigned int weekday;              /* 1 to 7, from Sunday */
	unsigned int day, month;           /* from 1 */
	unsigned int year;
};

void cmos_init(struct cmos *cmos, const struct cmos_ops *ops, void *owner)
{
	*cmos = (struct cmos){
		.state.memory[REGISTER_A] = A_RUNNING,
		.state.memory[REGISTER_B] = B_24_HOURS,
		.state.memory[REGISTER_D] = D_VALID,
		.ops = ops,
		.owner = owner,
	};
}

/*
 * Years are counted from 1 March, so that a leap day is a year's last, and months
 * follow a rhythm of 153 days in five.
 */
static void set_date(struct calendar *calendar, unsigned int days_since_1970)
{
	unsigned int days = days_since_1970 + DAYS_TO_1970;
	unsigned int era = days / DAYS_PER_ERA;
	unsigned int day = days % DAYS_PER_ERA; /* of the era, then of the year */
	unsigned int year;
	unsigned int month; /* from March, which is 0 */

	/* Whole years, once the leap days before this day are taken out. */
	year = (day - day / (DAYS_PER_4_YEARS - 1) + day / DAYS_PER_CENTURY -
		day / (DAYS_PER_ERA - 1)) /
	       DAYS_PER_YEAR;
	day -= year * DAYS_PER_YEAR + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	calendar->day = day - (153 * month + 2) / 5 + 1;
	calendar->month = month < 10 ? month + 3 : month - 9;
	calendar->year = era * 400 + year + (month < 10 ? 0 : 1);
	calendar->weekday = (days_since_1970 + EPOCH_WEEKDAY) % 7 + 1;
}

static struct calendar calendar_at(int64_t time_s)
{
	unsigned int second = (unsigned int)(time_s % SECONDS_PER_DAY);
	struct calendar calendar = {
		.second = second % 60,
		.minute = second / 60 % 60,
		.hour = second / 3600,
	};

	set_date(&calendar, (unsigned int)(time_s / SECONDS_PER_DAY));
	return calendar;
}

static int64_t host_time(const struct cmos *cmos)
{
	int64_t time_s = cmos->ops->now(cmos->owner);

	if (time_s < 0)
		return 0;
	return time_s > TIME_MAX_S ? TIME_MAX_S : time_s;
}

static void stop_clock(struct cmos *cmos, int64_t now_s)
{
	cmos->state.time_s = now_s;
	cmos->state.seen = 0;
}

/* The time for one more register, from the standing clock where that is still good. */
static int64_t standing_time(struct cmos *cmos, uint8_t index)
{
	struct cmos_state *state = &cmos->state;
	unsigned int bit = 1U << (index == REGISTER_CENTURY ? SEEN_CENTURY : index);
	int64_t now_s = host_time(cmos);

	if ((state->seen & bit) || now_s < state->time_s || now_s > state->time_s + 1)
		stop_clock(cmos, now_s);
	state->seen = (uint16_t)(state->seen | bit);
	return state->time_s;
}

static uint8_t encode(const struct cmos_state *state, unsigned int number)
{
	if (state->memory[REGISTER_B] & B_BINARY)
		return (uint8_t)number;
	return (uint8_t)(number / 10 << 4 | number % 10);
}

static uint8_t encode_hour(const struct cmos_state *state, unsigned int hour)
{
	uint8_t encoded;

	if (state->memory[REGISTER_B] & B_24_HOURS)
		return encode(state, hour);
	encoded = encode(state, (hour + 11) % 12 + 1);
	return hour < 12 ? encoded : encoded | HOUR_PM;
}

static bool is_time(uint8_t index)
{
	switch (index) {
	case REGISTER_SECOND:
	case REGISTER_MINUTE:
	case REGISTER_HOUR:
	case REGISTER_WEEKDAY:
	case REGISTER_DAY:
	case REGISTER_MONTH:
	case REGISTER_YEAR:
	case REGISTER_CENTURY: return true;
	default: return false;
	}
}

static uint8_t read_time(struct cmos *cmos, uint8_t index)
{
	const struct cmos_state *state = &cmos->state;
	struct calendar calendar = calendar_at(standing_time(cmos, index));

	switch (index) {
	case REGISTER_SECOND: return encode(state, calendar.second);
	case REGISTER_MINUTE: return encode(state, calendar.minute);
	case REGISTER_HOUR: return encode_hour(state, calendar.hour);
	case REGISTER_WEEKDAY: return encode(state, calendar.weekday);
	case REGISTER_DAY: return encode(state, calendar.day);
	case REGISTER_MONTH: return encode(state, calendar.month);
	case REGISTER_YEAR: return encode(state, calendar.year % 100);
	default: return encode(state, calendar.year / 100);
	}
}

static uint8_t read_indexed(struct cmos *cmos)
{
	uint8_t index = cmos->state.index;

	if (is_time(index))
		return read_time(cmos, index);
	/* A guest reads A to learn that no update is in progress: now it will read the time. */
	if (index == REGISTER_A)
		stop_clock(cmos, host_time(cmos));
	return cmos->state.memory[index];
}

static void write_indexed(struct cmos_state *state, uint8_t value)
{
	switch (state->index) {
	case REGISTER_A: state->memory[REGISTER_A] = value & A_WRITABLE; break;
	case REGISTER_B: state->memory[REGISTER_B] = value & B_WRITABLE; break;
	case REGISTER_C:
	case REGISTER_D: break;
	default: state->memory[state->index] = value; break; /* under the time, never read */
	}
}

static void access_byte(struct cmos *cmos, uint64_t port, uint8_t *data, bool is_write)
{
	if (port == PORT_INDEX && is_write)
		cmos->state.index = (uint8_t)(*data & ~INDEX_NMI_OFF);
	else if (port == PORT_INDEX)
		*data = cmos->state.index;
	else if (is_write)
		write_indexed(&cmos->state, *data);
	else
		*data = read_indexed(cmos);
}

void cmos_access(void *owner, const struct bus_access *access)
{
	for (uint32_t i = 0; i < access->size_bytes; i++)
		access_byte(owner, access->offset + i, &access->data[i], access->is_write);
}
