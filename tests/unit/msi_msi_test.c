/* SPDX-License-Identifier: MIT */
/* Controllers: who has which number, and what a message means. */
#include <errno.h>
#include <string.h>

#include "msi/msi.h"
#include "rig.h"

static const struct ioas_msi_kind *const kinds[] = {
	&ioas_msi_its, &ioas_msi_vtd,  &ioas_msi_amd,
	&ioas_msi_v2m, &ioas_msi_apic,
};

static struct ioas_msi msi;
static int events[2][64];

static struct ioas_msi_claim device(unsigned int i)
{
	unsigned int v;

	for (v = 0; v < 64; v++)
		events[i][v] = -1;
	return (struct ioas_msi_claim){
		.requester = (i + 1) << 8,
		.name = i ? "0000:02:00.0" : "0000:01:00.0",
		.event = events[i],
	};
}

static void begin(const struct ioas_msi_kind *kind)
{
	msi = (struct ioas_msi){.kind = kind};
}

/* MSI-8 */
static void MSI_8_a_message_means_the_vector_it_was_composed_for(struct rig *r)
{
	struct ioas_msi_claim a, b;
	struct ioas_message m;
	unsigned int k, v;
	uint32_t number;

	for (k = 0; k < IOAS_ARRAY_SIZE(kinds); k++) {
		begin(kinds[k]);
		a = device(0);
		b = device(1);
		rig_ok(r, ioas_msi_claim(&msi, &a, 5, false));
		rig_ok(r, ioas_msi_claim(&msi, &b, 8, true));
		for (v = 0; v < 5; v++) {
			m = ioas_msi_compose(&msi, &a, v, false);
			assert_int_equal(ioas_msi_decode(&msi, &a, &m, &number),
			                 IOAS_MSI_OWN);
			assert_int_equal(number - a.first, v);
		}
		/* One message for all, the vector in the data. */
		for (v = 0; v < 8; v++) {
			m = ioas_msi_compose(&msi, &b, 0, true);
			m.data |= v;
			assert_int_equal(ioas_msi_decode(&msi, &b, &m, &number),
			                 IOAS_MSI_OWN);
			assert_int_equal(number - b.first, v);
		}
	}
}

static void
another_device_cannot_name_a_vector_where_it_is_isolated(struct rig *r)
{
	struct ioas_msi_claim a, b;
	struct ioas_msi_owner owner;
	struct ioas_message m;
	uint32_t number;
	unsigned int k;

	for (k = 0; k < IOAS_ARRAY_SIZE(kinds); k++) {
		int event = rig_event(r);

		begin(kinds[k]);
		a = device(0);
		b = device(1);
		rig_ok(r, ioas_msi_claim(&msi, &a, 5, false));
		rig_ok(r, ioas_msi_claim(&msi, &b, 2, false));
		events[0][4] = event;
		m = ioas_msi_compose(&msi, &a, 4, false);
		assert_int_equal(ioas_msi_decode(&msi, &b, &m, &number),
		                 IOAS_MSI_FOREIGN);
		ioas_msi_meet(&msi, &b, number, &owner);
		assert_int_equal(rig_event_count(r, event),
		                 !kinds[k]->isolated);
		assert_int_equal(owner.raised, !kinds[k]->isolated);
		/* A table of the device's own has nothing of another's. */
		assert_string_equal(owner.name, kinds[k]->per_requester
		                                        ? ""
		                                        : "0000:01:00.0");
		if (owner.name[0])
			assert_int_equal(owner.vector, 4);
	}
}

static void MSI_7_nothing_is_raised_after_the_claim_has_ended(struct rig *r)
{
	struct ioas_msi_claim a = device(0), b = device(1);
	struct ioas_msi_owner owner;
	struct ioas_message m;
	int event = rig_event(r);
	uint32_t number;

	begin(&ioas_msi_apic);
	rig_ok(r, ioas_msi_claim(&msi, &b, 2, false));
	rig_ok(r, ioas_msi_claim(&msi, &a, 5, false));
	events[0][4] = event;
	m = ioas_msi_compose(&msi, &a, 4, false);
	ioas_msi_unclaim(&msi, &a);
	ioas_msi_unclaim(&msi, &a);
	ioas_msi_decode(&msi, &b, &m, &number);
	ioas_msi_meet(&msi, &b, number, &owner);
	assert_string_equal(owner.name, "");
	assert_int_equal(rig_event_count(r, event), 0);
	assert_int_equal(ioas_msi_decode(&msi, &a, &m, &number),
	                 IOAS_MSI_FOREIGN);
}

static void what_is_no_message_is_told(struct rig *r)
{
	static const struct {
		const struct ioas_msi_kind *kind;
		struct ioas_message message;
	} row[] = {
		{&ioas_msi_its, {0x08090044, 0}},
		{&ioas_msi_its, {0x08090000, 0}},
		{&ioas_msi_v2m, {0x08020000, 40}},
		/* The format without remapping. */
		{&ioas_msi_vtd, {0xfee00000, 0x31}},
		/* Vectors that are no device's. */
		{&ioas_msi_apic, {0xfee00000, 0x2f}},
		{&ioas_msi_apic, {0xfee00000, 0xf0}},
	};
	struct ioas_msi_claim a;
	uint32_t number;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		begin(row[i].kind);
		a = device(0);
		rig_ok(r, ioas_msi_claim(&msi, &a, 5, false));
		assert_int_equal(
			ioas_msi_decode(&msi, &a, &row[i].message, &number),
			IOAS_MSI_NONSENSE);
	}
}

static void messages_look_as_the_architecture_says(struct rig *r)
{
	struct ioas_msi_claim a = device(0), b = device(1);
	struct ioas_message m;

	begin(&ioas_msi_vtd);
	rig_ok(r, ioas_msi_claim(&msi, &a, 0x8000, false));
	rig_ok(r, ioas_msi_claim(&msi, &b, 8, true));
	m = ioas_msi_compose(&msi, &a, 0x7fff, false);
	assert_true(m.address == 0xfeeffff8 && m.data == 0);
	m = ioas_msi_compose(&msi, &b, 3, false);
	assert_true(m.address == (0xfee0001c | 3 << 5) && m.data == 0);
	m = ioas_msi_compose(&msi, &b, 3, true);
	assert_true(m.address == 0xfee0001c && m.data == 3);
	begin(&ioas_msi_its);
	a = device(0);
	rig_ok(r, ioas_msi_claim(&msi, &a, 5, false));
	m = ioas_msi_compose(&msi, &a, 4, false);
	assert_true(m.address == 0x08090040 && m.data == 4);
	begin(&ioas_msi_apic);
	a = device(0);
	rig_ok(r, ioas_msi_claim(&msi, &a, 200, false));
	m = ioas_msi_compose(&msi, &a, 191, false);
	assert_true(m.address == 0xfee00000 && m.data == 0xef);
	m = ioas_msi_compose(&msi, &a, 192, false);
	assert_true(m.address == 0xfee01000 && m.data == 0x30);
}

static void numbers_that_came_back_are_given_out_again(struct rig *r)
{
	struct ioas_msi_claim a = device(0), b = device(1), c = device(1);

	begin(&ioas_msi_vtd);
	rig_ok(r, ioas_msi_claim(&msi, &a, 5, false));
	rig_ok(r, ioas_msi_claim(&msi, &b, 4, true));
	assert_int_equal(b.first, 8);
	rig_ok(r, ioas_msi_claim(&msi, &c, 3, false));
	assert_int_equal(c.first, 5);
	ioas_msi_unclaim(&msi, &a);
	rig_ok(r, ioas_msi_claim(&msi, &a, 6, false));
	assert_int_equal(a.first, 12);
	ioas_msi_unclaim(&msi, &b);
	ioas_msi_unclaim(&msi, &c);
	ioas_msi_unclaim(&msi, &a);
	assert_null(msi.claims);
}

static void claim_refuses_what_is_not_there(struct rig *r)
{
	struct ioas_msi_claim a = device(0), b = device(1);

	begin(&ioas_msi_v2m);
	assert_int_equal(ioas_msi_claim(&msi, &a, 1000, false), -ENOSPC);
	assert_int_equal(a.count, 0);
	rig_ok(r, ioas_msi_claim(&msi, &a, 988, false));
	assert_int_equal(ioas_msi_claim(&msi, &b, 1, false), -ENOSPC);
	/* Each device has all of its own. */
	begin(&ioas_msi_amd);
	a = device(0);
	b = device(1);
	rig_ok(r, ioas_msi_claim(&msi, &a, 2048, false));
	rig_ok(r, ioas_msi_claim(&msi, &b, 2048, false));
	assert_int_equal(b.first, 0);
}

static void compose_beyond(void *arg)
{
	(void)ioas_msi_compose(&msi, arg, 5, false);
}

static void claim_again(void *arg)
{
	(void)!ioas_msi_claim(&msi, arg, 5, false);
}

static void MSI_7_and_MSI_8_are_laws(struct rig *r)
{
	struct ioas_msi_claim a = device(0);

	begin(&ioas_msi_its);
	rig_ok(r, ioas_msi_claim(&msi, &a, 5, false));
	rig_breaks(r, "MSI_8", compose_beyond, &a);
	rig_breaks(r, "MSI_7", claim_again, &a);
}

RIG_MAIN("msi_msi",
         RIG_TEST(MSI_8_a_message_means_the_vector_it_was_composed_for),
         RIG_TEST(another_device_cannot_name_a_vector_where_it_is_isolated),
         RIG_TEST(MSI_7_nothing_is_raised_after_the_claim_has_ended),
         RIG_TEST(what_is_no_message_is_told),
         RIG_TEST(messages_look_as_the_architecture_says),
         RIG_TEST(numbers_that_came_back_are_given_out_again),
         RIG_TEST(claim_refuses_what_is_not_there),
         RIG_TEST(MSI_7_and_MSI_8_are_laws))
