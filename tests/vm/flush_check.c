/* SPDX-License-Identifier: MIT */
/*
 * tests/vm/flush_check.c - does a disk hold what block_flush.c reported as flushed?
 *
 *	flush_check DISK REPORT
 *
 * REPORT is the guest's console, which may end anywhere; a last line without an end does not count.
 * A sector is right if it is whole and of the round that was reported last, or of a
 * later one, whose report was not made or is lost.  Prints what is wrong, then one line with the
 * sum; exit status 0 if nothing is wrong, 1 if something is, 2 if it cannot tell.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/guests/flush_pattern.h"

enum {
	EXIT_TROUBLE = 2
};

struct disk {
	int fd;
	uint64_t sectors;
	uint64_t *rounds; /* what was reported last for each sector; 0: nothing */
};

static void open_disk(struct disk *disk, const char *path)
{
	struct stat status;

	disk->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (disk->fd < 0 || fstat(disk->fd, &status) < 0)
		err(EXIT_TROUBLE, "%s", path);
	disk->sectors = (uint64_t)status.st_size / FLUSH_SECTOR_BYTES;
	disk->rounds = calloc(disk->sectors, sizeof(*disk->rounds));
	if (!disk->rounds)
		err(EXIT_TROUBLE, "calloc");
}

/* Returns false if the report is not about this disk. */
static bool note(struct disk *disk, uint64_t sector, uint64_t count, uint64_t round)
{
	if (sector >= disk->sectors || count > disk->sectors - sector)
		return false;
	for (uint64_t at = sector; at < sector + count; at++)
		if (disk->rounds[at] < round)
			disk->rounds[at] = round;
	return true;
}

/* Returns how many reports there were. */
static uint64_t read_reports(struct disk *disk, const char *path)
{
	FILE *file = fopen(path, "re");
	uint64_t reports = 0;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	if (!file)
		err(EXIT_TROUBLE, "%s", path);
	while ((length = getline(&line, &room, file)) > 0 && line[length - 1] == '\n') {
		uint64_t sector;
		uint64_t count;
		uint64_t round;

		if (sscanf(line, "flushed %" SCNu64 " %" SCNu64 " %" SCNu64, &sector, &count,
			   &round) != 3 ||
		    !note(disk, sector, count, round))
			errx(EXIT_TROUBLE, "%s: not a report: %s", path, line);
		reports++;
	}
	free(line);
	fclose(file);
	return reports;
}

static bool sector_is_right(const struct disk *disk, uint64_t sector)
{
	struct flush_sector found;

	if (pread(disk->fd, &found, sizeof(found), (off_t)(sector * sizeof(found))) !=
	    sizeof(found))
		err(EXIT_TROUBLE, "pread");
	if (flush_is_whole(&found, sector) && found.round >= disk->rounds[sector])
		return true;
	printf("sector %" PRIu64 ": flushed in round %" PRIu64 ", found %s of round %" PRIu64 "\n",
	       sector, disk->rounds[sector],
	       flush_is_whole(&found, sector) ? "the sector" : "what is no sector", found.round);
	return false;
}

int main(int argc, char *argv[])
{
	struct disk disk;
	uint64_t reports;
	uint64_t checked = 0;
	uint64_t wrong = 0;

	if (argc != 3)
		errx(EXIT_TROUBLE, "usage: flush_check DISK REPORT");
	open_disk(&disk, argv[1]);
	reports = read_reports(&disk, argv[2]);
	for (uint64_t sector = 0; sector < disk.sectors; sector++) {
		if (disk.rounds[sector] == 0)
			continue;
		checked++;
		wrong += !sector_is_right(&disk, sector);
	}
	printf("%" PRIu64 " reports, %" PRIu64 " sectors checked, %" PRIu64 " wrong\n", reports,
	       checked, wrong);
	free(disk.rounds);
	close(disk.fd);
	return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
