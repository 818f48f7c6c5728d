/* SPDX-License-Identifier: MIT */
/* The educational device, through its registers; and the table of models. */
#include "devices/models.h"
#include "devices_board.h"

#define IOVA   UINT64_C(0x700000)
#define BUFFER UINT64_C(0x40000)

static struct board *edu(struct rig *r)
{
	struct board *b = board_new(r);

	board_plug(b, &ioas_edu_model, NULL, 0);
	return b;
}

static void set(struct board *b, uint64_t at, uint32_t value)
{
	board_store(b, at, 4, value);
}

static uint32_t get(struct board *b, uint64_t at)
{
	return (uint32_t)board_load(b, at, 4);
}

static void it_says_what_it_is_and_that_it_lives(struct rig *r)
{
	struct board *b = edu(r);

	assert_int_equal(get(b, 0), 0x010000ed);
	set(b, 0, 5);
	assert_int_equal(get(b, 0), 0x010000ed);
	set(b, 4, 0x12345678);
	assert_int_equal(get(b, 4), ~0x12345678u);
	assert_int_equal(board_load(b, 4, 8), 0);
	assert_int_equal(board_load(b, 4, 2), 0);
	assert_int_equal(get(b, 0x50), 0);
	set(b, 0x50, 1);
	board_store(b, 4, 1, 0);
	assert_int_equal(get(b, 4), ~0x12345678u);
}

static void factorials_are_modulo_two_to_the_32nd(struct rig *r)
{
	static const uint32_t wanted[][2] = {
		{0, 1},           {1, 1},           {5, 120}, {12, 479001600},
		{13, 1932053504}, {33, 0x80000000}, {34, 0},  {UINT32_MAX, 0}};
	struct board *b = edu(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(wanted); i++) {
		set(b, 8, wanted[i][0]);
		assert_int_equal(get(b, 8), wanted[i][1]);
	}
	assert_int_equal(get(b, 0x24), 0);
}

static void interrupts_are_raised_and_acknowledged(struct rig *r)
{
	struct board *b = edu(r);
	int event = rig_event(r);

	ioas_device_irq_on(b->dev, IOAS_IRQ_MSI, 1);
	ioas_device_irq_set(b->dev, 0, event);
	set(b, 0x60, 0x1230);
	assert_int_equal(rig_event_count(r, event), 1);
	set(b, 0x60, 0x0004);
	assert_int_equal(rig_event_count(r, event), 1);
	assert_int_equal(get(b, 0x24), 0x1234);
	set(b, 0x64, 0x0034);
	assert_int_equal(get(b, 0x24), 0x1200);
	set(b, 0x60, 0);
	assert_int_equal(rig_event_count(r, event), 0);

	set(b, 8, 3);
	assert_int_equal(rig_event_count(r, event), 0);
	set(b, 0x20, 0xff);
	assert_int_equal(get(b, 0x20), 0x80);
	set(b, 8, 3);
	assert_int_equal(rig_event_count(r, event), 1);
	assert_int_equal(get(b, 0x24), 0x1201);
}

static void the_pin_stays_asserted_until_all_is_acknowledged(struct rig *r)
{
	struct board *b = edu(r);
	int event = rig_event(r);

	ioas_device_irq_on(b->dev, IOAS_IRQ_INTX, 1);
	ioas_device_irq_set(b->dev, 0, event);
	set(b, 0x60, 3);
	assert_int_equal(rig_event_count(r, event), 1);
	set(b, 0x64, 1);
	ioas_device_intx_unmask(b->dev);
	assert_int_equal(rig_event_count(r, event), 1);
	set(b, 0x64, 2);
	ioas_device_intx_unmask(b->dev);
	assert_int_equal(rig_event_count(r, event), 0);
	set(b, 0x60, 4);
	assert_int_equal(rig_event_count(r, event), 1);
}

static void transfer(struct board *b, uint64_t from, uint64_t to,
                     uint64_t bytes, uint32_t command)
{
	board_store(b, 0x80, 8, from);
	board_store(b, 0x88, 8, to);
	board_store(b, 0x90, 8, bytes);
	set(b, 0x98, command);
}

static void dma_goes_both_ways(struct rig *r)
{
	struct board *b = edu(r);
	uint8_t *p = board_map(b, IOVA, 2 * rig_page(), IOAS_READ | IOAS_WRITE);
	struct board_watch watch;
	int event = rig_event(r);
	unsigned int i;

	ioas_device_irq_on(b->dev, IOAS_IRQ_MSI, 1);
	ioas_device_irq_set(b->dev, 0, event);
	for (i = 0; i < 1000; i++)
		p[i] = (uint8_t)(i * 3);
	transfer(b, IOVA, BUFFER + 50, 1000, 1);
	assert_int_equal(rig_event_count(r, event), 0);
	assert_int_equal(get(b, 0x98), 0);
	watch = board_watch(b, IOVA, p, 2 * rig_page());
	transfer(b, BUFFER + 50, IOVA + rig_page() - 500, 1000, 1 | 2 | 4);
	assert_memory_equal(p + rig_page() - 500, p, 1000);
	board_check_log(b, &watch); /* LOG-1 */
	assert_int_equal(rig_event_count(r, event), 1);
	assert_int_equal(get(b, 0x24), 0x100);
	assert_int_equal(get(b, 0x98), 2 | 4);
	assert_int_equal(board_fault.count, 0);
}

static void dma_registers_take_4_and_8_bytes(struct rig *r)
{
	struct board *b = edu(r);
	static const uint16_t at[] = {0x80, 0x88, 0x90};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(at); i++) {
		board_store(b, at[i], 8, UINT64_C(0x1122334455667788) + i);
		assert_true(board_load(b, at[i], 8) ==
		            UINT64_C(0x1122334455667788) + i);
		assert_int_equal(get(b, at[i]), 0x55667788 + i);
		set(b, at[i], 7);
		assert_int_equal(board_load(b, at[i], 8), 7);
	}
	set(b, 0x98, 6);
	assert_int_equal(get(b, 0x98), 6);
}

static void dma_stays_inside_the_buffer(struct rig *r)
{
	static const uint64_t bad[][2] = {
		{BUFFER - 1, 1},
		{BUFFER, 4097},
		{BUFFER + 4096, 1},
		{BUFFER + 4000, 97},
		{0, 8},
		{UINT64_MAX, 1},
		{BUFFER, UINT64_MAX},
		{BUFFER + 4096, UINT64_MAX},
		{BUFFER + 8192, 0},
	};
	struct board *b = edu(r);
	uint8_t *p = board_map(b, IOVA, 2 * rig_page(), IOAS_READ | IOAS_WRITE);
	unsigned int i;

	memset(p, 0x77, 2 * rig_page());
	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		transfer(b, bad[i][0], IOVA, bad[i][1], 1 | 2);
		transfer(b, IOVA, bad[i][0], bad[i][1], 1);
		assert_int_equal(get(b, 0x98), 0);
	}
	assert_int_equal(p[0], 0x77);
	transfer(b, BUFFER + 4095, IOVA, 1, 1 | 2);
	assert_int_equal(p[0], 0);
	assert_int_equal(p[1], 0x77);
	assert_int_equal(board_fault.count, 0);
}

static void refused_dma_is_reported_and_ends(struct rig *r)
{
	struct board *b = edu(r);

	board_map(b, IOVA, rig_page(), IOAS_READ);
	transfer(b, BUFFER, IOVA + 16, 8, 1 | 2);
	check_fault(IOAS_FAULT_PERMISSION, IOVA + 16, "DMA", NULL);
	transfer(b, IOVA + rig_page() - 4, BUFFER, 8, 1);
	check_fault(IOAS_FAULT_UNMAPPED, IOVA + rig_page(), "DMA", NULL);
	assert_int_equal(board_fault.count, 2);
	assert_int_equal(get(b, 0x98), 0);
}

static void reset_forgets_everything(struct rig *r)
{
	struct board *b = edu(r);
	uint64_t at;

	set(b, 4, 1);
	set(b, 8, 5);
	set(b, 0x20, 0x80);
	set(b, 0x60, 5);
	transfer(b, 1, 2, 3, 6);
	ioas_device_reset(b->dev);
	assert_int_equal(get(b, 4), UINT32_MAX);
	for (at = 8; at < 0xa0; at += 4)
		assert_int_equal(get(b, at), 0);
}

/* ---- With PASIDs ---- */

static struct board *sharing_edu(struct rig *r)
{
	static const struct ioas_option options[] = {{"pasid", "20"},
	                                             {"pri", "8"}};
	struct board *b = board_new(r);

	board_share(b, 20);
	board_plug(b, &ioas_edu_model, options, 2);
	return b;
}

static void dma_by_pasid_is_to_addresses_of_the_program(struct rig *r)
{
	char from[200], to[200] = {0};
	struct board *b = sharing_edu(r);
	uint32_t own = get(b, 0xa8);

	memset(from, 'f', sizeof(from));
	assert_int_not_equal(own, 0);
	set(b, 0xa0, own);
	assert_int_equal(get(b, 0xa0), own);
	transfer(b, (uintptr_t)from, BUFFER, sizeof(from), 1);
	transfer(b, BUFFER, (uintptr_t)to, sizeof(to), 1 | 2);
	assert_memory_equal(from, to, sizeof(to));
	assert_int_equal(board_fault.count, 0);
	/* Without PASID these are I/O virtual addresses, and not mapped. */
	set(b, 0xa0, 0);
	transfer(b, (uintptr_t)from, BUFFER, 8, 1);
	assert_int_equal(board_fault.count, 1);
	/* A PASID of nobody's. */
	set(b, 0xa0, 77);
	transfer(b, (uintptr_t)from, BUFFER, 8, 1);
	check_fault(IOAS_FAULT_NO_PASID, (uintptr_t)from, "DMA", NULL);
	assert_int_equal(board_fault.issuer.pasid, 77);
	assert_int_equal(board_fault.event.space, 0);
}

static void pages_are_asked_for_before_a_transfer(struct rig *r)
{
	struct board *b = sharing_edu(r);
	char *p = rig_memory(r, 2 * rig_page());
	int event = rig_event(r);

	ioas_device_irq_on(b->dev, IOAS_IRQ_MSI, 1);
	ioas_device_irq_set(b->dev, 0, event);
	set(b, 0xa0, get(b, 0xa8));
	memset(p, 'p', rig_page());
	transfer(b, (uintptr_t)p, BUFFER, 64, 1 | 8);
	assert_int_equal(get(b, 0xb0), IOAS_PAGE_SUCCESS);
	transfer(b, BUFFER, (uintptr_t)p + rig_page(), 64, 1 | 2 | 4 | 8);
	assert_memory_equal(p + rig_page(), p, 64);
	assert_int_equal(rig_event_count(r, event), 1);
	assert_int_equal(get(b, 0x98), 2 | 4 | 8);
	/* What may not be written to is not, and that is no fault. */
	rig_read_only(r, p, rig_page());
	transfer(b, BUFFER, (uintptr_t)p, 64, 1 | 2 | 4 | 8);
	assert_int_equal(get(b, 0xb0), IOAS_PAGE_INVALID);
	assert_int_equal(rig_event_count(r, event), 1);
	/* Nobody is asked by a PASID that is not bound. */
	set(b, 0xa0, 77);
	transfer(b, BUFFER, (uintptr_t)p + rig_page(), 64, 1 | 2 | 8);
	assert_int_equal(get(b, 0xb0), IOAS_PAGE_FAILURE);
	assert_int_equal(get(b, 0x98), 2 | 8);
	assert_int_equal(board_fault.count, 0);
}

static void without_the_option_there_is_no_pasid(struct rig *r)
{
	struct board *b = edu(r);
	char byte = 1;

	set(b, 0xa0, 1);
	assert_int_equal(get(b, 0xa0), 0);
	assert_int_equal(get(b, 0xa8), 0);
	transfer(b, (uintptr_t)&byte, BUFFER, 1, 1 | 8);
	check_fault(IOAS_FAULT_UNMAPPED, (uintptr_t)&byte, "DMA", NULL);
}

static void options_of_pasids_have_limits(struct rig *r)
{
	static const struct {
		struct ioas_option option[2];
		unsigned int count;
		int err;
	} row[] = {
		{{{"pasid", "1"}}, 1, 0},
		{{{"pasid", "21"}}, 1, -EINVAL},
		{{{"pasid", "x"}}, 1, -EINVAL},
		{{{"pri", "8"}}, 1, -EINVAL},
		{{{"pasid", "20"}, {"pri", "512"}}, 2, 0},
		{{{"pasid", "20"}, {"pri", "513"}}, 2, -EINVAL},
		{{{"pasid", "20"}, {"pri", "1"}}, 2, -EINVAL},
	};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		struct ioas_function_desc desc;
		const struct ioas_device_request request = {
			.model = &ioas_edu_model,
			.options = row[i].option,
			.option_count = row[i].count,
		};

		if (row[i].err)
			rig_fails(r,
			          ioas_device_describe(&request, &desc, NULL),
			          row[i].err);
		else
			rig_ok(r, ioas_device_describe(&request, &desc, NULL));
	}
}

static void each_model_is_listed_once_and_can_be(struct rig *r)
{
	unsigned int i, k;

	for (i = 0; ioas_models[i]; i++) {
		const struct ioas_model *m = ioas_models[i];
		struct ioas_device *dev = calloc(1, sizeof(*dev));

		assert_non_null(dev);
		rig_defer(r, free, dev);
		dev->model = m;
		assert_int_equal(ioas_model_describe(dev), 0);
		assert_non_null(m->name);
		assert_non_null(m->summary);
		assert_non_null(m->keys);
		for (k = 0; k < i; k++)
			assert_string_not_equal(m->name, ioas_models[k]->name);
		for (k = 0; m->keys[k].name; k++) {
			assert_non_null(m->keys[k].value);
			assert_non_null(m->keys[k].help);
		}
	}
	assert_int_equal(i, 3);
}

RIG_MAIN("devices_edu", RIG_TEST(it_says_what_it_is_and_that_it_lives),
         RIG_TEST(factorials_are_modulo_two_to_the_32nd),
         RIG_TEST(interrupts_are_raised_and_acknowledged),
         RIG_TEST(the_pin_stays_asserted_until_all_is_acknowledged),
         RIG_TEST(dma_goes_both_ways),
         RIG_TEST(dma_registers_take_4_and_8_bytes),
         RIG_TEST(dma_stays_inside_the_buffer),
         RIG_TEST(refused_dma_is_reported_and_ends),
         RIG_TEST(reset_forgets_everything),
         RIG_TEST(dma_by_pasid_is_to_addresses_of_the_program),
         RIG_TEST(pages_are_asked_for_before_a_transfer),
         RIG_TEST(without_the_option_there_is_no_pasid),
         RIG_TEST(options_of_pasids_have_limits),
         RIG_TEST(each_model_is_listed_once_and_can_be))
