/* SPDX-License-Identifier: MIT */
/*
 * Reserved ranges of functions and groups. Of a function by its option:
 *
 *	reserved=KIND:FIRST-LAST[+KIND:FIRST-LAST]...
 *
 * with KIND as in reserved_regions, or sw-msi, which that file calls msi too.
 * A group has what its functions have, and what the IOMMU takes from each.
 *
 * Source: Linux 7.3 drivers/iommu/iommu.c (iommu_get_group_resv_regions,
 *         iommu_group_show_resv_regions)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine.h"

/* As the option has them, and as the file has them. */
static const struct {
	const char *option, *file;
} words[] = {
	[IOAS_RESERVED_DIRECT] = {"direct", "direct"},
	[IOAS_RESERVED_DIRECT_RELAXABLE] = {"direct-relaxable",
                                            "direct-relaxable"},
	[IOAS_RESERVED_OTHER] = {"reserved", "reserved"},
	[IOAS_RESERVED_MSI] = {"msi", "msi"},
	[IOAS_RESERVED_SW_MSI] = {"sw-msi", "msi"},
};

const char *ioas_reserved_word(enum ioas_reserved_kind kind)
{
	return words[kind].file;
}

/* Move *text behind the kind and its colon. */
static bool parse_kind(const char **text, enum ioas_reserved_kind *ret_kind)
{
	size_t length = strcspn(*text, ":");
	unsigned int i;

	if (!(*text)[length])
		return false;
	for (i = 0; i < IOAS_RESERVED_NR; i++) {
		if (strlen(words[i].option) != length ||
		    memcmp(words[i].option, *text, length) != 0)
			continue;
		*text += length + 1;
		*ret_kind = (enum ioas_reserved_kind)i;
		return true;
	}
	return false;
}

/* Decimal or 0x digits; strtoull() would take a sign, blanks and octal too. */
static bool parse_address(const char **text, uint64_t *ret_value)
{
	bool hex = (*text)[0] == '0' && (*text)[1] == 'x';
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*ret_value = strtoull(*text, &end, hex ? 16 : 10);
	if (errno)
		return false;
	*text = end;
	return true;
}

/* Whole pages of the IOMMU: the usable ranges between are so, too. */
static bool is_sound(struct iova_range range, unsigned int page_shift)
{
	uint64_t mask = ioas_mask_lg2(page_shift);

	return range.first <= range.last && !(range.first & mask) &&
	       !((range.last + 1) & mask);
}

static bool parse_one(const char **text, unsigned int page_shift,
                      struct ioas_reserved *ret_reserved)
{
	struct ioas_reserved r = {.owner = 0};

	if (!parse_kind(text, &r.kind) || !parse_address(text, &r.range.first))
		return false;
	if (*(*text)++ != '-' || !parse_address(text, &r.range.last))
		return false;
	*ret_reserved = r;
	return is_sound(r.range, page_shift);
}

int ioas_function_reserve(struct ioas_function *f, const char *text,
                          unsigned int page_shift, char *ret_failure)
{
	const char *at = text;

	do {
		if (f->reserved_count == IOAS_FUNCTION_RESERVED_MAX)
			return ioas_machine_refuse(
				ret_failure, -EINVAL,
				"%s: reserved= has more than %d ranges",
				f->model->name, IOAS_FUNCTION_RESERVED_MAX);
		if (!parse_one(&at, page_shift,
		               &f->reserved[f->reserved_count++]) ||
		    (*at && *at != '+'))
			return ioas_machine_refuse(
				ret_failure, -EINVAL,
				"%s: reserved=%.80s is not KIND:FIRST-LAST, "
				"several joined by '+'; KIND is direct, "
				"direct-relaxable, reserved, msi or sw-msi, "
				"and the range is whole pages of %llu bytes, "
				"as in direct:0x10000000-0x100fffff",
				f->model->name, text, 1ULL << page_shift);
	} while (*at++);
	return 0;
}

static int add_array(struct ioas_reserved_list *list,
                     const struct ioas_reserved *reserved, unsigned int count,
                     unsigned int group)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < count; i++) {
		struct ioas_reserved r = reserved[i];

		r.owner = group;
		err = ioas_reserved_add(list, &r);
	}
	return err;
}

int ioas_group_reserved(const struct ioas_machine *machine, unsigned int group,
                        struct ioas_reserved_list *list)
{
	const struct ioas_profile *profile = machine->profile;
	const struct ioas_function *f = machine->function;
	const struct ioas_function *end = f + machine->function_count;
	int err = 0;

	for (; !err && f < end; f++) {
		if (f->group != group)
			continue;
		err = add_array(list, f->reserved, f->reserved_count, group);
		if (!err)
			err = add_array(list, profile->reserved,
			                profile->reserved_count, group);
	}
	if (err)
		ioas_reserved_fini(list);
	return err;
}
