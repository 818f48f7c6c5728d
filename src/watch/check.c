/* SPDX-License-Identifier: MIT */
#include "watch/check.h"

#include <string.h>

const struct ioas_check ioas_checks[IOAS_CHECK_NR] = {
	[IOAS_CHECK_USE_AFTER_UNMAP] =
		{"use-after-unmap", "uaf",
                 "device access to an address that was unmapped before",
                 "SPACE-2", IOAS_FINDING, true},
	[IOAS_CHECK_WILD_DMA] = {"wild-dma", "bounds",
                                 "device access to an address that is not "
                                 "mapped",
                                 NULL, IOAS_FINDING, true},
	[IOAS_CHECK_READ_ONLY] = {"read-only", "ro",
                                  "device write to a mapping made for reading",
                                  NULL, IOAS_FINDING, true},
	[IOAS_CHECK_WRITE_ONLY] = {"write-only", "ro",
                                   "device read of a mapping made for writing",
                                   NULL, IOAS_FINDING, true},
	[IOAS_CHECK_OUTSIDE_APERTURE] =
		{"outside-aperture", "bounds",
                 "device access beyond what the IOMMU translates", NULL,
                 IOAS_FINDING, true},
	[IOAS_CHECK_FREED_WHILE_MAPPED] =
		{"freed-while-mapped", "uaf",
                 "memory freed or unmapped while a device may use it", NULL,
                 IOAS_FINDING, true},
	[IOAS_CHECK_MEMORY_GONE] =
		{"memory-gone", "uaf",
                 "device access to a mapping whose memory is gone or "
                 "protected",
                 NULL, IOAS_FINDING, true},
	[IOAS_CHECK_NO_BUS_MASTER] = {"no-bus-master", "api",
                                      "device access while bus mastering is "
                                      "off",
                                      NULL, IOAS_FINDING, true},
	[IOAS_CHECK_NO_CONTAINER] = {"no-container", "api",
                                     "device access while its group is in no "
                                     "container with an IOMMU",
                                     "FN-2", IOAS_FINDING, true},
	[IOAS_CHECK_PEER] = {"peer", "api",
                             "device access to a device's registers that do "
                             "not answer",
                             NULL, IOAS_FINDING, true},
	[IOAS_CHECK_UNBOUND_PASID] = {"unbound-pasid", "sva",
                                      "device access with a PASID that is not "
                                      "bound to it",
                                      "SVA-2", IOAS_FINDING, true},
	[IOAS_CHECK_PROCESS_MEMORY] =
		{"process-memory", "sva",
                 "device access by PASID that the program "
                 "may not do itself",
                 "SVA-6", IOAS_FINDING, true},
	[IOAS_CHECK_LOST_INTERRUPT] = {"lost-interrupt", "msi",
                                       "interrupt of a device whose message "
                                       "reached no vector",
                                       NULL, IOAS_FINDING, true},
	[IOAS_CHECK_MSI_SPOOF] = {"msi-spoof", "msi",
                                  "device write of an interrupt that is not "
                                  "its own",
                                  "MSI-8", IOAS_FINDING, true},
	[IOAS_CHECK_LEAK_ON_CLOSE] = {"leak-on-close", "leak",
                                      "mapping alive when its container ended",
                                      NULL, IOAS_FINDING, true},
	[IOAS_CHECK_LEAK_AT_RESET] = {"leak-at-reset", "leak",
                                      "mapping alive when a device of its "
                                      "container was reset",
                                      NULL, IOAS_NOTE, false},
	[IOAS_CHECK_LEAK_AT_EXIT] = {"leak-at-exit", "leak",
                                     "mapping alive when the process ended",
                                     NULL, IOAS_NOTE, true},
	[IOAS_CHECK_MAP_BEFORE_IOMMU] = {"map-before-iommu", "api",
                                         "call on a container that has no "
                                         "IOMMU yet",
                                         NULL, IOAS_NOTE, false},
	[IOAS_CHECK_STALE_MAP] = {"stale-map", "overlap",
                                  "map where something is mapped", NULL,
                                  IOAS_NOTE, false},
	[IOAS_CHECK_ENTRY_LIMIT] = {"entry-limit", "limit",
                                    "map beyond the number of mappings that a "
                                    "container may have",
                                    NULL, IOAS_NOTE, false},
	[IOAS_CHECK_MEMLOCK] = {"memlock", "limit",
                                "map beyond the memory that may be pinned",
                                NULL, IOAS_NOTE, false},
	[IOAS_CHECK_MAP_OUTSIDE_APERTURE] =
		{"map-outside-aperture", "bounds",
                 "map beyond what the IOMMU translates", NULL, IOAS_NOTE,
                 false},
	[IOAS_CHECK_RESERVED_OVERLAP] = {"reserved-overlap", "overlap",
                                         "map of addresses that are taken, as "
                                         "by interrupts",
                                         NULL, IOAS_NOTE, false},
	[IOAS_CHECK_ZERO_UNMAP] = {"zero-unmap", "api",
                                   "unmap where nothing is mapped", NULL,
                                   IOAS_NOTE, false},
	[IOAS_CHECK_UNREGISTERED] = {"map-unregistered", "api",
                                     "map of memory that was not registered",
                                     NULL, IOAS_NOTE, false},
	[IOAS_CHECK_NOT_ENABLED] = {"map-before-enable", "api",
                                    "map or unmap in a container where "
                                    "nothing can be mapped yet",
                                    NULL, IOAS_NOTE, false},
};

static bool same(const char *word, size_t length, const char *name)
{
	return strlen(name) == length && !memcmp(word, name, length);
}

/* Is check @i among what a word names? */
static bool named(const char *word, size_t length, unsigned int i)
{
	const struct ioas_check *check = &ioas_checks[i];

	return same(word, length, "all") || same(word, length, check->name) ||
	       same(word, length, check->family) ||
	       (same(word, length, "default") && check->by_default);
}

static uint32_t bits_of(const char *word, size_t length)
{
	uint32_t bits = 0;
	unsigned int i;

	for (i = 0; i < IOAS_CHECK_NR; i++)
		if (named(word, length, i))
			bits |= UINT32_C(1) << i;
	return bits;
}

bool ioas_checks_parse(const char *list, uint32_t *ret_checks,
                       const char **ret_wrong, size_t *ret_length)
{
	uint32_t checks = 0, bits;
	const char *word = list;

	/* What only takes away, takes from the default. */
	if (*word == '-')
		checks = bits_of("default", strlen("default"));
	for (;;) {
		bool minus = *word == '-';
		size_t length = strcspn(word + minus, ",");

		bits = bits_of(word + minus, length);
		if (!bits && !same(word + minus, length, "none")) {
			*ret_wrong = word;
			*ret_length = length + minus;
			return false;
		}
		checks = minus ? checks & ~bits : checks | bits;
		word += minus + length;
		if (!*word)
			break;
		word++;
	}
	*ret_checks = checks;
	return true;
}
