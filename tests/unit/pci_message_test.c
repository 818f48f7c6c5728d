/* SPDX-License-Identifier: MIT */
/* Messages of interrupts on their way, one controller each. */
#include <errno.h>
#include <stdlib.h>

#include "pci_probe.h"

#define BAR      2
#define ENTRY(v) (PROBE_TABLE + 16u * (v))
#define WINDOW   UINT64_C(0x8000000)
#define MEMORY   UINT64_C(0x100000)

struct world {
	struct ioas_msi msi;
	struct ioas_msi_doorbells doorbells;
	struct ioas_mem_account account;
	struct ioas_mem mem;
	struct ioas_space *space;
	struct ioas_device *a, *b; /* 0000:01:00.0, 0000:02:00.0 */
	char *memory;              /* a page at MEMORY */
};

static struct world *w;

/* The last message that went wrong, with copies of what it points at. */
static struct {
	unsigned int count;
	struct ioas_event event;
	struct ioas_event_message message;
	char owner[IOAS_BDF_TEXT];
} wrong;

static void hear(struct ioas_observer *self, const struct ioas_event *ev)
{
	(void)self;
	if (!ev->message)
		return;
	wrong.count++;
	wrong.event = *ev;
	wrong.message = *ev->message;
	wrong.owner[0] = '\0';
	if (ev->message->owner)
		strcpy(wrong.owner, ev->message->owner);
}

static void listen_to_messages(void)
{
	static struct ioas_observer observer = {.event = hear};
	static bool listens;

	if (!listens)
		ioas_observe(&observer);
	listens = true;
	memset(&wrong, 0, sizeof(wrong));
}

static struct ioas_space *make_space(struct rig *r)
{
	const struct iova_range window = {WINDOW, 0x80fffff};
	const struct ioas_msi_kind *kind = w->msi.kind;
	const struct ioas_space_config config = {
		.page_shift = rig_page_shift(),
		.aperture = {0, ioas_mask_lg2(39)},
	};
	struct ioas_space *space;

	rig_ok(r, ioas_space_create(&config, &space));
	ioas_space_msi_set(space, kind->doorbell ? window : kind->range,
	                   kind->doorbell);
	return space;
}

static struct ioas_device *make_device(struct rig *r, unsigned int bus)
{
	const struct ioas_device_request request = {
		.model = &probe_model,
		.bdf = {.bus = (uint8_t)bus},
		.msi = &w->msi,
	};
	struct ioas_device *dev = probe_ask(r, &request);

	ioas_device_attach(dev, w->space);
	config_set(dev, 4, 2, 0x0006);
	return dev;
}

static void begin(struct rig *r, const struct ioas_msi_kind *kind)
{
	const struct iova_range window = {WINDOW, 0x80fffff};
	struct ioas_map_request request;
	int err;

	w = calloc(1, sizeof(*w));
	assert_non_null(w);
	rig_defer(r, free, w);
	w->msi.kind = kind;
	w->account.limit = UINT64_MAX;
	w->memory = rig_memory(r, rig_page());
	ioas_msi_doorbells_init(&w->doorbells, &window, rig_page_shift());
	ioas_mem_init(&w->mem, &w->account, rig_page_shift());
	rig_defer(r, RIG_CALL(ioas_mem_fini), &w->mem);
	w->space = make_space(r);
	rig_defer(r, RIG_CALL(ioas_space_destroy), w->space);
	request = (struct ioas_map_request){
		.mem = &w->mem,
		.range = {MEMORY, MEMORY + rig_page() - 1},
		.uaddr = {(uintptr_t)w->memory},
		.perm = IOAS_READ | IOAS_WRITE,
	};
	ioas_lock(&w->space->lock);
	err = rig_try(r, ioas_space_map_locked(w->space, &request));
	ioas_unlock(&w->space->lock);
	if (err)
		rig_leave(r);
	w->a = make_device(r, 1);
	w->b = make_device(r, 2);
	listen_to_messages();
}

/* As SET_IRQS does it. */
static void arm_mode(struct rig *r, struct ioas_device *dev,
                     enum ioas_irq_mode mode)
{
	const struct phys doorbell = {w->msi.kind->doorbell};
	struct ioas_msi_doorbell d;

	if (doorbell.raw) {
		rig_ok(r,
		       ioas_msi_doorbells_prepare(&w->doorbells, doorbell, &d));
		rig_ok(r, ioas_space_install(w->space, &w->doorbells));
	}
	rig_ok(r, ioas_device_irq_prepare(dev, mode, doorbell.raw ? &d : NULL));
	ioas_device_irq_on(dev, mode, 4);
}

/* Vector 3 of the device raises this event. */
static int arm(struct rig *r, struct ioas_device *dev)
{
	int event = rig_event(r);

	arm_mode(r, dev, IOAS_IRQ_MSIX);
	ioas_device_irq_set(dev, 3, event);
	return event;
}

static struct ioas_message entry(struct ioas_device *dev, unsigned int v)
{
	return (struct ioas_message){
		ioas_device_load(dev, BAR, ENTRY(v), 8),
		(uint32_t)ioas_device_load(dev, BAR, ENTRY(v) + 8, 4),
	};
}

static void set_entry(struct ioas_device *dev, unsigned int v,
                      struct ioas_message m)
{
	ioas_device_store(dev, BAR, ENTRY(v), 8, m.address);
	ioas_device_store(dev, BAR, ENTRY(v) + 8, 4, m.data);
}

static void check_wrong(enum ioas_event_kind kind, enum ioas_fault fault,
                        struct ioas_message m, unsigned int vector_plus_1)
{
	assert_int_equal(wrong.event.kind, kind);
	assert_int_equal(wrong.event.fault, fault);
	assert_true(wrong.event.range.first == m.address);
	assert_true(wrong.event.range.last == m.address + 3);
	assert_int_equal(wrong.message.data, m.data);
	assert_int_equal(wrong.message.vector, vector_plus_1);
}

static const struct ioas_msi_kind *const kinds[] = {
	&ioas_msi_its, &ioas_msi_vtd,  &ioas_msi_amd,
	&ioas_msi_v2m, &ioas_msi_apic,
};

/* ---- What goes well. ---- */

static void an_interrupt_reaches_its_vector_at_every_controller(struct rig *r)
{
	unsigned int k, a, b;

	for (k = 0; k < IOAS_ARRAY_SIZE(kinds); k++) {
		begin(r, kinds[k]);
		a = (unsigned int)arm(r, w->a);
		b = (unsigned int)arm(r, w->b);
		ioas_device_interrupt(w->a, 3);
		assert_int_equal(rig_event_count(r, (int)a), 1);
		assert_int_equal(rig_event_count(r, (int)b), 0);
		ioas_device_interrupt(w->b, 3);
		assert_int_equal(rig_event_count(r, (int)b), 1);
		assert_int_equal(wrong.count, 0);
	}
}

static void the_table_has_the_translated_address(struct rig *r)
{
	begin(r, &ioas_msi_its);
	arm(r, w->a);
	assert_true(entry(w->a, 3).address == WINDOW + 0x40);
	assert_int_equal(entry(w->a, 3).data, 3);
	/* Another device of the context: the same place (MSI-2). */
	arm(r, w->b);
	assert_true(entry(w->b, 3).address == WINDOW + 0x40);
	assert_int_equal(ioas_msi_doorbells_count(&w->doorbells), 1);
}

static void vectors_of_MSI_share_a_message_but_for_the_data(struct rig *r)
{
	unsigned int k, v;

	for (k = 0; k < IOAS_ARRAY_SIZE(kinds); k++) {
		int event[PROBE_MSI];

		begin(r, kinds[k]);
		arm_mode(r, w->b, IOAS_IRQ_MSI);
		arm_mode(r, w->a, IOAS_IRQ_MSI);
		for (v = 0; v < PROBE_MSI; v++) {
			event[v] = rig_event(r);
			ioas_device_irq_set(w->a, v, event[v]);
		}
		for (v = 0; v < PROBE_MSI; v++) {
			ioas_device_interrupt(w->a, v);
			assert_int_equal(rig_event_count(r, event[v]), 1);
		}
		assert_int_equal(wrong.count, 0);
		/* What the program sees there is its own. */
		assert_int_equal(config_get(w->a, w->a->cap_msi + 4, 4), 0);
	}
}

static void a_write_of_the_model_may_be_its_own_interrupt(struct rig *r)
{
	struct ioas_message m;
	uint8_t bytes[4];
	int event;

	begin(r, &ioas_msi_its);
	event = arm(r, w->a);
	m = entry(w->a, 3);
	memcpy(bytes, (uint8_t[]){3, 0, 0, 0}, 4);
	assert_int_equal(ioas_dma_write(w->a, m.address, bytes, 4, NULL), 0);
	assert_int_equal(rig_event_count(r, event), 1);
	/* From memory, too. */
	memcpy(w->memory, bytes, 4);
	assert_int_equal(ioas_dma_copy(w->a,
	                               &(struct ioas_copy){
					       .source = MEMORY,
					       .destination = m.address,
					       .bytes = 4,
				       }),
	                 0);
	assert_int_equal(rig_event_count(r, event), 1);
	assert_int_equal(wrong.count, 0);
}

/* ---- What is lost. ---- */

static void a_message_to_an_address_without_mapping_is_lost(struct rig *r)
{
	struct ioas_message m = {WINDOW + 5 * rig_page(), 3};
	unsigned int faults;
	int event;

	begin(r, &ioas_msi_its);
	event = arm(r, w->a);
	faults = (unsigned int)ioas_a64_load(&w->a->stats.dma_faults);
	set_entry(w->a, 3, m);
	ioas_device_interrupt(w->a, 3);
	assert_int_equal(rig_event_count(r, event), 0);
	check_wrong(IOAS_EVENT_MESSAGE_LOST, IOAS_FAULT_UNMAPPED, m, 4);
	assert_int_equal(wrong.event.space, w->space->id);
	assert_string_equal(wrong.event.device, "0000:01:00.0");
	assert_int_equal(ioas_a64_load(&w->a->stats.dma_faults), faults + 1);
	/* The same outside of the window, which is where code goes wrong. */
	m.address = ioas_msi_its.doorbell;
	set_entry(w->a, 3, m);
	ioas_device_interrupt(w->a, 3);
	check_wrong(IOAS_EVENT_MESSAGE_LOST, IOAS_FAULT_UNMAPPED, m, 4);
	assert_int_equal(wrong.count, 2);
}

/* As any write of the device, it is in its log. */
static void a_message_into_memory_is_written_and_lost(struct rig *r)
{
	const struct ioas_message m = {MEMORY + 8, 0x04030201};
	const struct iova_range page = {MEMORY, MEMORY + rig_page() - 1};
	struct iova_range dirty;

	begin(r, &ioas_msi_vtd);
	arm(r, w->a);
	rig_ok(r, ioas_device_log_start(w->a, &page, 1, rig_page_shift()));
	set_entry(w->a, 3, m);
	assert_int_equal(ioas_device_log_next(w->a, page, &dirty), 0);
	ioas_device_interrupt(w->a, 3);
	assert_int_equal(ioas_device_log_next(w->a, page, &dirty), 1);
	assert_true(dirty.first == page.first && dirty.last == page.last);
	check_wrong(IOAS_EVENT_MESSAGE_LOST, IOAS_FAULT_NONE, m, 4);
	assert_memory_equal(w->memory, "\0\0\0\0\0\0\0\0\1\2\3\4\0\0", 14);
}

static void a_message_nobody_knows_is_lost(struct rig *r)
{
	struct ioas_message m;

	begin(r, &ioas_msi_its);
	arm(r, w->a);
	m = entry(w->a, 3);
	m.data = PROBE_VECTORS;
	set_entry(w->a, 3, m);
	ioas_device_interrupt(w->a, 3);
	check_wrong(IOAS_EVENT_MESSAGE_LOST, IOAS_FAULT_DOORBELL, m, 4);
	/* Another register of the page. */
	m.address += 4;
	set_entry(w->a, 3, m);
	ioas_device_interrupt(w->a, 3);
	check_wrong(IOAS_EVENT_MESSAGE_LOST, IOAS_FAULT_DOORBELL, m, 4);
	/* The wrong of the device's own vectors is raised, as in hardware. */
	begin(r, &ioas_msi_its);
	arm(r, w->a);
	m = entry(w->a, 3);
	m.data = 1;
	set_entry(w->a, 3, m);
	ioas_device_interrupt(w->a, 3);
	assert_int_equal(wrong.count, 0);
}

static void without_mastering_or_a_space_a_message_is_lost(struct rig *r)
{
	struct ioas_message m;
	int event;

	begin(r, &ioas_msi_its);
	event = arm(r, w->a);
	m = entry(w->a, 3);
	config_set(w->a, 4, 2, 0x0002);
	ioas_device_interrupt(w->a, 3);
	check_wrong(IOAS_EVENT_MESSAGE_LOST, IOAS_FAULT_NO_MASTER, m, 4);
	config_set(w->a, 4, 2, 0x0006);
	ioas_device_attach(w->a, NULL);
	ioas_device_interrupt(w->a, 3);
	check_wrong(IOAS_EVENT_MESSAGE_LOST, IOAS_FAULT_NO_SPACE, m, 4);
	assert_int_equal(rig_event_count(r, event), 0);
}

/*
 * The vector stays armed while its space ends: what it was composed of is all
 * it needs, and the next space of the context has the doorbell where it was.
 */
static void MSI_3_an_armed_vector_outlives_its_space(struct rig *r)
{
	struct ioas_space *other;
	int event;

	begin(r, &ioas_msi_its);
	event = arm(r, w->a);
	other = make_space(r);
	rig_defer(r, RIG_CALL(ioas_space_destroy), other);
	ioas_device_attach(w->a, other);
	ioas_device_interrupt(w->a, 3);
	assert_int_equal(wrong.event.fault, IOAS_FAULT_UNMAPPED);
	/* MSI-4: installed, then attached. */
	ioas_device_attach(w->a, NULL);
	rig_ok(r, ioas_space_install(other, &w->doorbells));
	ioas_device_attach(w->a, other);
	assert_int_equal(wrong.count, 1);
	ioas_device_interrupt(w->a, 3);
	assert_int_equal(rig_event_count(r, event), 1);
	assert_int_equal(wrong.count, 1);
	ioas_device_attach(w->a, NULL);
}

/* ---- What is another's. ---- */

static void MSI_8_another_devices_vector_is_stopped_and_told(struct rig *r)
{
	struct ioas_message m;
	int event;

	begin(r, &ioas_msi_vtd);
	arm(r, w->a);
	event = arm(r, w->b);
	m = entry(w->b, 3);
	set_entry(w->a, 3, m);
	ioas_device_interrupt(w->a, 3);
	check_wrong(IOAS_EVENT_SPOOF, IOAS_FAULT_NONE, m, 4);
	assert_string_equal(wrong.owner, "0000:02:00.0");
	assert_int_equal(wrong.message.owner_vector, 3);
	assert_false(wrong.message.raised);
	/* The same by a plain write, which goes well for the model. */
	assert_int_equal(ioas_dma_write(w->a, m.address, &m.data, 4, NULL), 0);
	check_wrong(IOAS_EVENT_SPOOF, IOAS_FAULT_NONE, m, 0);
	assert_int_equal(rig_event_count(r, event), 0);
	assert_int_equal(wrong.count, 2);
}

static void MSI_8_without_isolation_it_is_raised_and_told(struct rig *r)
{
	static const struct ioas_msi_kind *const shared[] = {&ioas_msi_v2m,
	                                                     &ioas_msi_apic};
	struct ioas_message m;
	unsigned int k;
	int event;

	for (k = 0; k < IOAS_ARRAY_SIZE(shared); k++) {
		begin(r, shared[k]);
		arm(r, w->a);
		event = arm(r, w->b);
		m = entry(w->b, 3);
		set_entry(w->a, 3, m);
		ioas_device_interrupt(w->a, 3);
		check_wrong(IOAS_EVENT_SPOOF, IOAS_FAULT_NONE, m, 4);
		assert_true(wrong.message.raised);
		assert_int_equal(rig_event_count(r, event), 1);
		/* MSI-7 */
		ioas_device_irq_set(w->b, 3, IOAS_NO_EVENT);
		ioas_device_interrupt(w->a, 3);
		assert_int_equal(rig_event_count(r, event), 0);
	}
}

static void MSI_8_a_number_nobody_has_is_told_of_a_plain_write(struct rig *r)
{
	struct ioas_message m;

	begin(r, &ioas_msi_its);
	arm(r, w->a);
	m = entry(w->a, 3);
	m.data = 77;
	assert_int_equal(ioas_dma_write(w->a, m.address, &m.data, 4, NULL), 0);
	check_wrong(IOAS_EVENT_SPOOF, IOAS_FAULT_NONE, m, 0);
	assert_string_equal(wrong.owner, "");
}

/* ---- What is no message. ---- */

static void only_aligned_writes_of_four_bytes_are_messages(struct rig *r)
{
	static const struct {
		unsigned int offset, bytes;
	} row[] = {{0, 8}, {0, 2}, {0, 1}, {2, 4}, {1, 4}, {0, 64}};
	struct probe_ear *ear;
	uint8_t bytes[64] = {3};
	struct ioas_message m;
	unsigned int i;
	int event;

	begin(r, &ioas_msi_its);
	event = arm(r, w->a);
	m = entry(w->a, 3);
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		ear = probe_ear();
		assert_int_equal(ioas_dma_write(w->a, m.address + row[i].offset,
		                                bytes, row[i].bytes, NULL),
		                 -EFAULT);
		assert_int_equal(ear->count[IOAS_EVENT_DMA_FAULT], 1);
		assert_int_equal(ear->last.fault, IOAS_FAULT_DOORBELL);
	}
	ear = probe_ear();
	assert_int_equal(ioas_dma_read(w->a, m.address, bytes, 4, NULL),
	                 -EFAULT);
	assert_int_equal(ear->last.fault, IOAS_FAULT_DOORBELL);
	assert_int_equal(ioas_dma_copy(w->a,
	                               &(struct ioas_copy){
					       .source = MEMORY,
					       .destination = m.address,
					       .bytes = 8,
				       }),
	                 -EACCES);
	assert_int_equal(rig_event_count(r, event), 0);
	assert_int_equal(wrong.count, 0);
}

static void pointers_to_a_doorbell_are_not_given(struct rig *r)
{
	struct ioas_segment segment[4];
	unsigned int count = 0;

	begin(r, &ioas_msi_its);
	arm(r, w->a);
	ioas_dma_begin(w->a);
	assert_int_equal(ioas_dma_segments(w->a, WINDOW, 64, IOAS_WRITE,
	                                   segment, &count, 4, NULL),
	                 -EFAULT);
	ioas_dma_end(w->a);
	assert_int_equal(count, 0);
}

static void
a_device_without_controller_takes_the_window_for_a_fault(struct rig *r)
{
	struct ioas_device *dev;
	uint32_t data = 3;

	begin(r, &ioas_msi_vtd);
	dev = probe_device(r);
	ioas_device_attach(dev, w->space);
	config_set(dev, 4, 2, 0x0006);
	assert_int_equal(ioas_dma_write(dev, 0xfee00018, &data, 4, NULL),
	                 -EFAULT);
	ioas_device_attach(dev, NULL);
}

RIG_MAIN("pci_message",
         RIG_TEST(an_interrupt_reaches_its_vector_at_every_controller),
         RIG_TEST(the_table_has_the_translated_address),
         RIG_TEST(vectors_of_MSI_share_a_message_but_for_the_data),
         RIG_TEST(a_write_of_the_model_may_be_its_own_interrupt),
         RIG_TEST(a_message_to_an_address_without_mapping_is_lost),
         RIG_TEST(a_message_into_memory_is_written_and_lost),
         RIG_TEST(a_message_nobody_knows_is_lost),
         RIG_TEST(without_mastering_or_a_space_a_message_is_lost),
         RIG_TEST(MSI_3_an_armed_vector_outlives_its_space),
         RIG_TEST(MSI_8_another_devices_vector_is_stopped_and_told),
         RIG_TEST(MSI_8_without_isolation_it_is_raised_and_told),
         RIG_TEST(MSI_8_a_number_nobody_has_is_told_of_a_plain_write),
         RIG_TEST(only_aligned_writes_of_four_bytes_are_messages),
         RIG_TEST(pointers_to_a_doorbell_are_not_given),
         RIG_TEST(a_device_without_controller_takes_the_window_for_a_fault))
