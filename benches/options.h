/* SPDX-License-Identifier: MIT */
/*
 * benches/options.h - the command line of a benchmark, as a table of its options.
 *
 *     static const struct options_row rows[] = {
 *             {.name = "guest", .file = &options.guest, .is_required = true},
 *             {.name = "rounds", .number = &options.rounds, .minimum = 1, .maximum = 200,
 *              .usual = 9, .quick = 5},
 *             {.name = "quick", .flag = &options.is_quick},
 *     };
 *
 * An option is "--NAME VALUE", a flag "--NAME".  Which of `text`, `file`, `number` and `flag` is
 * set says what a row is: a file has to be there, and its path becomes absolute.  A number that
 * nobody gave becomes `usual`, or `quick` if the flag "quick" was given and the row has such a
 * value; a text or file stays what it was.
 */
#ifndef BENCHES_OPTIONS_H
#define BENCHES_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum {
	OPTIONS_ROWS_MAX = 32,
	OPTIONS_REASON_BYTES = 256,
};

struct options_row {
	const char *name;
	const char **text;
	const char **file;
	size_t *number;
	bool *flag;
	bool is_required; /* of texts and files */
	size_t minimum;
	size_t maximum;
	size_t usual;
	size_t quick; /* 0: the usual one */
};

/*
 * Read the command line into what the rows point to.  Returns 0, or -EINVAL with a sentence about
 * what is wrong.  Absolute paths are kept until exit.
 */
int options_read(const struct options_row *rows, size_t count, int argc, char *argv[],
		 char reason[OPTIONS_REASON_BYTES]);

/* The same; what is wrong ends the program with the sentence and the usage. */
void options_take(const struct options_row *rows, size_t count, int argc, char *argv[]);

#endif
