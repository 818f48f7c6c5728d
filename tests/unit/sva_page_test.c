/* SPDX-License-Identifier: MIT */
/* Page requests: src/sva/page.c. */
#include "sva_rig.h"

#define NOWHERE UINT64_C(0x100)

struct bench {
	struct ioas_sva *sva;
	struct array array;
	struct ioas_sva_mm *mm;
	struct device d;
	uint32_t pasid;
};

static void begin(struct rig *r, struct bench *b, unsigned int requests)
{
	b->sva = sva_new(r, 20);
	b->array = array_new();
	b->mm = mm_new(r, b->sva, &b->array);
	device_new(r, b->sva, 20, requests, &b->d);
	b->pasid = bind_new(r, &b->d, b->mm);
}

static int ask(struct bench *b, uint64_t uaddr, uint32_t group, bool last)
{
	const struct ioas_page_request request = {uaddr, b->pasid, IOAS_READ,
	                                          group, last};

	return ioas_sva_request(b->d.dev, &request);
}

static void check_note(const struct bench *b, unsigned int i, uint32_t group,
                       enum ioas_page_response response)
{
	assert_int_equal(b->d.note[i].pasid, b->pasid);
	assert_int_equal(b->d.note[i].group, group);
	assert_int_equal(b->d.note[i].response, response);
}

static struct ioas_sva_stats stats_of(struct bench *b)
{
	struct ioas_sva_stats stats;

	ioas_sva_device_stats(b->d.dev, &stats);
	return stats;
}

static void SVA_5_a_group_is_answered_once_when_its_last_came(struct rig *r)
{
	static struct bench b;

	begin(r, &b, 8);
	rig_ok(r, ask(&b, ARRAY_AT, 3, false));
	rig_ok(r, ask(&b, ARRAY_AT, 4, false));
	rig_ok(r, ask(&b, ARRAY_AT + 1, 3, false));
	assert_int_equal(ioas_sva_serve(b.sva, 9), 0);
	rig_ok(r, ask(&b, ARRAY_AT + 2, 3, true));
	rig_ok(r, ask(&b, ARRAY_AT, 9, true));
	rig_ok(r, ask(&b, ARRAY_AT, 4, true));
	assert_int_equal(ioas_sva_serve(b.sva, 1), 1);
	assert_int_equal(ioas_a32_load(&b.array.asked), 3);
	assert_int_equal(ioas_sva_serve(b.sva, 9), 2);
	assert_int_equal(b.d.responses, 3);
	check_note(&b, 0, 3, IOAS_PAGE_SUCCESS);
	check_note(&b, 1, 9, IOAS_PAGE_SUCCESS);
	check_note(&b, 2, 4, IOAS_PAGE_SUCCESS);
	assert_int_equal(stats_of(&b).requests, 6);
	assert_int_equal(stats_of(&b).responses[IOAS_PAGE_SUCCESS], 3);
}

static void SVA_5_the_first_failure_is_the_groups(struct rig *r)
{
	static struct bench b;

	begin(r, &b, 8);
	rig_ok(r, ask(&b, ARRAY_AT, 1, false));
	rig_ok(r, ask(&b, NOWHERE, 1, false));
	rig_ok(r, ask(&b, ARRAY_AT, 1, true));
	assert_int_equal(ioas_sva_serve(b.sva, 9), 1);
	check_note(&b, 0, 1, IOAS_PAGE_INVALID);
	/* What comes after it is not brought in. */
	assert_int_equal(ioas_a32_load(&b.array.asked), 2);
	b.array.answer = -ENOMEM;
	rig_ok(r, ask(&b, ARRAY_AT, 2, true));
	assert_int_equal(ioas_sva_serve(b.sva, 9), 1);
	check_note(&b, 1, 2, IOAS_PAGE_FAILURE);
	assert_int_equal(stats_of(&b).responses[IOAS_PAGE_FAILURE], 1);
}

/* covers: ioas_sva_request -EINVAL, ioas_sva_request -ENOENT */
static void a_request_that_cannot_be_is_not_taken(struct rig *r)
{
	struct ioas_page_request bad = {ARRAY_AT, 1, 0, 1, true};
	static struct bench b;

	begin(r, &b, 8);
	rig_fails(r, ioas_sva_request(b.d.dev, &bad), -EINVAL);
	bad.perm = 4;
	rig_fails(r, ioas_sva_request(b.d.dev, &bad), -EINVAL);
	bad.perm = IOAS_WRITE;
	bad.pasid = 2;
	rig_fails(r, ioas_sva_request(b.d.dev, &bad), -ENOENT);
	assert_int_equal(ioas_sva_serve(b.sva, 9), 0);
	assert_int_equal(b.d.responses, 0);
}

/* covers: ioas_sva_request -EBUSY */
static void more_than_the_device_may_have_is_not_taken(struct rig *r)
{
	static struct bench b;

	begin(r, &b, 2);
	rig_ok(r, ask(&b, ARRAY_AT, 1, false));
	rig_ok(r, ask(&b, ARRAY_AT, 2, true));
	rig_fails(r, ask(&b, ARRAY_AT, 1, true), -EBUSY);
	assert_int_equal(ioas_sva_serve(b.sva, 9), 1);
	rig_ok(r, ask(&b, ARRAY_AT, 1, true));
	assert_int_equal(ioas_sva_serve(b.sva, 9), 1);
	check_note(&b, 1, 1, IOAS_PAGE_SUCCESS);
	assert_int_equal(stats_of(&b).overflows, 1);
	assert_int_equal(stats_of(&b).requests, 3);
	/* A device of none has no room for one. */
	begin(r, &b, 0);
	rig_fails(r, ask(&b, ARRAY_AT, 1, true), -EBUSY);
}

static void a_device_may_ask_again_when_it_is_answered(struct rig *r)
{
	static struct bench b;

	begin(r, &b, 1);
	b.d.asks_again = true;
	rig_ok(r, ask(&b, ARRAY_AT, 1, true));
	assert_int_equal(ioas_sva_serve(b.sva, 9), 2);
	check_note(&b, 1, 2, IOAS_PAGE_SUCCESS);
}

static int ask_by(const struct device *d, uint32_t pasid, uint32_t group)
{
	const struct ioas_page_request request = {ARRAY_AT, pasid, IOAS_READ,
	                                          group, true};

	return ioas_sva_request(d->dev, &request);
}

/* covers: ioas_sva_request -EBUSY */
static void a_device_that_floods_keeps_no_other_waiting(struct rig *r)
{
	static struct device other;
	static struct bench b;
	uint32_t i;

	begin(r, &b, 8);
	device_new(r, b.sva, 20, 2, &other);
	assert_int_equal(bind_new(r, &other, b.mm), b.pasid);
	for (i = 0; i < 8; i++)
		rig_ok(r, ask(&b, ARRAY_AT, i, true));
	rig_fails(r, ask(&b, ARRAY_AT, 8, true), -EBUSY);
	rig_ok(r, ask_by(&other, b.pasid, 100));
	rig_ok(r, ask_by(&other, b.pasid, 101));
	assert_int_equal(ioas_sva_serve(b.sva, 2), 2);
	assert_int_equal(b.d.responses, 1);
	assert_int_equal(other.responses, 1);
	assert_int_equal(other.note[0].group, 100);
	assert_int_equal(other.note[0].response, IOAS_PAGE_SUCCESS);
	assert_int_equal(ioas_sva_serve(b.sva, 2), 2);
	assert_int_equal(other.responses, 2);
	/* One that comes back waits for one group, not for six. */
	rig_ok(r, ask_by(&other, b.pasid, 102));
	assert_int_equal(ioas_sva_serve(b.sva, 2), 2);
	assert_int_equal(other.responses, 3);
	assert_int_equal(ioas_sva_serve(b.sva, 9), 5);
	for (i = 0; i < 8; i++)
		check_note(&b, i, i, IOAS_PAGE_SUCCESS);
	assert_int_equal(stats_of(&b).overflows, 1);
}

/* @unbound: the first of those that wait, in their midst, or the last. */
static void others_go_on(struct rig *r, unsigned int unbound)
{
	static struct device d[4];
	static struct bench b;
	unsigned int i;

	begin(r, &b, 2);
	for (i = 0; i < 4; i++) {
		device_new(r, b.sva, 20, 2, &d[i]);
		bind_new(r, &d[i], b.mm);
	}
	for (i = 0; i < 6; i++)
		rig_ok(r, ask_by(&d[i % 3], b.pasid, i));
	rig_ok(r, ioas_sva_unbind(d[unbound].dev, b.pasid));
	assert_int_equal(d[unbound].responses, 2);
	assert_int_equal(d[unbound].note[1].response, IOAS_PAGE_INVALID);
	rig_ok(r, ask_by(&d[3], b.pasid, 9));
	assert_int_equal(ioas_sva_serve(b.sva, 3), 3);
	for (i = 0; i < 4; i++)
		assert_int_equal(d[i].responses, i == unbound ? 2 : 1);
	assert_int_equal(ioas_sva_serve(b.sva, 9), 2);
	rig_ok(r, ioas_sva_bind(d[unbound].dev, b.mm, &b.pasid));
}

static void others_go_on_when_one_that_waits_is_unbound(struct rig *r)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		others_go_on(r, i);
}

static void SVA_2_unbind_answers_groups_and_drops_parts(struct rig *r)
{
	struct array other = array_new();
	struct ioas_sva_stats stats;
	static struct bench b;
	static struct bench c;

	begin(r, &b, 8);
	c = b;
	c.mm = mm_new(r, b.sva, &other);
	c.pasid = bind_new(r, &b.d, c.mm);
	rig_ok(r, ask(&b, ARRAY_AT, 1, false));
	rig_ok(r, ask(&c, ARRAY_AT, 1, false));
	rig_ok(r, ask(&b, ARRAY_AT, 5, true));
	rig_ok(r, ask(&c, ARRAY_AT, 6, true));
	rig_ok(r, ask(&b, ARRAY_AT, 7, true));
	rig_ok(r, ioas_sva_unbind(b.d.dev, b.pasid));
	assert_int_equal(b.d.responses, 2);
	check_note(&b, 0, 5, IOAS_PAGE_INVALID);
	check_note(&b, 1, 7, IOAS_PAGE_INVALID);
	assert_int_equal(ioas_a32_load(&b.array.asked), 0);
	/* The other address space's go on. */
	rig_ok(r, ask(&c, ARRAY_AT, 1, true));
	assert_int_equal(ioas_sva_serve(b.sva, 9), 2);
	assert_int_equal(b.d.note[2].group, 6);
	assert_int_equal(b.d.note[3].group, 1);
	assert_int_equal(ioas_a32_load(&other.asked), 3);
	ioas_sva_device_stats(b.d.dev, &stats);
	assert_int_equal(stats.dropped, 1);
	assert_int_equal(stats.requests, 6);
}

/* The queue is whole after its last one was taken out of it. */
static void a_group_can_be_queued_after_the_last_one_was_drained(struct rig *r)
{
	struct array other = array_new();
	static struct bench b, c;

	begin(r, &b, 8);
	c = b;
	c.pasid = bind_new(r, &b.d, mm_new(r, b.sva, &other));
	rig_ok(r, ask(&c, ARRAY_AT, 1, true));
	rig_ok(r, ask(&b, ARRAY_AT, 2, true));
	rig_ok(r, ioas_sva_unbind(b.d.dev, b.pasid));
	rig_ok(r, ask(&c, ARRAY_AT, 3, true));
	assert_int_equal(ioas_sva_serve(b.sva, 9), 2);
	assert_int_equal(b.d.responses, 3);
	assert_int_equal(b.d.note[2].group, 3);
}

static void SVA_4_an_address_space_that_ended_brings_nothing_in(struct rig *r)
{
	static struct bench b;

	begin(r, &b, 8);
	rig_ok(r, ask(&b, ARRAY_AT, 1, true));
	ioas_sva_mm_exit(b.mm);
	rig_ok(r, ask(&b, ARRAY_AT, 2, true));
	assert_int_equal(ioas_sva_serve(b.sva, 9), 2);
	check_note(&b, 0, 1, IOAS_PAGE_INVALID);
	check_note(&b, 1, 2, IOAS_PAGE_INVALID);
	assert_int_equal(ioas_a32_load(&b.array.asked), 0);
	/* And so does one that says so itself. */
	begin(r, &b, 8);
	b.array.answer = -ESRCH;
	rig_ok(r, ask(&b, ARRAY_AT, 1, true));
	rig_ok(r, ask(&b, ARRAY_AT, 2, true));
	assert_int_equal(ioas_sva_serve(b.sva, 9), 2);
	check_note(&b, 1, 2, IOAS_PAGE_INVALID);
	assert_int_equal(ioas_a32_load(&b.array.asked), 1);
}

/* ---- Served while it is taken away. ---- */

static void *serve(void *arg)
{
	ioas_sva_serve(arg, 1);
	return NULL;
}

struct taker {
	struct bench *b;
	void (*fn)(struct bench *b);
	struct ioas_a32 done;
	int err;
};

static void *take(void *arg)
{
	struct taker *t = arg;

	t->fn(t->b);
	ioas_a32_store(&t->done, 1);
	return NULL;
}

static void unbind(struct bench *b)
{
	if (ioas_sva_unbind(b->d.dev, b->pasid))
		b->pasid = 0;
}

static void end(struct bench *b)
{
	ioas_sva_mm_exit(b->mm);
}

static void waits_for_who_serves(struct rig *r, void (*fn)(struct bench *b))
{
	struct ioas_a32 entered = {0}, go = {0};
	static struct bench b;
	struct taker t = {.b = &b, .fn = fn};
	pthread_t server, taker;
	unsigned int round;

	begin(r, &b, 8);
	b.array.entered = &entered;
	b.array.waits = &go;
	rig_ok(r, ask(&b, ARRAY_AT, 1, true));
	assert_int_equal(pthread_create(&server, NULL, serve, b.sva), 0);
	while (!ioas_a32_load(&entered))
		ioas_hooks.relax(20);
	assert_int_equal(pthread_create(&taker, NULL, take, &t), 0);
	for (round = 0; round < 20; round++)
		ioas_hooks.relax(20);
	assert_int_equal(ioas_a32_load(&t.done), 0);
	ioas_a32_store(&go, 1);
	pthread_join(taker, NULL);
	pthread_join(server, NULL);
	assert_int_equal(b.d.responses, 1);
	check_note(&b, 0, 1, IOAS_PAGE_SUCCESS);
}

static void SVA_2_unbind_waits_for_who_serves(struct rig *r)
{
	waits_for_who_serves(r, unbind);
}

static void SVA_4_an_exit_waits_for_who_serves(struct rig *r)
{
	waits_for_who_serves(r, end);
}

/* ---- This process's own memory. ---- */

static unsigned int calls;

static void requested(void *context)
{
	calls += context == &calls;
}

static void own_pages_are_brought_in_and_not_pinned(struct rig *r)
{
	const struct ioas_sva_config config = {20, requested, &calls};
	size_t page = rig_page();
	char *memory = rig_memory(r, 3 * page);
	static struct bench b;

	calls = 0;
	rig_ok(r, ioas_sva_create(&config, &b.sva));
	rig_defer(r, RIG_CALL(ioas_sva_destroy), b.sva);
	b.mm = mm_new(r, b.sva, NULL);
	device_new(r, b.sva, 20, 8, &b.d);
	b.pasid = bind_new(r, &b.d, b.mm);
	rig_hole(r, memory + 2 * page, page);
	rig_ok(r, ask(&b, address_of(memory) + 5, 1, false));
	assert_int_equal(calls, 0);
	rig_ok(r, ask(&b, address_of(memory) + page, 1, true));
	assert_int_equal(calls, 1);
	rig_ok(r, ask(&b, address_of(memory) + 2 * page, 2, true));
	assert_int_equal(ioas_sva_serve(b.sva, 9), 2);
	check_note(&b, 0, 1, IOAS_PAGE_SUCCESS);
	check_note(&b, 1, 2, IOAS_PAGE_INVALID);
	assert_int_equal(rig_pinned_bytes(r), 0);
}

static void SVA_6_a_page_to_write_to_has_to_be_writable(struct rig *r)
{
	size_t page = rig_page();
	char *memory = rig_memory(r, page);
	struct ioas_page_request request = {address_of(memory), 0, RW, 1, true};
	static struct bench b;

	b.sva = sva_new(r, 20);
	b.mm = mm_new(r, b.sva, NULL);
	device_new(r, b.sva, 20, 8, &b.d);
	b.pasid = request.pasid = bind_new(r, &b.d, b.mm);
	rig_ok(r, ioas_sva_request(b.d.dev, &request));
	assert_int_equal(ioas_sva_serve(b.sva, 9), 1);
	check_note(&b, 0, 1, IOAS_PAGE_SUCCESS);
	rig_read_only(r, memory, page);
	rig_ok(r, ioas_sva_request(b.d.dev, &request));
	assert_int_equal(ioas_sva_serve(b.sva, 9), 1);
	check_note(&b, 1, 1, IOAS_PAGE_INVALID);
}

RIG_MAIN("sva_page",
         RIG_TEST(SVA_5_a_group_is_answered_once_when_its_last_came),
         RIG_TEST(SVA_5_the_first_failure_is_the_groups),
         RIG_TEST(a_request_that_cannot_be_is_not_taken),
         RIG_TEST(more_than_the_device_may_have_is_not_taken),
         RIG_TEST(a_device_may_ask_again_when_it_is_answered),
         RIG_TEST(a_device_that_floods_keeps_no_other_waiting),
         RIG_TEST(others_go_on_when_one_that_waits_is_unbound),
         RIG_TEST(SVA_2_unbind_answers_groups_and_drops_parts),
         RIG_TEST(a_group_can_be_queued_after_the_last_one_was_drained),
         RIG_TEST(SVA_4_an_address_space_that_ended_brings_nothing_in),
         RIG_ONCE(SVA_2_unbind_waits_for_who_serves),
         RIG_ONCE(SVA_4_an_exit_waits_for_who_serves),
         RIG_TEST(own_pages_are_brought_in_and_not_pinned),
         RIG_TEST(SVA_6_a_page_to_write_to_has_to_be_writable))
