/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/elf_check.h - parse an ELF file against a guard page, and check what comes back.
 */
#ifndef TESTS_UNIT_ELF_CHECK_H
#define TESTS_UNIT_ELF_CHECK_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/elf_image.h"
#include "tests/unit/guard.h"
#include "tests/unit/image_builder.h"

static inline int parse_in(struct elf_image *elf, const struct image *image, uint64_t ram_bytes,
			   struct reason *reason)
{
	struct guard guard = guard_copy(image->bytes, image->length);
	struct file_view view = {.bytes = guard.bytes, .length_bytes = image->length};
	int error = elf_image_parse(elf, &view, ram_bytes, reason);

	guard_release(&guard);
	return error;
}

static inline void assert_parses(struct elf_image *elf, const struct image *image)
{
	struct reason reason = {""};

	if (parse_in(elf, image, IMAGE_RAM_BYTES, &reason))
		fail_msg("refused: %s", reason.text);
}

/* It is refused in exactly these words, and the output stays as it was. */
static inline void assert_says(const struct image *image, uint64_t ram_bytes, int error,
			       const char *text)
{
	struct elf_image elf;
	struct elf_image untouched;
	struct reason reason = {""};

	memset(&elf, 0x5a, sizeof(elf));
	untouched = elf;
	assert_int_equal(parse_in(&elf, image, ram_bytes, &reason), error);
	assert_string_equal(reason.text, text);
	assert_memory_equal(&elf, &untouched, sizeof(elf));
}

/* One field of a valid file that is changed, and what is then said. */
struct refusal {
	size_t offset;
	size_t width;
	uint64_t value;
	const char *text;
	int error;
};

/* Offset and width of a field, for a struct refusal. */
#define EHDR(field) offsetof(Elf64_Ehdr, field), sizeof(((Elf64_Ehdr *)0)->field)
#define PHDR(index, field)                                                               \
	sizeof(Elf64_Ehdr) + (index) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field), \
		sizeof(((Elf64_Phdr *)0)->field)

static inline void assert_all_refused(const struct refusal *refusals, size_t count,
				      uint64_t ram_bytes)
{
	for (size_t i = 0; i < count; i++) {
		struct image image;

		image_elf(&image);
		memcpy(image.bytes + refusals[i].offset, &refusals[i].value, refusals[i].width);
		assert_says(&image, ram_bytes, refusals[i].error, refusals[i].text);
	}
}

#define ASSERT_ALL_REFUSED(refusals, ram_bytes) \
	assert_all_refused(refusals, sizeof(refusals) / sizeof((refusals)[0]), ram_bytes)

#endif
