/* SPDX-License-Identifier: MIT */
/*
 * Virtual functions: who may open them (tokens), and how many there are, which
 * is written to files of /sys.
 *
 * Processes of a run agree by claims on places (struct ioas_front), which end
 * with the process that has them:
 *
 *	number of a physical function   while its number of VFs is changed
 *	token of a physical function    while its token is looked at to be set
 *	use of a virtual function       while a process has its device open, or
 *	                                takes it away
 *
 * To take virtual functions away is to claim the use of each, in order, and
 * then to write their number: who is killed on the way has changed nothing.
 * While one is in use its user is asked for it, as often as Linux asks.
 *
 * Source: Linux 7.3 drivers/pci/iov.c (sriov_numvfs_store and its like),
 *         drivers/vfio/pci/vfio_pci_core.c (vfio_pci_validate_vf_token,
 *         vfio_pci_core_feature_token, vfio_pci_core_sriov_configure),
 *         drivers/vfio/vfio_main.c (vfio_unregister_group_dev), lib/kstrtox.c
 */
#include "machine/sriov.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "machine/tree.h"
#include "uapi/state.h"

enum place { PLACE_NUMBER, PLACE_TOKEN, PLACE_USE, PLACE_KINDS };

_Static_assert(PLACE_KINDS *IOAS_FUNCTIONS_MAX == IOAS_PLACES, "all of them");

static unsigned int place_of(const struct ioas_vfio *vfio, enum place kind,
                             const struct ioas_function *f)
{
	unsigned int n = (unsigned int)(f - vfio->machine->function);

	return kind * IOAS_FUNCTIONS_MAX + n;
}

/* A claim that is never held for long. */
static int take_soon(const struct ioas_vfio *vfio, unsigned int place)
{
	int ret = vfio->front->place_take(place);

	while (ret == -EBUSY) {
		vfio->front->place_wait();
		ret = vfio->front->place_take(place);
	}
	return ret;
}

static const struct ioas_function *function_of(const struct ioas_vdevice *v)
{
	return &v->vfio->machine->function[v->function];
}

/* ---- Tokens ---- */

/* The virtual functions of @physical that are there, one after the other. */
static const struct ioas_function *
next_virtual(const struct ioas_vfio *vfio, const struct ioas_function *physical,
             const struct ioas_function *last)
{
	const struct ioas_function *f = last ? last + 1 : physical + 1;
	const struct ioas_function *end =
		vfio->machine->function + vfio->machine->function_count;

	if (f == end || f->physical != physical ||
	    !ioas_iov_present(vfio->machine, f))
		return NULL;
	return f;
}

static bool any_in_use(const struct ioas_vfio *vfio,
                       const struct ioas_function *physical)
{
	const struct ioas_function *f;

	for (f = next_virtual(vfio, physical, NULL); f;
	     f = next_virtual(vfio, physical, f))
		if (vfio->front->place_taken(place_of(vfio, PLACE_USE, f)))
			return true;
	return false;
}

static int virtual_token(const struct ioas_vdevice *v,
                         const struct ioas_vf_token *token)
{
	const struct ioas_machine *machine = v->vfio->machine;

	if (!token->given ||
	    !ioas_iov_token_is(machine, function_of(v)->physical, token->uuid))
		return -EACCES;
	return 0;
}

static int physical_token_claimed(const struct ioas_vdevice *v,
                                  const struct ioas_vf_token *token)
{
	const struct ioas_machine *machine = v->vfio->machine;
	const struct ioas_function *f = function_of(v);

	if (any_in_use(v->vfio, f))
		return token->given && ioas_iov_token_is(machine, f,
		                                         token->uuid)
		               ? 0
		               : -EACCES;
	if (token->given)
		ioas_iov_set_token(machine, f, token->uuid);
	return 0;
}

static int physical_token(const struct ioas_vdevice *v,
                          const struct ioas_vf_token *token)
{
	unsigned int place = place_of(v->vfio, PLACE_TOKEN, function_of(v));
	int ret = take_soon(v->vfio, place);

	if (ret)
		return ret;
	ret = physical_token_claimed(v, token);
	v->vfio->front->place_give(place);
	return ret;
}

int ioas_vdevice_token(const struct ioas_vdevice *vdevice,
                       const struct ioas_vf_token *token)
{
	const struct ioas_function *f = function_of(vdevice);

	if (f->physical)
		return virtual_token(vdevice, token);
	if (f->iov.vfs)
		return physical_token(vdevice, token);
	return token->given ? -EINVAL : 0;
}

bool ioas_vdevice_has_token(const struct ioas_vdevice *vdevice)
{
	return function_of(vdevice)->iov.vfs;
}

long ioas_vdevice_token_set(struct ioas_call *call, struct uaddr data)
{
	const struct ioas_vdevice *v = call->file->device;
	unsigned int place = place_of(v->vfio, PLACE_TOKEN, function_of(v));
	uint8_t token[IOAS_TOKEN_BYTES];
	int ret;

	if (ioas_copy_in(token, data, sizeof(token)))
		return -EFAULT;
	ret = take_soon(v->vfio, place);
	if (ret)
		return ret;
	ioas_iov_set_token(v->vfio->machine, function_of(v), token);
	v->vfio->front->place_give(place);
	return 0;
}

/* ---- Use ---- */

int ioas_vdevice_use(const struct ioas_vdevice *vdevice)
{
	const struct ioas_vfio *vfio = vdevice->vfio;
	const struct ioas_function *f = function_of(vdevice);
	int ret;

	if (!f->physical)
		return 0;
	ret = vfio->front->place_take(place_of(vfio, PLACE_USE, f));
	if (ret)
		return ret == -EBUSY ? -ENODEV : ret;
	/* Only now it stays. */
	if (!ioas_group_is_gone(vdevice->group))
		return 0;
	ioas_vdevice_unuse(vdevice);
	return -ENODEV;
}

void ioas_vdevice_unuse(const struct ioas_vdevice *vdevice)
{
	const struct ioas_vfio *vfio = vdevice->vfio;
	const struct ioas_function *f = function_of(vdevice);

	if (f->physical)
		vfio->front->place_give(place_of(vfio, PLACE_USE, f));
}

uint32_t ioas_group_changes(const struct ioas_group *group)
{
	if (!group->virtual)
		return 0;
	return ioas_a32_load(
		&ioas_iov_cells(group->vfio->machine, group->virtual->physical)
			 ->changes);
}

bool ioas_group_is_gone(const struct ioas_group *group)
{
	return group->virtual &&
	       (ioas_group_changes(group) != group->changes ||
	        !ioas_iov_present(group->vfio->machine, group->virtual));
}

void ioas_vdevice_show_vfs(const struct ioas_vdevice *vdevice)
{
	const struct ioas_function *f = function_of(vdevice);

	if (f->iov.vfs)
		ioas_device_vfs_set(vdevice->dev,
		                    ioas_iov_vfs(vdevice->vfio->machine, f));
}

/* ---- Being asked ---- */

static void asked(struct ioas_watcher *watcher)
{
	struct ioas_vdevice *v =
		ioas_container_of(watcher, struct ioas_vdevice, asked);
	/* Pairs with the store in ioas_asked_begin(). */
	uint32_t event = ioas_a32_load(&v->asked_event);

	if (event)
		ioas_hooks.signal((int)event - 1);
}

int ioas_asked_begin(struct ioas_vdevice *vdevice)
{
	const struct ioas_front *front = vdevice->vfio->front;
	int ret;

	if (!function_of(vdevice)->physical ||
	    vdevice->request_event == IOAS_NO_EVENT)
		return 0;
	vdevice->asked.ready = asked;
	ioas_a32_store(&vdevice->asked_event,
	               (uint32_t)vdevice->request_event + 1);
	ret = front->group_watch(vdevice->group->number, &vdevice->asked);
	if (ret)
		ioas_a32_store(&vdevice->asked_event, 0);
	return ret;
}

void ioas_asked_end(struct ioas_vdevice *vdevice)
{
	if (!ioas_a32_exchange(&vdevice->asked_event, 0))
		return;
	vdevice->vfio->front->group_unwatch(vdevice->group->number,
	                                    &vdevice->asked);
}

/* ---- How many ---- */

#define ASK_EVERY      10000 /* ms, as Linux */
#define COMPLAIN_AFTER 1000

static void complain(const struct ioas_vfio *vfio,
                     const struct ioas_function *f)
{
	char text[IOAS_TEXT_MAX];

	snprintf(text, sizeof(text),
	         "sriov_numvfs of %s waits: %s is open, and is taken away when "
	         "its user, who was asked by the request interrupt, closes it",
	         f->physical->name, f->name);
	vfio->front->complain(text);
}

/* Until nobody has it open. No lock is held: it may take for ever. */
static int take_away(const struct ioas_vfio *vfio,
                     const struct ioas_function *f)
{
	const struct ioas_front *front = vfio->front;
	unsigned int place = place_of(vfio, PLACE_USE, f), waited = 0;
	int ret;

	while ((ret = front->place_take(place)) == -EBUSY) {
		if (waited % ASK_EVERY == 0)
			front->group_ask(f->group);
		if (waited == COMPLAIN_AFTER)
			complain(vfio, f);
		front->place_wait();
		waited += IOAS_PLACE_WAIT;
	}
	return ret;
}

static int take_all_away(const struct ioas_vfio *vfio,
                         const struct ioas_function *physical)
{
	const struct ioas_function *f = physical, *last;
	int ret = 0;

	do {
		last = f;
		f = next_virtual(vfio, physical, f);
		ret = f ? take_away(vfio, f) : 0;
	} while (f && !ret);
	if (!ret)
		ioas_iov_set_vfs(vfio->machine, physical, 0);
	for (f = last; f > physical; f--)
		vfio->front->place_give(place_of(vfio, PLACE_USE, f));
	return ret;
}

static int change_claimed(const struct ioas_vfio *vfio,
                          const struct ioas_function *f, unsigned int vfs)
{
	unsigned int now = ioas_iov_vfs(vfio->machine, f);

	if (vfs == now)
		return 0;
	if (vfs == 0)
		return take_all_away(vfio, f);
	if (now)
		return -EBUSY;
	ioas_iov_set_vfs(vfio->machine, f, vfs);
	return 0;
}

/* Text of the program that ends at a zero or after that many bytes. */
struct text {
	const char *at;
	size_t left;
};

static char first(const struct text *text)
{
	return text->left ? *text->at : '\0';
}

static char take(struct text *text)
{
	char c = first(text);

	text->at += text->left != 0;
	text->left -= text->left != 0;
	return c;
}

static unsigned int digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : UINT_MAX;
}

/* 10, or 8 after a 0, or 16 after 0x and a digit, which are stepped over. */
static unsigned int take_base(struct text *text)
{
	if (first(text) != '0')
		return 10;
	if (text->left < 3 || (text->at[1] | 0x20) != 'x' ||
	    digit(text->at[2]) > 15)
		return 8;
	text->at += 2;
	text->left -= 2;
	return 16;
}

/* As kstrtoull() with base 0, below @most. 0 or -EINVAL. */
static int parse_number(struct text text, uint32_t most, uint32_t *ret_number)
{
	unsigned int base;
	uint64_t n = 0;

	if (first(&text) == '+')
		take(&text);
	base = take_base(&text);
	if (digit(first(&text)) >= base)
		return -EINVAL;
	while (digit(first(&text)) < base) {
		n = n * base + digit(take(&text));
		if (n > most)
			return -EINVAL;
	}
	if (first(&text) == '\n')
		take(&text);
	*ret_number = (uint32_t)n;
	return first(&text) ? -EINVAL : 0;
}

static int store_vfs(const struct ioas_vfio *vfio,
                     const struct ioas_function *f, struct text text)
{
	unsigned int place = place_of(vfio, PLACE_NUMBER, f);
	uint32_t vfs;
	int ret = parse_number(text, UINT16_MAX, &vfs);

	if (ret)
		return ret;
	if (vfs > f->iov.vfs)
		return -ERANGE;
	ret = take_soon(vfio, place);
	if (ret)
		return ret;
	ret = change_claimed(vfio, f, vfs);
	vfio->front->place_give(place);
	return ret;
}

/* As kstrtobool(): the first letter tells, of "on" and "off" the second. */
static int parse_switch(struct text text, bool *ret_on)
{
	static const char on[] = "eEyYtT1", off[] = "dDnNfF0";
	char c = take(&text);

	if (c == 'o' || c == 'O') {
		c = (char)(take(&text) | 0x20);
		*ret_on = c == 'n';
		return c == 'n' || c == 'f' ? 0 : -EINVAL;
	}
	if (!c || (!strchr(on, c) && !strchr(off, c)))
		return -EINVAL;
	*ret_on = strchr(on, c);
	return 0;
}

/*
 * It is kept and shown. Virtual functions of one that vfio-pci has are
 * vfio-pci's in any case: it says so by driver_override.
 */
static int store_autoprobe(const struct ioas_vfio *vfio,
                           const struct ioas_function *f, struct text text)
{
	struct ioas_iov_cells *cells = ioas_iov_cells(vfio->machine, f);
	bool on;
	int ret = parse_switch(text, &on);

	if (!ret)
		ioas_a32_store(&cells->no_autoprobe, !on);
	return ret;
}

/* vfio-pci has no such operation. */
static int store_msix_count(const struct ioas_vfio *vfio,
                            const struct ioas_function *f, struct text text)
{
	uint32_t count;
	int ret = parse_number(text, INT32_MAX, &count);

	return ret ? ret : -EOPNOTSUPP;
}

static int (*const stores[])(const struct ioas_vfio *vfio,
                             const struct ioas_function *f,
                             struct text text) = {
	[IOAS_SETTING_NUMVFS] = store_vfs,
	[IOAS_SETTING_AUTOPROBE] = store_autoprobe,
	[IOAS_SETTING_MSIX_COUNT] = store_msix_count,
};

ssize_t ioas_vfio_write_attribute(struct ioas_vfio *vfio,
                                  const struct ioas_entry *entry,
                                  const char *text, size_t bytes)
{
	struct text given = {text,
	                     bytes < IOAS_FILE_BYTES ? bytes : IOAS_FILE_BYTES};
	int ret;

	if (!entry->writable)
		return -EACCES;
	if (!bytes)
		return 0;
	/* Between the look and now it may have gone. */
	if (!ioas_iov_present(vfio->machine, entry->function))
		return -ENODEV;
	ret = stores[entry->node->setting](vfio, entry->function, given);
	return ret ? ret : (ssize_t)given.left;
}
