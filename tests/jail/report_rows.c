/* SPDX-License-Identifier: MIT */
/*
 * tests/jail/report_rows.c COUNTS - a test for each row of the policy and role: somebody needs it.
 *
 * Rows do not overlap (test_policy.c), so a call that came by a row is one that would have ended
 * its process without that row.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "jail/policy.h"
#include "tests/jail/row_counts.h"

static void describe(const struct policy_row *row)
{
	printf("%s", row->name);
	if (row->argument != POLICY_ANY)
		printf(" with %s", row->value_name);
}

/*
 * How often a role came by a row.  A broker is a launcher with more to do: what the one needs for
 * its own work the other needs too.
 */
static uint64_t seen_by(const struct row_counts *counts, enum jail_role role, size_t row)
{
	uint64_t seen = atomic_load(&counts->seen[role][row]);

	if (role == JAIL_ROLE_BROKER)
		seen += atomic_load(&counts->seen[JAIL_ROLE_LAUNCHER][row]);
	return seen;
}

/* Returns whether the row may stay. */
static bool report(const struct policy_row *row, enum jail_role role, uint64_t seen,
		   unsigned int number)
{
	bool passed = seen > 0 || row->use == POLICY_RARE;

	printf("%sok %u - %s: ", passed ? "" : "not ", number, jail_role_name(role));
	describe(row);
	if (seen > 0)
		printf(": %" PRIu64 " times\n", seen);
	else if (passed)
		printf(": rare # SKIP %s\n", row->reason);
	else
		printf(": nobody needs it\n");
	return passed;
}

int main(int argc, char *argv[])
{
	const struct row_counts *counts = argc == 2 ? row_counts_open(argv[1]) : NULL;
	unsigned int number = 0;
	bool passed = true;

	if (!counts) {
		perror("report_rows");
		return EXIT_FAILURE;
	}
	for (int role = 0; role < JAIL_ROLES; role++)
		for (size_t i = 0; i < policy_row_count; i++)
			if (policy_rows[i].roles & POLICY_ROLE(role))
				passed &= report(&policy_rows[i], (enum jail_role)role,
						 seen_by(counts, (enum jail_role)role, i),
						 ++number);
	printf("1..%u\n", number);
	return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
