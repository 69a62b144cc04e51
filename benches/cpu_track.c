/* SPDX-License-Identifier: MIT */
/* benches/cpu_track.c - see cpu_track.h. */
#include "benches/cpu_track.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benches/clock.h"

#define NS_PER_S UINT64_C(1000000000)

static void watch(struct cpu_track *track, pid_t pid)
{
	clockid_t clock;

	if (track->process_count == CPU_TRACK_PROCESSES_MAX)
		return;
	if (clock_getcpuclockid(pid, &clock) != 0)
		return;
	track->pids[track->process_count] = pid;
	track->clocks[track->process_count++] = clock;
}

void cpu_track_begin(struct cpu_track *track, pid_t pid)
{
	track->process_count = 0;
	track->sample_count = 0;
	watch(track, pid);
}

static bool is_watched(const struct cpu_track *track, pid_t pid)
{
	for (size_t at = 0; at < track->process_count; at++)
		if (track->pids[at] == pid)
			return true;
	return false;
}

/* proc(5): "PID (NAME) STATE PPID ...", where a name may hold blanks and parentheses. */
static pid_t parent_of(const char *pid_text)
{
	char path[64];
	char text[512];
	const char *after_name;
	FILE *file;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid_text);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	after_name = strrchr(text, ')');
	if (after_name == NULL || strlen(after_name) < sizeof(") S "))
		return 0;
	return (pid_t)strtol(after_name + strlen(") S "), NULL, 10);
}

/* A child has a larger number than its parent but for the rare wrap, so one pass mostly does. */
static void watch_descendants(struct cpu_track *track)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;

	if (processes == NULL)
		return;
	while ((entry = readdir(processes)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && !is_watched(track, pid) &&
		    is_watched(track, parent_of(entry->d_name)))
			watch(track, pid);
	}
	closedir(processes);
}

static bool read_clock_ns(clockid_t clock, uint64_t *ns)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0)
		return false;
	*ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
	return true;
}

void cpu_track_sample(struct cpu_track *track)
{
	struct cpu_sample sample = {0};
	uint64_t ns;

	if (track->sample_count == CPU_TRACK_SAMPLES_MAX)
		return;
	if (track->sample_count < CPU_TRACK_SEARCHES)
		watch_descendants(track);
	for (size_t at = 0; at < track->process_count; at++) {
		if (!read_clock_ns(track->clocks[at], &ns))
			return;
		sample.cpu_ns += ns;
	}
	sample.at_ns = clock_now_ns();
	track->samples[track->sample_count++] = sample;
}

/* Processor time used up to a moment between the first and the last sample. */
static double cpu_ns_at(const struct cpu_track *track, uint64_t at_ns)
{
	const struct cpu_sample *after = &track->samples[1];
	const struct cpu_sample *before;

	while (after->at_ns < at_ns)
		after++;
	before = after - 1;
	if (after->at_ns == before->at_ns)
		return (double)after->cpu_ns;
	return (double)before->cpu_ns + ((double)after->cpu_ns - (double)before->cpu_ns) *
						(double)(at_ns - before->at_ns) /
						(double)(after->at_ns - before->at_ns);
}

double cpu_track_rate(const struct cpu_track *track, uint64_t from_ns, uint64_t to_ns)
{
	if (track->sample_count < 2 || from_ns >= to_ns || from_ns < track->samples[0].at_ns ||
	    to_ns > track->samples[track->sample_count - 1].at_ns)
		return 0;
	return (cpu_ns_at(track, to_ns) - cpu_ns_at(track, from_ns)) / (double)(to_ns - from_ns);
}
