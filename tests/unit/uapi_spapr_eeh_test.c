/* SPDX-License-Identifier: MIT */
/* Groups that are isolated after an error (WIN-12), and how they come back. */
#include "spapr_calls.h"

enum { DISABLE, ENABLE, THAW_IO, THAW_DMA, STATE, RESET_END, HOT, FUNDAMENTAL };

#define REGISTER 16 /* of BAR 2, that does no DMA */

/* A page at 0 that is mapped to be read; nothing else is. */
static int begin(struct rig *r, uint64_t *memory, int *ret_device)
{
	int container;

	more_freezing = true;
	container =
		windows_begin(r, "power9", IOAS_CONTRACT_STRICT, ret_device);
	rig_ok(r, register_memory(container, memory, rig_page()));
	rig_ok(r, map_perm(container, 0, memory, rig_page(), 1));
	return container;
}

static uint32_t load(int device)
{
	uint32_t value = 0;

	assert_int_equal(
		read_region(device, BAR2_AT + REGISTER, &value, sizeof(value)),
		sizeof(value));
	return value;
}

static void store(int device, uint32_t value)
{
	assert_int_equal(
		write_region(device, BAR2_AT + REGISTER, &value, sizeof(value)),
		sizeof(value));
}

static void refused_dma_freezes_the_group(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int device, container = begin(r, memory, &device);

	rig_ok(r, eeh(container, STATE));
	store(device, 5);
	assert_int_equal(load(device), 5);
	assert_int_equal(dma_read(device, 0), 0);
	assert_int_equal(dma_write(device, 0, 1), -EFAULT);
	assert_int_equal(eeh(container, STATE), 2);
	assert_int_equal(load(device), UINT32_MAX);
	/* A store gets nowhere: not even to the model. */
	probe.last_store = 0;
	store(device, 6);
	assert_int_equal(probe.last_store, 0);
	assert_int_equal(told(IOAS_EVENT_DMA_FAULT), 1);
	rig_ok(r, eeh(container, THAW_IO));
	assert_int_equal(eeh(container, STATE), 4);
	store(device, 7);
	assert_int_equal(load(device), 7);
	/* DMA is stopped still, and nobody is told of it again. */
	assert_int_equal(dma_read(device, 0), -EFAULT);
	assert_int_equal(told(IOAS_EVENT_DMA_FAULT), 1);
	rig_ok(r, eeh(container, THAW_DMA));
	rig_ok(r, eeh(container, STATE));
	assert_int_equal(dma_read(device, 0), 0);
}

static void a_reset_lasts_until_it_is_ended(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int device, container = begin(r, memory, &device);
	unsigned int before, op;

	for (op = HOT; op <= FUNDAMENTAL; op++) {
		before = probe.resets;
		rig_ok(r, eeh(container, op));
		assert_int_equal(probe.resets, before + 1);
		assert_int_equal(eeh(container, STATE), 1);
		assert_int_equal(load(device), UINT32_MAX);
		rig_ok(r, eeh(container, RESET_END));
		rig_ok(r, eeh(container, STATE));
		store(device, 1);
		assert_int_equal(load(device), 1);
	}
}

static void whoever_takes_a_group_over_gets_it_working(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int device, container = begin(r, memory, &device);

	assert_int_equal(dma_read(device, MIB), -EFAULT);
	assert_int_equal(eeh(container, STATE), 2);
	rig_ok(r, eeh(container, DISABLE));
	assert_int_equal(eeh(container, STATE), 2);
	rig_ok(r, eeh(container, ENABLE));
	rig_ok(r, eeh(container, STATE));
	rig_fails(r, eeh(container, 10), -EINVAL);
	rig_fails(r, eeh(container, UINT32_MAX), -EINVAL);
}

static void a_group_that_is_opened_again_is_as_new(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int device, group, container = begin(r, memory, &device);

	assert_int_equal(dma_read(device, MIB), -EFAULT);
	close_files(NULL);
	container = windows_of(r, 1, V2, &group);
	rig_ok(r, eeh(container, STATE));
}

static void an_interrupt_of_a_frozen_group_reaches_nobody(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	const int32_t fd = EVENT_FD;
	int device, container = begin(r, memory, &device);

	rig_ok(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &fd));
	ioas_device_interrupt(probe.dev, 0);
	assert_int_equal(told(IOAS_EVENT_INTERRUPT), 1);
	assert_int_equal(dma_read(device, MIB), -EFAULT);
	ioas_device_interrupt(probe.dev, 0);
	assert_int_equal(told(IOAS_EVENT_INTERRUPT), 1);
	assert_int_equal(told(IOAS_EVENT_MESSAGE_LOST), 0);
	rig_ok(r, eeh(container, ENABLE));
	ioas_device_interrupt(probe.dev, 0);
	assert_int_equal(told(IOAS_EVENT_INTERRUPT), 2);
}

static long inject(int container, uint32_t func, uint64_t addr, uint64_t mask)
{
	struct ioas_eeh_op arg = {
		.argsz = sizeof(arg),
		.op = 9,
		.err = {.type = 1, .func = func, .addr = addr, .mask = mask},
	};

	return call(container, VFIO_EEH_PE_OP, &arg);
}

static void an_injected_error_waits_for_its_access(struct rig *r)
{
	enum { LOAD_MEMORY = 0, STORE_MEMORY = 6, READ = 12, WRITE = 16 };
	uint64_t *memory = rig_memory(r, rig_page());
	int device, container = begin(r, memory, &device);

	rig_ok(r, inject(container, READ, 8, UINT64_MAX));
	assert_int_equal(dma_read(device, 0), 0);
	assert_int_equal(dma_read(device, 8), -EFAULT);
	assert_int_equal(eeh(container, STATE), 2);
	rig_ok(r, eeh(container, ENABLE));
	/* Once. */
	assert_int_equal(dma_read(device, 8), 0);
	rig_ok(r, inject(container, LOAD_MEMORY, 0, 0));
	store(device, 3);
	assert_int_equal(load(device), UINT32_MAX);
	assert_int_equal(eeh(container, STATE), 2);
	rig_ok(r, eeh(container, ENABLE));
	rig_ok(r, inject(container, STORE_MEMORY, 0, 0));
	probe.last_store = 0;
	store(device, 4);
	assert_int_equal(probe.last_store, 0);
	rig_ok(r, eeh(container, ENABLE));
	rig_ok(r, inject(container, WRITE, 0, 0));
	assert_int_equal(dma_write(device, MIB, 1), -EFAULT);
	/* The device was stopped, and no fault of its own is told. */
	assert_int_equal(told(IOAS_EVENT_DMA_FAULT), 0);
}

static void what_cannot_be_injected_is_refused(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int device, container = begin(r, memory, &device);
	struct ioas_eeh_op arg = {.argsz = 39, .op = 9};

	rig_fails(r, call(container, VFIO_EEH_PE_OP, &arg), -EINVAL);
	arg.argsz = 40;
	arg.err.func = 20;
	arg.err.type = 2;
	rig_fails(r, call(container, VFIO_EEH_PE_OP, &arg), -EINVAL);
	arg.err.func = 19;
	rig_fails(r, call(container, VFIO_EEH_PE_OP, &arg), -ERANGE);
	arg.err.type = 0;
	rig_ok(r, call(container, VFIO_EEH_PE_OP, &arg));
	/* Configuration space is no access that could go wrong. */
	arg.err.func = 4;
	rig_fails(r, call(container, VFIO_EEH_PE_OP, &arg), -EIO);
	arg.flags = 1;
	rig_fails(r, call(container, VFIO_EEH_PE_OP, &arg), -EINVAL);
	arg = (struct ioas_eeh_op){.argsz = 11};
	rig_fails(r, call(container, VFIO_EEH_PE_OP, &arg), -EINVAL);
	arg.argsz = 12;
	rig_ok(r, call(container, VFIO_EEH_PE_OP, &arg));
}

RIG_MAIN("uapi_spapr_eeh", RIG_TEST(refused_dma_freezes_the_group),
         RIG_TEST(a_reset_lasts_until_it_is_ended),
         RIG_TEST(whoever_takes_a_group_over_gets_it_working),
         RIG_TEST(a_group_that_is_opened_again_is_as_new),
         RIG_TEST(an_interrupt_of_a_frozen_group_reaches_nobody),
         RIG_TEST(an_injected_error_waits_for_its_access),
         RIG_TEST(what_cannot_be_injected_is_refused))
