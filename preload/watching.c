/* SPDX-License-Identifier: MIT */
#include "preload/watching.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include "host/host.h"
#include "preload/say.h"
#include "preload/sites.h"
#include "preload/snapshot.h"
#include "preload/wrap.h"
#include "watch/watch.h"

/* Text of a finding without the tool: a site takes a few lines. */
#define TEXT_MAX 4096

static struct ioas_watch watch;

/* ---- What the watch needs. ---- */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint32_t thread(void)
{
	static __thread uint32_t number
		__attribute__((tls_model("initial-exec")));

	if (!number)
		number = (uint32_t)ioas_sys(SYS_gettid, 0, 0, 0, 0, 0, 0);
	return number;
}

static void complain(const char *text)
{
	ioas_say(IOAS_RECORD_COMPLAINT, text);
}

/* ---- Findings to the tool, or without it. ---- */

static void write_site(const struct ioas_finding_writer *self,
                       struct ioas_text *text, const char *label, uint32_t site)
{
	(void)self;
	ioas_site_text(text, label, site);
}

static void found_alone(const struct ioas_finding *finding)
{
	static const struct ioas_finding_writer writer = {write_site};
	char room[TEXT_MAX];
	struct ioas_text text = {room, 0, sizeof(room)};

	ioas_finding_text(finding, &writer, &text);
	room[text.used - 1] = '\n';
	ioas_say_alone(room, false);
}

static void found(const struct ioas_finding *finding)
{
	/* Behind the kind and the process id. */
	char record[IOAS_RUN_LINE - 16];

	ioas_finding_encode(finding, record, sizeof(record));
	if (!ioas_site_send(finding->site_map) ||
	    !ioas_site_send(finding->site_gone) ||
	    !ioas_site_send(finding->site_now) ||
	    !ioas_site_send(finding->site_registered) ||
	    !ioas_snapshot_send(finding->number) ||
	    !ioas_say_tool(IOAS_RECORD_FINDING, record))
		found_alone(finding);
}

/* ---- The end. ---- */

static void say_again(uint32_t number, uint64_t count, uint64_t bytes)
{
	char record[128];
	struct ioas_text text = {record, 0, sizeof(record)};

	ioas_text_add(&text,
	              "number=%x\ncount=%" PRIx64 "\nbytes=%" PRIx64 "\n",
	              number, count, bytes);
	ioas_say_tool(IOAS_RECORD_AGAIN, record);
}

static void say_end_alone(const struct ioas_tally tally[IOAS_CHECK_NR])
{
	char line[512];
	struct ioas_text text = {line, 0, sizeof(line) - 1};

	ioas_summary_text(tally, &text);
	line[text.used] = '\n';
	line[text.used + 1] = '\0';
	ioas_say_alone(line, false);
}

void ioas_watching_end(void)
{
	struct ioas_tally tally[IOAS_CHECK_NR];
	char record[1024];
	struct ioas_text text = {record, 0, sizeof(record)};
	unsigned int i;

	ioas_watch_tally(&watch, tally);
	for (i = 0; i < IOAS_CHECK_NR; i++)
		if (tally[i].count)
			ioas_text_add(&text, "%s=%" PRIx64 ",%" PRIx64 "\n",
			              ioas_checks[i].name, tally[i].count,
			              tally[i].bytes);
	if (!text.used)
		return;
	ioas_watch_repeated(&watch, say_again);
	if (!ioas_say_tool(IOAS_RECORD_END, record))
		say_end_alone(tally);
}

/* ---- Life. ---- */

static uint32_t checks_wanted(void)
{
	const char *list = getenv(IOAS_ENV_CHECK);
	const char *wrong;
	uint32_t checks;
	size_t length;

	if (!list || !ioas_checks_parse(list, &checks, &wrong, &length))
		ioas_checks_parse("default", &checks, &wrong, &length);
	return checks;
}

void ioas_watching_begin(void)
{
	static const struct ioas_watch_ways ways = {found, complain, now,
	                                            thread};
	uint32_t checks = checks_wanted();

	ioas_watch_init(&watch, &ways, checks);
	if (checks)
		ioas_sites_begin();
}

void ioas_watching_forked(void)
{
	ioas_watch_forget(&watch);
	ioas_sites_forked();
}
