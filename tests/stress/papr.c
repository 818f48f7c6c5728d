/* SPDX-License-Identifier: MIT */
/*
 * A guest of two processors that maps and clears while its windows, and part of
 * its memory, come and go.
 *
 *	two processors  hypercalls of all kinds, by every LIOBN
 *	firmware        creates, removes and resets windows through RTAS
 *	hypervisor      takes a piece of memory away and puts it back
 *
 * papr [SECONDS]. The exit status is 1 when a law was broken, whose name is
 * printed. What was seen is printed as well: a stress in which nothing met
 * would show nothing.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ioas/mem.h>
#include <ioas/papr.h>

#include "base/atomic.h"
#include "host/host.h"

#define PAGE   (UINT64_C(1) << 16)
#define PAGES  64 /* of each piece of memory */
#define LIOBN  0x100
#define HIGH   (UINT64_C(1) << 59)
#define SECOND (UINT64_C(1) << 32) /* guest's address of the other piece */
#define BLOCK  (PAGE * (PAGES - 1))
#define LIST   (PAGE * (PAGES - 3)) /* and one for the second processor */

static struct {
	struct ioas_registry *registry;
	struct ioas_holder *holder;
	struct ioas_windows *windows;
	struct ioas_papr *papr;
	unsigned char *memory; /* both pieces */
	struct ioas_a32 stop;
} s;

/* What happened, by thread. */
static struct seen {
	uint64_t done, refused, hard, random;
} seen[4] = {{.random = 1}, {.random = 2}, {.random = 3}, {.random = 4}};

static _Noreturn void broken(const char *law, const char *what, int64_t is)
{
	printf("%s is broken: %s (%lld)\n", law, what, (long long)is);
	fflush(stdout);
	_exit(1);
}

/* Marsaglia's xorshift with the shifts 13, 7, 17. */
static uint64_t any(struct seen *who, uint64_t below)
{
	who->random ^= who->random << 13;
	who->random ^= who->random >> 7;
	who->random ^= who->random << 17;
	return (who->random * UINT64_C(0x2545f4914f6cdd1d) >> 33) % below;
}

static void store_be(uint64_t at, uint64_t value, unsigned int bytes)
{
	for (; bytes--; value >>= 8)
		s.memory[at + bytes] = (unsigned char)value;
}

/* ---- Processors ---- */

static uint64_t any_entry(struct seen *who)
{
	uint64_t gpa = any(who, PAGES) * PAGE + (any(who, 2) ? SECOND : 0);

	return gpa | any(who, 4);
}

static void fill_in(struct ioas_hypercall *call, struct seen *who, uint64_t own)
{
	static const uint64_t number[] = {IOAS_H_PUT_TCE, IOAS_H_STUFF_TCE,
	                                  IOAS_H_GET_TCE,
	                                  IOAS_H_PUT_TCE_INDIRECT};
	uint64_t slot = any(who, 2), i;

	call->number = number[any(who, 4)];
	call->may_sleep = any(who, 4) != 0;
	call->arg[0] = LIOBN + slot;
	call->arg[1] = any(who, 100) * PAGE + (any(who, 2) ? HIGH : 0);
	call->arg[3] = any(who, 20);
	call->arg[2] = any_entry(who);
	if (call->number == IOAS_H_STUFF_TCE)
		call->arg[2] = 0;
	if (call->number != IOAS_H_PUT_TCE_INDIRECT)
		return;
	call->arg[2] = LIST + own * PAGE;
	for (i = 0; i < call->arg[3]; i++)
		store_be(call->arg[2] + 8 * i, any_entry(who), 8);
}

static void *processor(void *arg)
{
	uint64_t own = (uintptr_t)arg;
	struct seen *who = &seen[own];

	while (!ioas_a32_load(&s.stop)) {
		struct ioas_hypercall call = {0};
		int64_t answer;

		fill_in(&call, who, own);
		answer = ioas_papr_hypercall(s.papr, &call);
		who->done += answer == IOAS_H_SUCCESS;
		who->refused += answer == IOAS_H_PARAMETER;
		who->hard += answer == IOAS_H_TOO_HARD;
		if (answer == IOAS_H_TOO_HARD && call.may_sleep)
			broken("PAPR-2", "too hard, and it may sleep", answer);
		if (answer < 0 && answer != IOAS_H_PARAMETER)
			broken("PAPR-2", "an answer nobody gives", answer);
	}
	return NULL;
}

/* ---- Firmware and hypervisor ---- */

static int32_t rtas(const uint32_t *cell, unsigned int nr)
{
	unsigned int i;
	int rc;

	for (i = 0; i < nr; i++)
		store_be(BLOCK + 4 * i, cell[i], 4);
	rc = ioas_papr_rtas(s.papr, BLOCK);
	if (rc)
		broken("PAPR-7", "a block that is there", rc);
	return (int32_t)((uint32_t)s.memory[BLOCK + 4 * nr] << 24 |
	                 (uint32_t)s.memory[BLOCK + 4 * nr + 1] << 16 |
	                 (uint32_t)s.memory[BLOCK + 4 * nr + 2] << 8 |
	                 s.memory[BLOCK + 4 * nr + 3]);
}

static void *firmware(void *arg)
{
	static const uint32_t create[] = {2, 5, 4, 0, 0, 1, 16, 26};
	static const uint32_t reset[] = {4, 3, 1, 0, 0, 1};
	struct seen *who = &seen[2];

	(void)arg;
	while (!ioas_a32_load(&s.stop)) {
		uint32_t gone[] = {3, 1, 1, LIOBN + (uint32_t)any(who, 2)};
		unsigned int what = (unsigned int)any(who, 5);
		int32_t status = what < 2   ? rtas(create, 8)
		                 : what < 4 ? rtas(gone, 4)
		                            : rtas(reset, 6);

		who->done += status == IOAS_RTAS_SUCCESS;
		who->refused += status != IOAS_RTAS_SUCCESS;
		if (what == 4 && status)
			broken("PAPR-7", "a reset failed", status);
	}
	return NULL;
}

static const struct ioas_papr_memory *second(void)
{
	static struct ioas_papr_memory piece = {.gpa = SECOND,
	                                        .bytes = PAGES * PAGE};

	piece.uaddr = (uintptr_t)s.memory + PAGES * PAGE;
	return &piece;
}

static void *hypervisor(void *arg)
{
	struct seen *who = &seen[3];
	struct ioas_papr_memory piece = *second();
	int rc;

	(void)arg;
	while (!ioas_a32_load(&s.stop)) {
		rc = ioas_papr_remove_memory(s.papr, SECOND);
		if (!rc)
			rc = ioas_papr_add_memory(s.papr, &piece);
		if (rc)
			broken("PAPR-5", "memory that is or is not there", rc);
		who->done++;
	}
	return NULL;
}

/* ---- Beginning and end ---- */

static int set(struct ioas_window_group *group,
               const struct ioas_window_program *program)
{
	return 0;
}

static void unset(struct ioas_window_group *group, unsigned int slot)
{
}

static void must(int rc)
{
	if (rc) {
		printf("set-up failed: %s\n", strerror(-rc));
		exit(2);
	}
}

static void begin_set(void)
{
	static const struct ioas_window_group_ops ops = {set, unset};
	static struct ioas_window_group group = {.ops = &ops};
	struct ioas_registry_config config = {.moved = ioas_windows_moved};
	struct ioas_windows_config with = {
		.platform = ioas_platform_find("power9")};
	struct ioas_register what = {.length = 2 * PAGES * PAGE,
	                             .perm = IOAS_READ | IOAS_WRITE};

	s.memory = aligned_alloc(PAGE, what.length);
	memset(s.memory, 0, what.length);
	what.start = (uintptr_t)s.memory;
	must(ioas_registry_create(&config, &s.registry));
	must(ioas_holder_create(s.registry, &s.holder));
	must(ioas_holder_register(s.holder, &what, NULL));
	with.registry = s.registry;
	must(ioas_windows_create(&with, &s.windows));
	must(ioas_windows_attach(s.windows, &group));
}

static void begin(void)
{
	struct ioas_papr_config config = {{1, 2, 3, 4}};
	struct ioas_papr_memory first = {0, 0, PAGES * PAGE};
	struct ioas_papr_bridge_config bridge = {.buid = 1, .liobn = LIOBN};
	struct ioas_papr_bridge *ours;

	ioas_host_hooks(&ioas_hooks);
	begin_set();
	first.uaddr = (uintptr_t)s.memory;
	bridge.windows = s.windows;
	must(ioas_papr_create(&config, &s.papr));
	must(ioas_papr_add_memory(s.papr, &first));
	must(ioas_papr_add_memory(s.papr, second()));
	must(ioas_papr_bridge_create(s.papr, &bridge, &ours));
}

static void end(void)
{
	struct ioas_registry_report left;

	ioas_papr_destroy(s.papr);
	ioas_windows_destroy(s.windows);
	ioas_holder_destroy(s.holder);
	ioas_registry_destroy(s.registry, &left);
	free(s.memory);
	if (left.regions || left.counts)
		broken("PAPR-3", "entries were left", (int64_t)left.counts);
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? (unsigned int)atoi(argv[1]) : 2;
	static void *(*const life[])(void *) = {processor, processor, firmware,
	                                        hypervisor};
	static const char *const name[] = {"processor", "processor", "firmware",
	                                   "hypervisor"};
	pthread_t thread[4];
	uintptr_t i;

	begin();
	for (i = 0; i < 4; i++)
		must(-pthread_create(&thread[i], NULL, life[i], (void *)i));
	sleep(seconds);
	ioas_a32_store(&s.stop, 1);
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	end();
	for (i = 0; i < 4; i++)
		printf("%-10s %9lu done %9lu refused %9lu too hard\n", name[i],
		       (unsigned long)seen[i].done,
		       (unsigned long)seen[i].refused,
		       (unsigned long)seen[i].hard);
	for (i = 0; i < 4; i++)
		if (!seen[i].done) {
			puts("nothing met anything: this shows nothing");
			return 2;
		}
	puts("[  PASSED  ] 1 test(s).");
	return 0;
}
