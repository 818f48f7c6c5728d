/* SPDX-License-Identifier: MIT */
/* A function that sends PASIDs: src/pci/pasid.c, and DMA by them. */
#include "devices_board.h"
#include "pci_probe.h"

static struct ioas_model model; /* probe_model, with PASIDs */
static unsigned int answers;
static enum ioas_page_response answer;

static void paged(void *state, uint32_t group, enum ioas_page_response response)
{
	answers++;
	answer = response;
}

static struct board *board_of(struct rig *r, unsigned int bits,
                              unsigned int requests)
{
	struct board *b = board_new(r);

	answers = 0;
	model = probe_model;
	model.function.pcie = true;
	model.function.pasid_bits = (uint8_t)bits;
	model.function.page_requests = (uint16_t)requests;
	model.paged = paged;
	board_share(b, 20);
	board_plug(b, &model, NULL, 0);
	return b;
}

static struct ioas_issuer issuer_of(const struct board *b)
{
	return (struct ioas_issuer){"COPY", NULL, -1, -1,
	                            ioas_device_pasid(b->dev)};
}

static void accesses_by_pasid_need_no_mapping(struct rig *r)
{
	struct board *b = board_of(r, 20, 0);
	struct ioas_issuer who = issuer_of(b);
	char theirs[3000], mine[3000] = {0};

	memset(theirs, 't', sizeof(theirs));
	rig_ok(r, ioas_dma_read(b->dev, (uintptr_t)theirs, mine, 3000, &who));
	assert_memory_equal(mine, theirs, 3000);
	memset(mine, 'm', sizeof(mine));
	rig_ok(r, ioas_dma_write(b->dev, (uintptr_t)theirs, mine, 3000, &who));
	assert_memory_equal(mine, theirs, 3000);
	assert_int_equal(b->dev->stats.dma_read_bytes.cell, 3000);
	/* In no space at all it works as well. */
	ioas_device_attach(b->dev, NULL);
	rig_ok(r, ioas_dma_read(b->dev, (uintptr_t)theirs, mine, 1, &who));
	assert_int_equal(board_fault.count, 0);
}

/* covers: ioas_dma_read -EFAULT, ioas_dma_write -EFAULT */
static void SVA_6_what_the_program_may_not_do_is_refused_and_told(struct rig *r)
{
	struct board *b = board_of(r, 20, 0);
	struct ioas_issuer who = issuer_of(b);
	char *p = rig_memory(r, 2 * rig_page());
	uint64_t at = (uintptr_t)p + rig_page();
	char mine[8] = "1234567";

	rig_hole(r, p + rig_page(), rig_page());
	rig_fails(r, ioas_dma_read(b->dev, at, mine, 8, &who), -EFAULT);
	check_fault(IOAS_FAULT_PROCESS, at, "COPY", NULL);
	rig_read_only(r, p, rig_page());
	rig_fails(r, ioas_dma_write(b->dev, at - 8, mine, 8, &who), -EFAULT);
	check_fault(IOAS_FAULT_PROCESS, at - 8, "COPY", NULL);
	who.pasid++;
	rig_fails(r, ioas_dma_read(b->dev, at - 8, mine, 8, &who), -EFAULT);
	check_fault(IOAS_FAULT_NO_PASID, at - 8, "COPY", NULL);
	/* Bus mastering is asked for as ever. */
	who.pasid--;
	ioas_device_config_write(b->dev, 4, &(uint16_t){2}, 2);
	rig_fails(r, ioas_dma_read(b->dev, at - 8, mine, 8, &who), -EFAULT);
	check_fault(IOAS_FAULT_NO_MASTER, at - 8, "COPY", NULL);
	assert_int_equal(board_fault.count, 4);
}

static void SVA_4_what_has_ended_is_refused_and_not_told(struct rig *r)
{
	struct board *b = board_of(r, 20, 0);
	struct ioas_issuer who = issuer_of(b);
	char mine = 'm', theirs = 't';

	ioas_sva_mm_exit(b->mm);
	rig_fails(r, ioas_dma_read(b->dev, (uintptr_t)&theirs, &mine, 1, &who),
	          -EFAULT);
	assert_int_equal(mine, 'm');
	assert_int_equal(board_fault.count, 0);
	assert_int_equal(b->dev->stats.dma_faults.cell, 1);
}

#define IOVA UINT64_C(0x100000)

/* covers: ioas_dma_copy -EFAULT, ioas_dma_copy -EACCES */
static void a_copy_may_go_from_one_kind_to_the_other(struct rig *r)
{
	struct board *b = board_of(r, 20, 0);
	char *mapped = board_map(b, IOVA, rig_page(), IOAS_READ | IOAS_WRITE);
	struct ioas_issuer by_pasid = issuer_of(b), plain = by_pasid;
	char *p = rig_memory(r, rig_page());
	struct ioas_copy in = {(uintptr_t)p, IOVA, 700, &by_pasid, &plain};
	struct ioas_copy out = {IOVA, (uintptr_t)p + 1000, 700, &plain,
	                        &by_pasid};
	struct ioas_copy wild = {IOVA, IOVA, 8, &plain, &by_pasid};

	plain.pasid = IOAS_NO_PASID;
	memset(p, 'p', 700);
	rig_ok(r, ioas_dma_copy(b->dev, &in));
	assert_memory_equal(mapped, p, 700);
	rig_ok(r, ioas_dma_copy(b->dev, &out));
	assert_memory_equal(p + 1000, p, 700);
	rig_fails(r, ioas_dma_copy(b->dev, &wild), -EACCES);
	check_fault(IOAS_FAULT_PROCESS, IOVA, "COPY", NULL);
	wild.reads = &by_pasid;
	wild.writes = &plain;
	rig_fails(r, ioas_dma_copy(b->dev, &wild), -EFAULT);
	check_fault(IOAS_FAULT_PROCESS, IOVA, "COPY", NULL);
}

static void segments_by_pasid_are_the_programs_own(struct rig *r)
{
	struct board *b = board_of(r, 20, 0);
	struct ioas_issuer who = issuer_of(b);
	struct ioas_segment segment[2];
	unsigned int count = 0;
	char *p = rig_memory(r, 2 * rig_page());

	ioas_dma_begin(b->dev);
	rig_ok(r,
	       ioas_dma_segments(b->dev, (uintptr_t)p + 7, 2 * rig_page() - 7,
	                         IOAS_READ, segment, &count, 2, &who));
	ioas_dma_end(b->dev);
	assert_int_equal(count, 1);
	assert_ptr_equal(segment[0].base, p + 7);
	assert_int_equal(segment[0].bytes, 2 * rig_page() - 7);
	ioas_dma_gone(b->dev, (uintptr_t)p, 8, IOAS_READ, &who);
	check_fault(IOAS_FAULT_PROCESS, (uintptr_t)p, "COPY", NULL);
}

/* What is written by PASID is at no I/O address. */
static void the_log_is_of_io_addresses(struct rig *r)
{
	struct board *b = board_of(r, 20, 0);
	struct ioas_issuer who = issuer_of(b);
	char *p = rig_memory(r, rig_page());
	struct iova_range all = {0, (UINT64_C(1) << 47) - 1}, dirty;

	if (rig_try(r, ioas_device_log_start(b->dev, &all, 1, 12)))
		rig_leave(r);
	rig_ok(r, ioas_dma_write(b->dev, (uintptr_t)p, "x", 1, &who));
	assert_int_equal(ioas_device_log_next(b->dev, all, &dirty), 0);
}

/* ---- Page requests ---- */

static int asked;
static struct ioas_page_request request;

static void ask_inside(struct probe *p)
{
	asked = ioas_dma_request_page(p->dev, &request);
	assert_int_equal(answers, 0);
}

static int ask(struct board *b, const void *at, bool last)
{
	struct probe *p = b->dev->state;

	request = (struct ioas_page_request){
		(uintptr_t)at, ioas_device_pasid(b->dev), IOAS_WRITE, 1, last};
	answers = 0;
	p->inside = ask_inside;
	board_store(b, 0, 4, 1);
	return asked;
}

/* covers: ioas_dma_request_page -EBUSY */
static void page_requests_are_answered_at_the_end_of_the_call(struct rig *r)
{
	struct board *b = board_of(r, 20, 2);
	char *p = rig_memory(r, 2 * rig_page());

	rig_ok(r, ask(b, p, true));
	assert_int_equal(answers, 1);
	assert_int_equal(answer, IOAS_PAGE_SUCCESS);
	rig_read_only(r, p, rig_page());
	rig_ok(r, ask(b, p, false));
	assert_int_equal(answers, 0);
	rig_ok(r, ask(b, p + rig_page(), true));
	assert_int_equal(answers, 1);
	assert_int_equal(answer, IOAS_PAGE_INVALID);
	rig_ok(r, ask(b, p, false));
	rig_ok(r, ask(b, p, false));
	rig_fails(r, ask(b, p, true), -EBUSY);
	/* A reset forgets what was asked for. */
	ioas_device_reset(b->dev);
	rig_ok(r, ask(b, p + rig_page(), true));
	assert_int_equal(answer, IOAS_PAGE_SUCCESS);
}

/* covers: ioas_dma_request_page -ENOENT, ioas_dma_request_page -EINVAL */
static void a_request_needs_a_pasid_and_what_for(struct rig *r)
{
	struct ioas_page_request bad = {0, 77, IOAS_READ, 1, true};
	struct board *b = board_of(r, 20, 2);
	struct board *none = board_new(r);

	board_plug(none, &probe_model, NULL, 0);
	assert_int_equal(ioas_device_pasid(none->dev), IOAS_NO_PASID);
	rig_fails(r, ioas_dma_request_page(b->dev, &bad), -ENOENT);
	rig_fails(r, ioas_dma_request_page(none->dev, &bad), -ENOENT);
	bad.perm = 0;
	rig_fails(r, ioas_dma_request_page(b->dev, &bad), -EINVAL);
	rig_fails(r, ioas_dma_request_page(none->dev, &bad), -EINVAL);
}

/* ---- Capabilities ---- */

static uint32_t config_at(const uint8_t *config, unsigned int at)
{
	return config[at] | (uint32_t)config[at + 1] << 8 |
	       (uint32_t)config[at + 2] << 16 | (uint32_t)config[at + 3] << 24;
}

/* The list that begins at 0x100, as identifiers; a header of nothing is 0. */
static unsigned int list_of(const uint8_t *config, unsigned int *ret_id)
{
	unsigned int at = 0x100, n = 0;

	while (at) {
		ret_id[n++] = config_at(config, at) & 0xffff;
		at = config_at(config, at) >> 20;
	}
	return n;
}

static void capabilities_follow_what_it_has(struct rig *r)
{
	static const struct {
		unsigned int bits, requests, vfs;
		bool is_virtual;
		unsigned int all[4], shown[4]; /* ended by 0 */
	} row[] = {
		{0, 0, 0, false, {0}, {0}},
		{20, 0, 0, false, {0x1b}, {0}},
		{20, 8, 0, false, {0x0f, 0x13, 0x1b}, {0x0f, 0x13}},
		{20, 0, 4, false, {0x10, 0x1b}, {0x10}},
		{20, 8, 4, false, {0x10, 0x0f, 0x13, 0x1b}, {0x10, 0x0f, 0x13}},
		{20, 8, 0, true, {0x0f}, {0x0f}},
		{20, 0, 0, true, {0}, {0}},
	};
	unsigned int i, k, n, id[8];

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		struct ioas_device *dev = calloc(1, sizeof(*dev));

		assert_non_null(dev);
		rig_defer(r, free, dev);
		dev->function = probe_model.function;
		dev->function.pcie = true;
		dev->function.pasid_bits = (uint8_t)row[i].bits;
		dev->function.page_requests = (uint16_t)row[i].requests;
		dev->iov.vfs = (uint16_t)row[i].vfs;
		dev->iov.is_virtual = row[i].is_virtual;
		ioas_config_build(dev);
		n = list_of(dev->config, id);
		for (k = 0; k < n; k++)
			assert_int_equal(id[k], row[i].all[k]);
		assert_true(n == 4 || !row[i].all[n] || !id[0]);
		ioas_pasid_hide(dev);
		n = list_of(dev->config, id);
		for (k = 0; k < n; k++)
			assert_int_equal(id[k], row[i].shown[k]);
		assert_true(!row[i].shown[n] || !id[0]);
	}
}

static void they_say_how_many_and_are_on_while_it_is_bound(struct rig *r)
{
	struct board *b = board_of(r, 13, 64);
	const uint8_t *config = b->dev->config;
	uint32_t zero = 0;
	unsigned int at;

	assert_int_equal(config_at(config, 0x104), 0x80000020); /* ATS */
	assert_int_equal(config_at(config, 0x10c), 0x80000001); /* PRI */
	assert_int_equal(config_at(config, 0x110), 64);
	assert_int_equal(config_at(config, 0x114), 64);
	assert_int_equal(config_at(config, 0x11c), 0x00010d00); /* PASID */
	/* The program writes none of it. */
	for (at = 0x100; at < 0x120; at += 4) {
		uint32_t was = config_at(config, at);

		ioas_device_config_write(b->dev, at, &zero, 4);
		assert_int_equal(config_at(config, at), was);
	}
}

static void a_device_without_room_for_the_pasid_does_not_start(struct rig *r)
{
	struct board *b = board_of(r, 20, 0);
	char why[IOAS_FAILURE_TEXT] = "";
	struct ioas_device *dev;
	struct ioas_sva_mm *mm;
	const struct ioas_sva_memory other = {.identity = 1};
	const struct ioas_sva_mm_config config = {.memory = &other};
	struct ioas_device_request again = {
		.model = &model, .bdf = {.bus = 2}, .sva = b->sva};

	rig_ok(r, ioas_sva_mm_create(b->sva, &config, &mm));
	rig_defer(r, RIG_CALL(ioas_sva_mm_destroy), mm);
	model.function.pasid_bits = 1;
	again.mm = mm;
	rig_fails(r, ioas_device_create(&again, &dev, why), -ENOSPC);
	assert_non_null(strstr(why, "PASID"));
	again.mm = b->mm;
	rig_ok(r, ioas_device_create(&again, &dev, why));
	ioas_device_destroy(dev);
}

RIG_MAIN("pci_pasid", RIG_TEST(accesses_by_pasid_need_no_mapping),
         RIG_TEST(SVA_6_what_the_program_may_not_do_is_refused_and_told),
         RIG_TEST(SVA_4_what_has_ended_is_refused_and_not_told),
         RIG_TEST(a_copy_may_go_from_one_kind_to_the_other),
         RIG_TEST(segments_by_pasid_are_the_programs_own),
         RIG_TEST(the_log_is_of_io_addresses),
         RIG_TEST(page_requests_are_answered_at_the_end_of_the_call),
         RIG_TEST(a_request_needs_a_pasid_and_what_for),
         RIG_TEST(capabilities_follow_what_it_has),
         RIG_TEST(they_say_how_many_and_are_on_while_it_is_bound),
         RIG_TEST(a_device_without_room_for_the_pasid_does_not_start))
