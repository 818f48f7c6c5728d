/* SPDX-License-Identifier: MIT */
/* SET_IRQS. */
#include "rows_irqs.h"

#include <stdio.h>

#define OFF .state = S_DEVICE

static const struct abi_row rows[] = {
	{.name = "null", OFF, SET, .place = AT_NULL, .expected = -EFAULT},
	{.name = "hole", OFF, SET, .place = AT_HOLE, .expected = -EFAULT},
	{.name = "argument cut",
         OFF,
         SET,
         .argument = (&(const struct ioas_vfio_irq_set){20, NONE | TRIGGER,
                                                        MSIX, 0, 0}),
         .bytes = 19,
         .expected = -EFAULT},
	{.name = "argsz too small",
         OFF,
         SET,
         .argument = (&(const struct ioas_vfio_irq_set){19, NONE | TRIGGER,
                                                        MSIX, 0, 0}),
         .bytes = 20,
         .expected = -EINVAL},
	{.name = "data not there",
         OFF,
         SET,
         .argument = (&(const struct ioas_vfio_irq_set){24, EVENT | TRIGGER,
                                                        MSIX, 0, 1}),
         .bytes = 20,
         .expected = -EFAULT},
	{.name = "data cut",
         OFF,
         SET,
         .argument = (&(const struct with_fds){
		 {28, EVENT | TRIGGER, MSIX, 0, 2}, {-1}}),
         .bytes = 24,
         .expected = -EFAULT},
	{.name = "argsz too small for descriptors",
         OFF,
         SET,
         .argument = (&(const struct with_fds){
		 {27, EVENT | TRIGGER, MSIX, 0, 2}, {-1, -1}}),
         .bytes = 28,
         .expected = -EINVAL},
	{.name = "argsz too small for bytes",
         OFF,
         SET,
         .argument = (&(const struct with_bytes){
		 {21, BOOL | TRIGGER, MSIX, 0, 2}, {1, 1}}),
         .bytes = 22,
         .expected = -EINVAL},
	{.name = "argsz larger than needed",
         OFF,
         SET,
         .argument = (&(const struct with_fds){
		 {100, EVENT | TRIGGER, MSIX, 0, 1}, {FD(EVENT0)}}),
         .bytes = 24},
	{.name = "data not there comes before no action",
         OFF,
         SET,
         .argument = (&(const struct ioas_vfio_irq_set){24, EVENT, MSIX, 0, 1}),
         .bytes = 20,
         .expected = -EFAULT},

	/* MSI and MSI-X, off. */
	{.name = "MSI-X on",
         OFF,
         FDS(TRIGGER, MSIX, 0, 2, FD(EVENT0), FD(EVENT1))},
	{.name = "MSI-X on, one later",
         OFF,
         FDS(TRIGGER, MSIX, 15, 1, FD(EVENT0))},
	{.name = "MSI-X on without events",
         OFF,
         FDS(TRIGGER, MSIX, 0, 2, -1, -1)},
	{.name = "MSI on",
         OFF,
         FDS(TRIGGER, MSI, 0, 4, FD(EVENT0), FD(EVENT1), FD(EVENT2),
             FD(EVENT3))},
	{.name = "MSI-X, any negative descriptor is none",
         OFF,
         FDS(TRIGGER, MSIX, 0, 2, -2, -1000)},
	{.name = "MSI-X on, closed descriptor",
         OFF,
         FDS(TRIGGER, MSIX, 0, 2, FD(EVENT0), FD(CLOSED)),
         .expected = -EBADF},
	{.name = "MSI-X on, not an eventfd",
         OFF,
         FDS(TRIGGER, MSIX, 0, 1, FD(OTHER)),
         .expected = -EINVAL},
	{.name = "MSI-X on, the device itself",
         OFF,
         FDS(TRIGGER, MSIX, 0, 1, FD(DEVICE)),
         .expected = -EINVAL},
	{.name = "MSI-X on with count 0",
         OFF,
         FDS(TRIGGER, MSIX, 0, 0),
         .expected = -ERANGE},
	{.name = "MSI on with count 0",
         OFF,
         FDS(TRIGGER, MSI, 0, 0),
         .expected = -ERANGE},
	{.name = "MSI-X on with count 0, start 2",
         OFF,
         FDS(TRIGGER, MSIX, 2, 0)},
	{.name = "MSI-X off, is off",
         OFF,
         PLAIN(NONE | TRIGGER, MSIX, 0, 0),
         .expected = -EINVAL},
	{.name = "MSI off, is off",
         OFF,
         PLAIN(NONE | TRIGGER, MSI, 0, 0),
         .expected = -EINVAL},
	{.name = "MSI-X loopback, is off",
         OFF,
         PLAIN(NONE | TRIGGER, MSIX, 0, 1),
         .expected = -EINVAL},
	{.name = "MSI-X loopback by bytes, is off",
         OFF,
         BYTES(TRIGGER, MSIX, 0, 1, 1),
         .expected = -EINVAL},

	/* On. */
	{.name = "MSI-X off",
         .state = S_MSIX,
         PLAIN(NONE | TRIGGER, MSIX, 0, 0)},
	{.name = "MSI-X off, whatever start",
         .state = S_MSIX,
         PLAIN(NONE | TRIGGER, MSIX, 15, 0)},
	{.name = "MSI off", .state = S_MSI, PLAIN(NONE | TRIGGER, MSI, 0, 0)},
	{.name = "MSI off while MSI-X is on",
         .state = S_MSIX,
         PLAIN(NONE | TRIGGER, MSI, 0, 0),
         .expected = -EINVAL},
	{.name = "MSI-X off while MSI is on",
         .state = S_MSI,
         PLAIN(NONE | TRIGGER, MSIX, 0, 0),
         .expected = -EINVAL},
	{.name = "MSI on while MSI-X is on",
         .state = S_MSIX,
         FDS(TRIGGER, MSI, 0, 1, FD(EVENT2)),
         .expected = -EINVAL},
	{.name = "MSI-X on while MSI is on",
         .state = S_MSI,
         FDS(TRIGGER, MSIX, 0, 1, FD(EVENT2)),
         .expected = -EINVAL},
	{.name = "INTx off while MSI-X is on",
         .state = S_MSIX,
         PLAIN(NONE | TRIGGER, INTX, 0, 0),
         .expected = -EINVAL},
	{.name = "MSI-X set with count 0",
         .state = S_MSIX,
         FDS(TRIGGER, MSIX, 0, 0)},
	{.name = "MSI set with count 0",
         .state = S_MSI,
         FDS(TRIGGER, MSI, 0, 0)},
	{.name = "MSI-X replace",
         .state = S_MSIX,
         FDS(TRIGGER, MSIX, 0, 1, FD(EVENT2))},
	{.name = "MSI-X clear", .state = S_MSIX, FDS(TRIGGER, MSIX, 0, 1, -1)},
	{.name = "MSI-X one more than at first",
         .state = S_MSIX,
         FDS(TRIGGER, MSIX, 15, 1, FD(EVENT2))},
	{.name = "MSI one more than at first",
         .state = S_MSI,
         FDS(TRIGGER, MSI, 2, 1, FD(EVENT2)),
         .expected = -EINVAL},
	{.name = "MSI none more than at first",
         .state = S_MSI,
         FDS(TRIGGER, MSI, 2, 1, -1)},
	{.name = "MSI replace",
         .state = S_MSI,
         FDS(TRIGGER, MSI, 1, 1, FD(EVENT2))},
	{.name = "MSI-X set, closed descriptor",
         .state = S_MSIX,
         FDS(TRIGGER, MSIX, 0, 1, FD(CLOSED)),
         .expected = -EBADF},
	{.name = "MSI-X set, not an eventfd",
         .state = S_MSIX,
         FDS(TRIGGER, MSIX, 0, 1, FD(GROUP)),
         .expected = -EINVAL},

	/* Loopback. */
	{.name = "MSI-X loopback",
         .state = S_MSIX,
         PLAIN(NONE | TRIGGER, MSIX, 0, 1),
         .signals = 1},
	{.name = "MSI-X loopback of the second",
         .state = S_MSIX,
         PLAIN(NONE | TRIGGER, MSIX, 1, 1),
         .signals = 2},
	{.name = "MSI-X loopback of all vectors",
         .state = S_MSIX,
         PLAIN(NONE | TRIGGER, MSIX, 0, 16),
         .signals = 3},
	{.name = "MSI-X loopback of one without event",
         .state = S_MSIX,
         PLAIN(NONE | TRIGGER, MSIX, 2, 1)},
	{.name = "MSI-X loopback by bytes",
         .state = S_MSIX,
         BYTES(TRIGGER, MSIX, 0, 2, 0, 1),
         .signals = 2},
	{.name = "MSI-X loopback by bytes, none",
         .state = S_MSIX,
         BYTES(TRIGGER, MSIX, 0, 2, 0, 0)},
	{.name = "MSI-X loopback by bytes, count 0",
         .state = S_MSIX,
         BYTES(TRIGGER, MSIX, 0, 0)},
	{.name = "MSI loopback",
         .state = S_MSI,
         PLAIN(NONE | TRIGGER, MSI, 0, 4),
         .signals = 3},
	{.name = "MSI loopback by bytes",
         .state = S_MSI,
         BYTES(TRIGGER, MSI, 0, 2, 255, 0),
         .signals = 1},
	{.name = "MSI-X loopback while MSI is on",
         .state = S_MSI,
         PLAIN(NONE | TRIGGER, MSIX, 0, 1),
         .expected = -EINVAL},

	/* ERR and REQ. */
	{.name = "ERR set", OFF, FDS(TRIGGER, ERR, 0, 1, FD(EVENT0))},
	{.name = "REQ set", OFF, FDS(TRIGGER, REQ, 0, 1, FD(EVENT0))},
	{.name = "ERR set without PCI Express",
         .state = S_PLAIN,
         .in = IN_NEW,
         FDS(TRIGGER, ERR, 0, 1, FD(EVENT0))},
	{.name = "ERR set without PCI Express",
         .state = S_PLAIN,
         .in = IN_6_12,
         FDS(TRIGGER, ERR, 0, 1, FD(EVENT0)),
         .expected = -EINVAL},
	{.name = "REQ set without PCI Express",
         .state = S_PLAIN,
         FDS(TRIGGER, REQ, 0, 1, FD(EVENT0))},
	{.name = "ERR set beside MSI-X",
         .state = S_MSIX,
         FDS(TRIGGER, ERR, 0, 1, FD(EVENT2))},
	{.name = "ERR replace",
         .state = S_SINGLE,
         FDS(TRIGGER, ERR, 0, 1, FD(EVENT2))},
	{.name = "ERR clear by -1",
         .state = S_SINGLE,
         FDS(TRIGGER, ERR, 0, 1, -1)},
	{.name = "REQ clear by -1",
         .state = S_SINGLE,
         FDS(TRIGGER, REQ, 0, 1, -1)},
	{.name = "ERR clear by -1, not set", OFF, FDS(TRIGGER, ERR, 0, 1, -1)},
	{.name = "ERR, another negative descriptor",
         .state = S_SINGLE,
         FDS(TRIGGER, ERR, 0, 1, -2),
         .expected = -EINVAL},
	{.name = "ERR, closed descriptor",
         .state = S_SINGLE,
         FDS(TRIGGER, ERR, 0, 1, FD(CLOSED)),
         .expected = -EBADF},
	{.name = "REQ, closed descriptor",
         OFF,
         FDS(TRIGGER, REQ, 0, 1, FD(CLOSED)),
         .expected = -EBADF},
	{.name = "ERR, not an eventfd",
         .state = S_SINGLE,
         FDS(TRIGGER, ERR, 0, 1, FD(OTHER)),
         .expected = -EINVAL},
	{.name = "ERR, descriptor with count 0",
         .state = S_SINGLE,
         FDS(TRIGGER, ERR, 0, 0),
         .expected = -EINVAL},
	{.name = "ERR loopback",
         .state = S_SINGLE,
         PLAIN(NONE | TRIGGER, ERR, 0, 1),
         .signals = 1},
	{.name = "REQ loopback",
         .state = S_SINGLE,
         PLAIN(NONE | TRIGGER, REQ, 0, 1),
         .signals = 2},
	{.name = "ERR clear by count 0",
         .state = S_SINGLE,
         PLAIN(NONE | TRIGGER, ERR, 0, 0)},
	{.name = "ERR loopback, not set",
         OFF,
         PLAIN(NONE | TRIGGER, ERR, 0, 1),
         .expected = -EINVAL},
	{.name = "ERR clear by count 0, not set",
         OFF,
         PLAIN(NONE | TRIGGER, ERR, 0, 0),
         .expected = -EINVAL},
	{.name = "REQ loopback by byte",
         .state = S_SINGLE,
         BYTES(TRIGGER, REQ, 0, 1, 1),
         .signals = 2},
	{.name = "REQ loopback by byte 0",
         .state = S_SINGLE,
         BYTES(TRIGGER, REQ, 0, 1, 0)},
	{.name = "REQ loopback by byte, not set",
         OFF,
         BYTES(TRIGGER, REQ, 0, 1, 1)},
	{.name = "REQ by byte, count 0",
         .state = S_SINGLE,
         BYTES(TRIGGER, REQ, 0, 0),
         .expected = -EINVAL},
	{.name = "set irqs wakes",
         .state = S_LOW_WAKE,
         PLAIN(NONE | TRIGGER, MSIX, 0, 0),
         .expected = -EINVAL,
         .signals = 1},
};

/* ---- The checks that all indexes share ---- */

static const uint32_t vectors[] = {1, 4, 16, 1, 1};

struct shape {
	uint32_t flags, start, count;
};

/*
 * The answer of the checks alone; 1 when they pass. Written after the order in
 * the kernel's validation, for an argsz that is large enough.
 */
static long checks(uint32_t index, const struct shape *s)
{
	uint32_t data = s->flags & 7;

	if (s->flags > 0x3f || index > 4 || s->count >= UINT32_MAX - s->start)
		return -EINVAL;
	if (s->start >= vectors[index] || s->start + s->count > vectors[index])
		return -EINVAL;
	if (data != NONE && data != BOOL && data != EVENT)
		return -EINVAL;
	return 1;
}

/* With no data, and an action that nobody has, or none, or several. */
static long action_answer(uint32_t index, const struct shape *s)
{
	uint32_t action = s->flags & 0x38;
	long ret = checks(index, s);

	if (ret != 1)
		return ret;
	/* The pin is not on. */
	if (index == INTX && (action == MASK || action == UNMASK))
		return -EINVAL;
	return action == TRIGGER ? 1 : -ENOTTY;
}

static void shape_row(void (*emit)(const struct abi_row *), uint32_t index,
                      const struct shape *s)
{
	long answer = action_answer(index, s);
	/* Room for all data of a call that passes. */
	struct {
		struct ioas_vfio_irq_set set;
		uint8_t data[64];
	} arg = {.set = {84, s->flags, index, s->start, s->count}};
	char name[96];

	if (answer == 1)
		return; /* has its own row above */
	snprintf(name, sizeof(name), "index %u, flags 0x%x, start %u, count %u",
	         index, s->flags, s->start, s->count);
	emit(&(struct abi_row){
		.name = name,
		.state = S_DEVICE,
		.also = S_MSIX,
		SET,
		.argument = &arg,
		.bytes = sizeof(arg),
		.expected = answer,
	});
}

static void generate(void (*emit)(const struct abi_row *))
{
	static const struct shape ranges[] = {
		{0, 0, 5},
		{0, 0, 17},
		{0, 4, 0},
		{0, 16, 0},
		{0, 3, 2},
		{0, UINT32_MAX, 0},
		{0, UINT32_MAX, 1},
		{0, 1, UINT32_MAX},
		{0, 0, UINT32_MAX},
		{0, 17, 0},
		{0, 1, UINT32_MAX - 1},
	};
	uint32_t index, flags;
	size_t i;

	for (index = 0; index < 6; index++) {
		for (flags = 0; flags < 0x80; flags++)
			shape_row(emit, index, &(struct shape){flags, 0, 1});
		for (i = 0; i < COUNT(ranges); i++) {
			struct shape s = ranges[i];

			s.flags = NONE | TRIGGER;
			shape_row(emit, index, &s);
			s.flags = EVENT | TRIGGER;
			shape_row(emit, index, &s);
		}
	}
}

const struct abi_set abi_irqs_set = {
	.subject = "SET_IRQS",
	.source = "Linux 7.3 drivers/vfio/pci/vfio_pci_intrs.c, "
		  "drivers/vfio/vfio_main.c",
	.rows = rows,
	.count = COUNT(rows),
	.generate = generate,
};
