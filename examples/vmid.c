/* SPDX-License-Identifier: MIT */
/*
 * 1000 guests on 4 processors, and 255 VMIDs for them. A device works for one
 * of the guests: that one is pinned, and keeps its VMID whatever the others do.
 *
 *	cc vmid.c $(pkg-config --cflags --libs ioas)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ioas/asid.h>
#include <ioas/mem.h>

#define CPUS   4
#define GUESTS 1000
#define DMA    7 /* the guest with the device */

/* What a TLB would have: the guest whose entries are under a VMID. */
static struct ioas_asid_context *tlb[256];
static unsigned int flushes, wrong;

/* A hypervisor says "TLBI VMALLS12E1IS" here, once for all processors. */
static void flush_all(void *arg)
{
	memset(tlb, 0, sizeof(tlb));
	flushes++;
}

static void check(const char *what, int error)
{
	if (error) {
		fprintf(stderr, "%s: %s\n", what, strerror(-error));
		exit(1);
	}
}

static void enter(struct ioas_asid_cpu *cpu, struct ioas_asid_context *guest)
{
	uint32_t vmid = ioas_asid_switch(cpu, guest);

	wrong += tlb[vmid] && tlb[vmid] != guest;
	tlb[vmid] = guest;
	/* The guest runs; then it is out, and nothing is walked. */
	ioas_asid_idle(cpu);
}

int main(void)
{
	static const struct ioas_asid_ops ops = {.flush_all = flush_all};
	const struct ioas_asid_config config = {
		.bits = 8,
		.cpus = CPUS,
		.flush = IOAS_ASID_FLUSH_BROADCAST,
		.ops = &ops,
	};
	static struct ioas_asid_context guest[GUESTS];
	struct ioas_asid_cpu *cpu[CPUS];
	struct ioas_asids *vmids;
	uint32_t of_device, later;
	unsigned int i;

	ioas_begin();
	check("VMIDs", ioas_asids_create(&config, &vmids));
	for (i = 0; i < CPUS; i++)
		check("CPU", ioas_asid_join(vmids, i, 8, &cpu[i]));
	for (i = 0; i < GUESTS; i++)
		ioas_asid_context_init(vmids, &guest[i]);
	check("pin", ioas_asid_pin(&guest[DMA], &of_device));
	for (i = 0; i < 100 * GUESTS; i++)
		enter(cpu[i % CPUS], &guest[i * 7919 % GUESTS]);
	check("pin", ioas_asid_pin(&guest[DMA], &later));
	printf("%u generations, %u entries of another guest\n", flushes, wrong);
	printf("the device's VMID was %" PRIu32 ", is %" PRIu32 "\n", of_device,
	       later);
	ioas_asids_destroy(vmids);
	return wrong || !flushes || of_device != later;
}
