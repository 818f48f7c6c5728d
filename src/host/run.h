/* SPDX-License-Identifier: MIT */
/*
 * What `ioas run` and the library it preloads say to each other.
 *
 * Tool to library: environment variables, so that every process the program
 * starts has them too.
 *
 *	IOAS_RUN       32 hexadecimal digits that name the run
 *	IOAS_PROFILE   name of the profile
 *	IOAS_DEVICES   device texts as after -d, separated by newlines
 *	IOAS_MEMLOCK   "unlimited", "rlimit", or a number of bytes
 *	IOAS_CONTRACT  "strict", "linux-7.3" or "linux-6.12"
 *	IOAS_DMA_ENTRY_LIMIT  mappings that a container may have
 *	IOAS_INTERRUPTS  "shared": devices can raise each other's interrupts
 *	IOAS_UNSAFE_INTERRUPTS  set: that is allowed
 *	IOAS_FAKE_HUGEPAGES  set: huge pages are pretended
 *	IOAS_REPORT    absolute path of the report file, or not set
 *	IOAS_MMAP      "off": BARs cannot be mapped
 *	IOAS_PIN       "strict": what libc gives back inside is kept as well
 *	IOAS_FRAMES    "identity" or "scattered[:SEED]": physical addresses
 *	IOAS_SHARED    path of the file that all processes of the run share
 *	               (machine/sriov.h), or not set: no virtual functions
 *	IOAS_RUNTIME   sanitizer runtime that the tool put in front of
 *	               LD_PRELOAD, or not set
 *	IOAS_STATS     "1": send statistics at the end
 *	IOAS_CHECK     what is checked, as after --check
 *
 * Library to tool: datagrams to the abstract Unix socket "\0ioas-RUN", one
 * record each: a kind, the process id in decimal, a space, text. Nothing is
 * left in a file system; when the tool has gone (a daemon outlives it), the
 * library appends to the report file, or else writes to descriptor 2.
 *
 * The text of some kinds is lines "name=value", numbers in hexadecimal:
 *
 *	finding  watch/finding.h
 *	module   number, build (id), base (what its addresses are moved by),
 *	         path: a file that the process runs
 *	site     number, frames: MODULE+OFFSET separated by spaces, where OFFSET
 *	         is an address in the file's own numbering, inside the call
 *	stack    number of the finding to come, registers (in the order that
 *	         DWARF has for the processor), at, bytes: the program's stack
 *	         from there on, where it was interrupted
 *	again    number of a finding, count, bytes: it came that often
 *	end      CHECK=COUNT,BYTES for each check that found something: the
 *	         process ends
 *
 * A record comes after those that explain its numbers.
 *
 * A process that opens group N binds "\0ioas-RUN-group-N", and so is the only
 * one of the run that holds it until it closes it or dies. A datagram of 8
 * bytes to that socket asks it for a virtual function in the group.
 *
 * With IOAS_MAP such a process binds "\0ioas-RUN-map-PID" as well. A datagram
 * to it of IOAS_ASK_BYTES, a kind (stats: as text, object: as JSON) and 16
 * bytes that the sender chose, is answered, when the sender has a name and is
 * of the same user or root, by one to the sender: the question, and lines of
 * text.
 */
#ifndef IOAS_HOST_RUN_H
#define IOAS_HOST_RUN_H

#define IOAS_ENV_RUN               "IOAS_RUN"
#define IOAS_ENV_PROFILE           "IOAS_PROFILE"
#define IOAS_ENV_DEVICES           "IOAS_DEVICES"
#define IOAS_ENV_MEMLOCK           "IOAS_MEMLOCK"
#define IOAS_ENV_CONTRACT          "IOAS_CONTRACT"
#define IOAS_ENV_DMA_ENTRY_LIMIT   "IOAS_DMA_ENTRY_LIMIT"
#define IOAS_ENV_FAKE_HUGEPAGES    "IOAS_FAKE_HUGEPAGES"
#define IOAS_ENV_INTERRUPTS        "IOAS_INTERRUPTS"
#define IOAS_ENV_UNSAFE_INTERRUPTS "IOAS_UNSAFE_INTERRUPTS"
#define IOAS_ENV_REPORT            "IOAS_REPORT"
#define IOAS_ENV_MMAP              "IOAS_MMAP"
#define IOAS_ENV_PIN               "IOAS_PIN"
#define IOAS_ENV_FRAMES            "IOAS_FRAMES"
#define IOAS_ENV_DIRTY_PAGES       "IOAS_DIRTY_PAGES"
#define IOAS_ENV_SHARED            "IOAS_SHARED"
#define IOAS_ENV_RUNTIME           "IOAS_RUNTIME"
#define IOAS_ENV_STATS             "IOAS_STATS"
#define IOAS_ENV_MAP               "IOAS_MAP"
#define IOAS_ENV_ON_FAULT          "IOAS_ON_FAULT"
#define IOAS_ENV_CHECK             "IOAS_CHECK"

#define IOAS_RUN_SOCKET "ioas-%s"          /* behind the leading NUL */
#define IOAS_RUN_GROUP  "ioas-%s-group-%u" /* behind the leading NUL */
#define IOAS_RUN_MAP    "ioas-%s-map-%lu"  /* behind the leading NUL */
#define IOAS_RUN_RECORD 8192               /* bytes at most */
#define IOAS_RUN_LINE   2048               /* of all but stacks */

#define IOAS_ASK_BYTES  17
#define IOAS_ASK_ANSWER 65536 /* bytes at most */

enum ioas_record {
	IOAS_RECORD_HELLO = 'H', /* the library is in; text: its version */
	IOAS_RECORD_FINDING = 'F',
	IOAS_RECORD_MODULE = 'M',
	IOAS_RECORD_SITE = 'T',
	IOAS_RECORD_STACK = 'K',
	IOAS_RECORD_AGAIN = 'A',
	IOAS_RECORD_END = 'E',
	IOAS_RECORD_COMPLAINT = 'C', /* about ioas itself, always shown */
	IOAS_RECORD_STATS = 'S',
	IOAS_RECORD_OBJECT =
		'O', /* a line of the report in JSON, but its pid */
};

#endif /* IOAS_HOST_RUN_H */
