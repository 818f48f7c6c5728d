/* SPDX-License-Identifier: MIT */
/*
 * Page requests. A device has as many slots as it may have requests
 * outstanding, made with it: to ask takes no memory and never waits.
 *
 * Whole groups wait in a queue of their device, and devices are served by
 * turns, a group each: one that asks for much keeps no other waiting.
 *
 *	free --request--> part of a group --last of it--> waiting --serve-->
 *	  ^                  |                              |            |
 *	  +------------------+-- last unbind ---------------+------------+
 *	               dropped                INVALID          response
 *
 * While a group is served its binding and its address space are counted, under
 * the lock of requests: unbind and exit wait for that, and not for a grace
 * period, since memory that is brought in may take any time.
 */
#include <errno.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "sva/sva.h"

/* ---- Slots. _locked: sva->requests is held. ---- */

static void free_slot_locked(struct ioas_sva_device *dev,
                             struct ioas_sva_slot *slot)
{
	slot->more = NULL;
	slot->binding = NULL;
	slot->next = dev->free;
	dev->free = slot;
}

static void free_group_locked(struct ioas_sva_device *dev,
                              struct ioas_sva_slot *slot)
{
	while (slot) {
		struct ioas_sva_slot *more = slot->more;

		free_slot_locked(dev, slot);
		slot = more;
	}
}

/* Out of the list of parts; *link was the slot. */
static struct ioas_sva_slot *take_part_locked(struct ioas_sva_device *dev,
                                              struct ioas_sva_slot **link)
{
	struct ioas_sva_slot *slot = *link;

	*link = slot->next;
	if (!slot->next)
		dev->part_end = link;
	slot->next = NULL;
	return slot;
}

/* What came before it of the same group, in order, and @last behind it. */
static struct ioas_sva_slot *gather_locked(struct ioas_sva_device *dev,
                                           struct ioas_sva_slot *last)
{
	struct ioas_sva_slot *first = NULL, **end = &first;
	struct ioas_sva_slot **link = &dev->part;

	while (*link) {
		struct ioas_sva_slot *slot = *link;

		if (slot->binding != last->binding ||
		    slot->request.group != last->request.group) {
			link = &slot->next;
			continue;
		}
		*end = take_part_locked(dev, link);
		end = &slot->more;
	}
	*end = last;
	return first;
}

/* ---- The queue of each device, and whose turn it is. ---- */

static void line_up_locked(struct ioas_sva_device *dev)
{
	struct ioas_sva *sva = dev->sva;

	dev->next = NULL;
	if (sva->first)
		sva->last->next = dev;
	else
		sva->first = dev;
	sva->last = dev;
}

static void leave_line_locked(struct ioas_sva_device *dev)
{
	struct ioas_sva *sva = dev->sva;
	struct ioas_sva_device **link = &sva->first, *before = NULL;

	while (*link != dev) {
		before = *link;
		link = &before->next;
	}
	*link = dev->next;
	if (sva->last == dev)
		sva->last = before;
}

static void queue_locked(struct ioas_sva_device *dev,
                         struct ioas_sva_slot *group)
{
	if (dev->head) {
		dev->tail->next = group;
	} else {
		dev->head = group;
		line_up_locked(dev);
	}
	dev->tail = group;
}

/* Out of the queue; @before is the one before it, or NULL. */
static void take_group_locked(struct ioas_sva_device *dev,
                              struct ioas_sva_slot *group,
                              struct ioas_sva_slot *before)
{
	if (before)
		before->next = group->next;
	else
		dev->head = group->next;
	if (dev->tail == group)
		dev->tail = before;
	group->next = NULL;
	if (!dev->head)
		leave_line_locked(dev);
}

/* ---- Ask ---- */

static int take_locked(struct ioas_sva_binding *b,
                       const struct ioas_page_request *request)
{
	struct ioas_sva_device *dev = b->dev;
	struct ioas_sva_slot *slot = dev->free;

	if (!slot) {
		dev->overflows++;
		return -EBUSY;
	}
	dev->free = slot->next;
	*slot = (struct ioas_sva_slot){.request = *request, .binding = b};
	dev->taken++;
	if (request->last) {
		queue_locked(dev, gather_locked(dev, slot));
	} else {
		*dev->part_end = slot;
		dev->part_end = &slot->next;
	}
	return 0;
}

int ioas_sva_request(struct ioas_sva_device *dev,
                     const struct ioas_page_request *request)
{
	const unsigned int known = IOAS_READ | IOAS_WRITE;
	struct ioas_sva *sva = dev->sva;
	struct ioas_sva_binding *b;
	int err = -ENOENT;

	if (!request->perm || (request->perm & ~known))
		return -EINVAL;
	/* Unbind drains after the section in which a request was taken. */
	ioas_grace_enter(IOAS_GRACE_DMA);
	b = ioas_sva_find(dev, request->pasid);
	if (b) {
		ioas_lock(&sva->requests);
		err = take_locked(b, request);
		ioas_unlock(&sva->requests);
	}
	ioas_grace_leave(IOAS_GRACE_DMA);
	if (!err && request->last && sva->config.requested)
		sva->config.requested(sva->config.context);
	return err;
}

/* ---- Answer ---- */

static void respond(const struct ioas_sva_binding *b, uint32_t group,
                    enum ioas_page_response response)
{
	const struct ioas_sva_device_config *config = &b->dev->config;

	config->respond(config->context, b->pasid, group, response);
}

static enum ioas_page_response bring_in(struct ioas_sva_mm *mm,
                                        const struct ioas_page_request *request)
{
	int err;

	if (ioas_sva_mm_ended(mm))
		return IOAS_PAGE_INVALID;
	err = mm->memory->populate(mm->memory, request->uaddr, request->perm);
	if (err == -ESRCH)
		ioas_sva_mm_end(mm);
	if (!err)
		return IOAS_PAGE_SUCCESS;
	return err == -EFAULT || err == -ESRCH ? IOAS_PAGE_INVALID
	                                       : IOAS_PAGE_FAILURE;
}

/* SVA-5: the first failure is the group's. */
static enum ioas_page_response bring_group_in(const struct ioas_sva_slot *slot)
{
	struct ioas_sva_mm *mm = slot->binding->mm;
	enum ioas_page_response response =
		slot->asks ? IOAS_PAGE_SUCCESS : IOAS_PAGE_INVALID;

	for (; slot && response == IOAS_PAGE_SUCCESS; slot = slot->more)
		response = bring_in(mm, &slot->request);
	return response;
}

/* The oldest of a device; @dev is NULL: of the one whose turn it is. */
static struct ioas_sva_slot *next_locked(struct ioas_sva *sva,
                                         struct ioas_sva_device *dev)
{
	struct ioas_sva_slot *group;

	if (!dev)
		dev = sva->first;
	group = dev ? dev->head : NULL;
	if (!group)
		return NULL;
	take_group_locked(dev, group, NULL);
	if (dev->head) {
		leave_line_locked(dev);
		line_up_locked(dev);
	}
	ioas_a32_add(&group->binding->serving, 1);
	/* Of one that has ended no memory is asked, and exit may wait. */
	group->asks = !ioas_sva_mm_ended(group->binding->mm);
	if (group->asks)
		ioas_a32_add(&group->binding->mm->serving, 1);
	return group;
}

/* Woken under the lock: who waits looks under it, and frees the word after. */
static void leave_locked(struct ioas_a32 *serving)
{
	if (!ioas_a32_add(serving, UINT32_MAX))
		ioas_hooks.wake(serving);
}

static struct ioas_sva_slot *next_group(struct ioas_sva *sva,
                                        struct ioas_sva_device *dev)
{
	struct ioas_sva_slot *group;

	ioas_lock(&sva->requests);
	group = next_locked(sva, dev);
	ioas_unlock(&sva->requests);
	return group;
}

/* What is done of a group, when its slots are free again. */
struct answer {
	struct ioas_sva_binding *binding;
	uint32_t group;
	enum ioas_page_response response;
	bool asks;
};

/* The device may ask again as soon as it hears of it: slots are free before. */
static void give_answer(const struct answer *a, struct ioas_sva_slot *group)
{
	struct ioas_sva_binding *b = a->binding;
	struct ioas_sva *sva = b->dev->sva;

	ioas_lock(&sva->requests);
	free_group_locked(b->dev, group);
	b->dev->responses[a->response]++;
	ioas_unlock(&sva->requests);
	respond(b, a->group, a->response);
	ioas_lock(&sva->requests);
	if (a->asks)
		leave_locked(&b->mm->serving);
	leave_locked(&b->serving);
	ioas_unlock(&sva->requests);
}

static bool serve_one(struct ioas_sva *sva, struct ioas_sva_device *dev)
{
	struct ioas_sva_slot *group = next_group(sva, dev);
	struct answer a;

	if (!group)
		return false;
	a = (struct answer){.binding = group->binding,
	                    .group = group->request.group,
	                    .response = bring_group_in(group),
	                    .asks = group->asks};
	give_answer(&a, group);
	return true;
}

unsigned int ioas_sva_serve(struct ioas_sva *sva, unsigned int max)
{
	unsigned int served = 0;

	while (ioas_sva_alive(sva) && served < max && serve_one(sva, NULL))
		served++;
	return served;
}

void ioas_sva_serve_own(struct ioas_sva_device *dev)
{
	while (ioas_sva_alive(dev->sva) && serve_one(dev->sva, dev))
		;
}

/* ---- Nothing is left ---- */

void ioas_sva_settle(struct ioas_sva *sva, struct ioas_a32 *serving)
{
	uint32_t seen;

	ioas_lock(&sva->requests);
	while ((seen = ioas_a32_load(serving)) != 0) {
		ioas_unlock(&sva->requests);
		ioas_hooks.wait(serving, seen);
		ioas_lock(&sva->requests);
	}
	ioas_unlock(&sva->requests);
}

/* Of one binding, or of all: @b is NULL. */
static void drop_parts_locked(struct ioas_sva_device *dev,
                              const struct ioas_sva_binding *b)
{
	struct ioas_sva_slot **link = &dev->part;

	while (*link) {
		if (b && (*link)->binding != b) {
			link = &(*link)->next;
			continue;
		}
		free_slot_locked(dev, take_part_locked(dev, link));
		dev->dropped++;
	}
}

void ioas_sva_drop_parts(struct ioas_sva_device *dev)
{
	ioas_lock(&dev->sva->requests);
	drop_parts_locked(dev, NULL);
	ioas_unlock(&dev->sva->requests);
}

/* A whole group of the binding that waits, out of the queue; or NULL. */
static struct ioas_sva_slot *take_waiting_locked(struct ioas_sva_binding *b)
{
	struct ioas_sva_slot *group = b->dev->head, *before = NULL;

	while (group && group->binding != b) {
		before = group;
		group = group->next;
	}
	if (group)
		take_group_locked(b->dev, group, before);
	return group;
}

static bool refuse_one(struct ioas_sva_binding *b)
{
	struct ioas_sva *sva = b->dev->sva;
	struct ioas_sva_slot *group;
	uint32_t number = 0;

	ioas_lock(&sva->requests);
	group = take_waiting_locked(b);
	if (group) {
		number = group->request.group;
		free_group_locked(b->dev, group);
		b->dev->responses[IOAS_PAGE_INVALID]++;
	}
	ioas_unlock(&sva->requests);
	if (group)
		respond(b, number, IOAS_PAGE_INVALID);
	return group;
}

void ioas_sva_drain(struct ioas_sva_binding *b)
{
	struct ioas_sva *sva = b->dev->sva;

	ioas_lock(&sva->requests);
	drop_parts_locked(b->dev, b);
	ioas_unlock(&sva->requests);
	while (refuse_one(b))
		;
	ioas_sva_settle(sva, &b->serving);
}
