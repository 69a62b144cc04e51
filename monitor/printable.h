/* SPDX-License-Identifier: MIT */
/*
 * monitor/printable.h - text from outside, made fit for a terminal.
 *
 * A terminal obeys control characters, and a line of a log or a report is one line.  So whatever
 * names, values and messages of others are shown to a person goes through here.  Pure.
 */
#ifndef MONITOR_PRINTABLE_H
#define MONITOR_PRINTABLE_H

/*
 * Put a question mark for every byte of a control character (C0, DEL and C1) and for every byte
 * that is not part of well-formed UTF-8 (RFC 3629).  Other characters stay; so does the length.
 */
void printable_filter(char *text);

#endif
