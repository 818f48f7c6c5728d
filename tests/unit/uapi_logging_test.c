/* SPDX-License-Identifier: MIT */
/* DMA logging, as a program sees it. */
#include "uapi_world.h"

#define LOGS  5 /* group of the device that has the option */
#define START IOAS_FEATURE_DMA_LOGGING_START
#define STOP  IOAS_FEATURE_DMA_LOGGING_STOP
#define TELL  IOAS_FEATURE_DMA_LOGGING_REPORT
#define GET   VFIO_DEVICE_FEATURE_GET
#define SETS  VFIO_DEVICE_FEATURE_SET
#define PAGES 130
#define BASE  UINT64_C(0x100000000)

static const enum ioas_contract contracts[] = {IOAS_CONTRACT_STRICT,
                                               IOAS_CONTRACT_LINUX_7_3,
                                               IOAS_CONTRACT_LINUX_6_12};

struct stand {
	int container, group, device;
	uint64_t page;
	char *memory; /* PAGES, mapped at BASE */
};

static void begin_as(struct rig *r, struct stand *st,
                     enum ioas_contract contract)
{
	more_contract = contract;
	more_spec[0] = "probe,dma-logging=on";
	world_begin(r);
	st->page = rig_page();
	st->memory = rig_memory(r, PAGES * st->page);
	st->container = (int)rig_value(r, open_container());
	st->group = (int)rig_value(r, open_group(LOGS));
	rig_ok(r, attach(st->group, st->container));
	rig_ok(r,
	       call_value(st->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	st->device = (int)rig_value(r, open_device(st->group, "0000:03:00.0"));
	rig_ok(r, map(st->container, BASE, st->memory, PAGES * st->page));
	bus_master_on(st->device);
}

static void begin(struct rig *r, struct stand *st)
{
	begin_as(r, st, IOAS_CONTRACT_STRICT);
}

static void close_all(void)
{
	int fd;

	for (fd = 0; fd < FILES; fd++)
		if (world.file[fd])
			close_fd(fd);
}

/* ---- Calls ---- */

struct start {
	uint32_t argsz, flags;
	struct ioas_vfio_logging_control control;
};

static long start_with(int device, uint64_t page_size, uint32_t count,
                       const struct ioas_vfio_logging_range *ranges)
{
	struct start arg = {sizeof(arg),
	                    SETS | START,
	                    {page_size, count, 0, (uintptr_t)ranges}};

	return call(device, VFIO_DEVICE_FEATURE, &arg);
}

static long start(const struct stand *st)
{
	const struct ioas_vfio_logging_range all = {BASE, PAGES * st->page};

	return start_with(st->device, st->page, 1, &all);
}

static long stop(const struct stand *st)
{
	struct vfio_device_feature arg = {sizeof(arg), SETS | STOP};

	return call(st->device, VFIO_DEVICE_FEATURE, &arg);
}

static long report(const struct stand *st, uint64_t page_size, uint64_t iova,
                   uint64_t length, void *bitmap)
{
	struct {
		uint32_t argsz, flags;
		struct ioas_vfio_logging_report report;
	} arg = {sizeof(arg),
	         GET | TELL,
	         {iova, length, page_size, (uintptr_t)bitmap}};

	return call(st->device, VFIO_DEVICE_FEATURE, &arg);
}

#define WORDS (PAGES / 64 + 1)

static bool bit(const uint64_t *words, uint64_t n)
{
	return words[n / 64] >> n % 64 & 1;
}

/* ---- What is logged ---- */

static void LOG_1_each_page_that_was_written_is_reported_once(struct rig *r)
{
	struct stand st;
	uint64_t words[WORDS] = {0}, n;

	begin(r, &st);
	rig_ok(r, dma_write(st.device, BASE, 1));
	rig_ok(r, start(&st));
	rig_ok(r, dma_write(st.device, BASE + 5 * st.page, 1));
	rig_ok(r, dma_write(st.device, BASE + 64 * st.page - 4, 1));
	rig_ok(r, dma_read(st.device, BASE + 7 * st.page));
	rig_ok(r, report(&st, st.page, BASE, PAGES * st.page, words));
	for (n = 0; n < PAGES; n++)
		assert_int_equal(bit(words, n), n == 5 || n == 63 || n == 64);
	memset(words, 0, sizeof(words));
	rig_ok(r, report(&st, st.page, BASE, PAGES * st.page, words));
	for (n = 0; n < WORDS; n++)
		assert_true(words[n] == 0);
	rig_ok(r, stop(&st));
	rig_fails(r, report(&st, st.page, BASE, PAGES * st.page, words),
	          -EINVAL);
}

static void LOG_2_what_is_refused_is_not_reported(struct rig *r)
{
	struct stand st;
	uint64_t words[WORDS] = {0}, n;
	const struct ioas_vfio_logging_range more = {0, BASE * 2};

	begin(r, &st);
	rig_ok(r, start_with(st.device, st.page, 1, &more));
	assert_int_not_equal(dma_write(st.device, BASE + PAGES * st.page, 1),
	                     0);
	assert_int_not_equal(dma_write(st.device, 0x1000, 1), 0);
	/* The first half of it is written. */
	assert_int_not_equal(
		dma_write(st.device, BASE + PAGES * st.page - 4, 1), 0);
	rig_ok(r, report(&st, st.page, BASE, PAGES * st.page, words));
	for (n = 0; n < PAGES; n++)
		assert_int_equal(bit(words, n), n == PAGES - 1);
}

static void bits_of_the_program_are_never_cleared(struct rig *r)
{
	struct stand st;
	uint64_t words[WORDS] = {0};

	begin(r, &st);
	words[0] = UINT64_C(0x8000000000000001);
	rig_ok(r, start(&st));
	rig_ok(r, dma_write(st.device, BASE + 3 * st.page, 1));
	rig_ok(r, report(&st, st.page, BASE, PAGES * st.page, words));
	assert_true(words[0] == UINT64_C(0x8000000000000009));
}

/* The bit of the report stands for as much as the report says. */
static void a_report_has_pages_of_its_own_size(struct rig *r)
{
	struct stand st;
	uint64_t words[WORDS] = {0}, word = 0;

	begin(r, &st);
	rig_ok(r, start(&st));
	rig_ok(r, dma_write(st.device, BASE + 5 * st.page, 1));
	rig_ok(r, dma_write(st.device, BASE + 65 * st.page, 1));
	rig_ok(r, report(&st, 16 * st.page, BASE, PAGES * st.page, words));
	assert_true(words[0] == (1 | 1 << 4));
	/* From somewhere else, and of a part. */
	rig_ok(r, dma_write(st.device, BASE + 5 * st.page, 1));
	rig_ok(r, dma_write(st.device, BASE + 9 * st.page, 1));
	rig_ok(r, report(&st, st.page, BASE + 4 * st.page, 4 * st.page, &word));
	assert_true(word == 1 << 1);
	word = 0;
	rig_ok(r, report(&st, st.page, BASE + 4 * st.page, 8 * st.page, &word));
	assert_true(word == 1 << 5);
}

static void only_ranges_that_were_asked_for_are_watched(struct rig *r)
{
	struct stand st;
	uint64_t words[WORDS] = {0}, n;
	struct ioas_vfio_logging_range two[2];

	begin(r, &st);
	two[0] = (struct ioas_vfio_logging_range){BASE + 100 * st.page,
	                                          2 * st.page};
	two[1] = (struct ioas_vfio_logging_range){BASE + 10 * st.page, st.page};
	rig_ok(r, start_with(st.device, st.page, 2, two));
	for (n = 0; n < PAGES; n++)
		rig_ok(r, dma_write(st.device, BASE + n * st.page, n));
	rig_ok(r, report(&st, st.page, BASE, PAGES * st.page, words));
	for (n = 0; n < PAGES; n++)
		assert_int_equal(bit(words, n),
		                 n == 10 || n == 100 || n == 101);
}

static void what_could_not_be_told_is_told_again(struct rig *r)
{
	struct stand st;
	uint64_t words[WORDS] = {0};

	begin(r, &st);
	rig_ok(r, start(&st));
	rig_ok(r, dma_write(st.device, BASE + 3 * st.page, 1));
	rig_fails(r, report(&st, st.page, BASE, PAGES * st.page, NULL),
	          -EFAULT);
	rig_ok(r, report(&st, st.page, BASE, PAGES * st.page, words));
	assert_true(words[0] == 1 << 3);
}

static void LOG_1_random_writes_match_a_plain_array(struct rig *r)
{
	static bool dirty[PAGES];
	struct stand st;
	unsigned int step;
	uint64_t n, first, count, at;

	begin(r, &st);
	memset(dirty, 0, sizeof(dirty));
	rig_ok(r, start(&st));
	for (step = 0; step < 2000; step++) {
		uint64_t words[WORDS] = {0};

		at = rig_random_below(r, PAGES * st.page - 8);
		rig_ok(r, dma_write(st.device, BASE + at, step));
		dirty[at / st.page] = dirty[(at + 7) / st.page] = true;
		if (rig_random_below(r, 20))
			continue;
		first = rig_random_below(r, PAGES);
		count = 1 + rig_random_below(r, PAGES - first);
		rig_ok(r, report(&st, st.page, BASE + first * st.page,
		                 count * st.page, words));
		for (n = 0; n < count; n++) {
			assert_int_equal(bit(words, n), dirty[first + n]);
			dirty[first + n] = false;
		}
	}
}

static void logging_ends_with_the_last_close(struct rig *r)
{
	struct stand st;
	uint64_t words[WORDS] = {0};

	begin(r, &st);
	rig_ok(r, start(&st));
	close_fd(st.device);
	st.device = (int)rig_value(r, open_device(st.group, "0000:03:00.0"));
	rig_fails(r, report(&st, st.page, BASE, st.page, words), -EINVAL);
	rig_ok(r, start(&st));
}

/* ---- What is refused, in the kernel's order ---- */

static void a_device_without_the_option_has_none_of_it(struct rig *r)
{
	static const uint32_t features[] = {SETS | START, SETS | STOP,
	                                    GET | TELL};
	int container, group, device;
	unsigned int i;

	world_attached(r, &container, &group);
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	for (i = 0; i < IOAS_ARRAY_SIZE(features); i++) {
		struct vfio_device_feature arg = {sizeof(arg), features[i]};

		rig_fails(r, call(device, VFIO_DEVICE_FEATURE, &arg), -ENOTTY);
	}
}

static void operations_and_room_are_looked_at_first(struct rig *r)
{
	static const struct {
		uint32_t argsz, flags;
		long answer;
	} row[] = {
		{32, GET | START, -EINVAL},
		{32, START, -EINVAL},
		{32, VFIO_DEVICE_FEATURE_PROBE | SETS | START, 0},
		{8, VFIO_DEVICE_FEATURE_PROBE | START, 0},
		{31, SETS | START, -EINVAL},
		{8, GET | STOP, -EINVAL},
		{8, VFIO_DEVICE_FEATURE_PROBE | SETS | STOP, 0},
		{8, SETS | STOP, 0},
		{40, SETS | TELL, -EINVAL},
		{39, GET | TELL, -EINVAL},
		{40, VFIO_DEVICE_FEATURE_PROBE | GET | TELL, 0},
	};
	struct stand st;
	unsigned int i;
	uint32_t arg[10];

	begin(r, &st);
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		memset(arg, 0xff, sizeof(arg));
		arg[0] = row[i].argsz;
		arg[1] = row[i].flags;
		rig_fails(r, call(st.device, VFIO_DEVICE_FEATURE, arg),
		          row[i].answer);
	}
}

static void start_refuses(struct rig *r)
{
	static const struct {
		uint64_t page_size;
		uint32_t count;
		struct ioas_vfio_logging_range range[2];
		long answer;
	} row[] = {
		{0x1000, 0, {{0, 0x1000}}, -EINVAL},
		{0x1000, 1, {{1, 0x1000}}, -EINVAL},
		{0x1000, 1, {{0, 0x1001}}, -EINVAL},
		{0, 1, {{0x1000, 0x1000}}, -EINVAL},
		{0x1000, 2, {{0, 0x2000}, {0x1000, 0x1000}}, -EINVAL},
		{0x1000, 1, {{UINT64_MAX - 0xfff, 0x1000}}, -EOVERFLOW},
		/* Unaligned and wrapping, it is unaligned first. */
		{0x1000, 1, {{UINT64_MAX, 0x1000}}, -EINVAL},
		{0x1000, 2, {{0, 0x1000}, {1, 0x1000}}, -EINVAL},
	};
	struct stand st;
	unsigned int i, k;

	for (k = 0; k < IOAS_ARRAY_SIZE(contracts); k++) {
		begin_as(r, &st, contracts[k]);
		for (i = 0; i < IOAS_ARRAY_SIZE(row); i++)
			rig_fails(r,
			          start_with(st.device, row[i].page_size,
			                     row[i].count, row[i].range),
			          row[i].answer);
		rig_fails(r, start_with(st.device, 0x1000, 1, NULL), -EFAULT);
		/* Before the ranges are looked at. */
		rig_fails(r,
		          start_with(st.device, 0x1000,
		                     (uint32_t)(st.page / 16 + 1), NULL),
		          -E2BIG);
		rig_ok(r, start(&st));
		rig_fails(r, start(&st), -EINVAL);
		close_all();
	}
}

static void start_says_how_large_its_pages_are(struct rig *r)
{
	static const struct {
		uint64_t asked, given;
	} row[] = {{0x1000, 0x1000},
	           {0x200000, 0x200000},
	           {0x200, 0x1000},
	           {UINT64_C(1) << 40, UINT64_C(1) << 30}};
	const struct ioas_vfio_logging_range none = {0, 0};
	struct stand st;
	unsigned int i;

	begin(r, &st);
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		struct start arg = {sizeof(arg),
		                    SETS | START,
		                    {row[i].asked, 1, 0, (uintptr_t)&none}};

		rig_ok(r, call(st.device, VFIO_DEVICE_FEATURE, &arg));
		assert_true(arg.control.page_size == row[i].given);
		rig_ok(r, stop(&st));
	}
}

static void an_answer_that_cannot_be_written_leaves_nothing(struct rig *r)
{
	const struct ioas_vfio_logging_range some = {0, 0x10000};
	struct stand st;
	struct start *arg = rig_memory(r, rig_page());

	begin(r, &st);
	*arg = (struct start){
		sizeof(*arg), SETS | START, {0x1000, 1, 0, (uintptr_t)&some}};
	rig_read_only(r, arg, rig_page());
	rig_fails(r, call(st.device, VFIO_DEVICE_FEATURE, arg), -EFAULT);
	rig_ok(r, start(&st));
}

static void report_refuses(struct rig *r)
{
	static const struct {
		uint64_t page_size, iova, length;
		long answer;
	} row[] = {
		{0x800, 0, 0x1000, -EINVAL},
		{0, 0, 0x1000, -EINVAL},
		{0x1800, 0, 0x1000, -EINVAL},
		{0x1000, UINT64_MAX - 0xfff, 0x1000, -EOVERFLOW},
		{0x800, UINT64_MAX - 0xfff, 0x1000, -EINVAL},
	};
	struct stand st;
	unsigned int i, k;
	uint64_t word = 0;

	for (k = 0; k < IOAS_ARRAY_SIZE(contracts); k++) {
		bool first = contracts[k] == IOAS_CONTRACT_LINUX_6_12;

		begin_as(r, &st, contracts[k]);
		rig_fails(r, report(&st, 0x1000, 0, 0x1000, &word), -EINVAL);
		rig_ok(r, start(&st));
		for (i = 0; i < IOAS_ARRAY_SIZE(row); i++)
			rig_fails(r,
			          report(&st, row[i].page_size, row[i].iova,
			                 row[i].length, &word),
			          row[i].answer);
		/* Nothing is dirty: 7.3 does not look at the bitmap. */
		rig_fails(r, report(&st, 0x1000, BASE, 0x1000, NULL),
		          first ? -EFAULT : 0);
		close_all();
	}
}

RIG_MAIN("uapi_logging",
         RIG_TEST(LOG_1_each_page_that_was_written_is_reported_once),
         RIG_TEST(LOG_2_what_is_refused_is_not_reported),
         RIG_TEST(bits_of_the_program_are_never_cleared),
         RIG_TEST(a_report_has_pages_of_its_own_size),
         RIG_TEST(only_ranges_that_were_asked_for_are_watched),
         RIG_TEST(what_could_not_be_told_is_told_again),
         /* Thousands of writes. */
         RIG_ONCE(LOG_1_random_writes_match_a_plain_array),
         RIG_TEST(logging_ends_with_the_last_close),
         RIG_TEST(a_device_without_the_option_has_none_of_it),
         RIG_TEST(operations_and_room_are_looked_at_first),
         RIG_TEST(start_refuses), RIG_TEST(start_says_how_large_its_pages_are),
         RIG_TEST(an_answer_that_cannot_be_written_leaves_nothing),
         RIG_TEST(report_refuses))
