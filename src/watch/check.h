/* SPDX-License-Identifier: MIT */
/*
 * What is checked. A check has a name that users write after --check and in
 * suppressions, belongs to a family that they may write instead, and is on or
 * off when they write nothing.
 */
#ifndef IOAS_WATCH_CHECK_H
#define IOAS_WATCH_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ioas_severity {
	IOAS_NOTE,    /* worth knowing; no defect by itself */
	IOAS_FINDING, /* a defect of the program: --error-exitcode counts it */
};

enum ioas_check_id {
	IOAS_CHECK_USE_AFTER_UNMAP,
	IOAS_CHECK_WILD_DMA,
	IOAS_CHECK_READ_ONLY,
	IOAS_CHECK_WRITE_ONLY,
	IOAS_CHECK_OUTSIDE_APERTURE,
	IOAS_CHECK_FREED_WHILE_MAPPED,
	IOAS_CHECK_MEMORY_GONE,
	IOAS_CHECK_NO_BUS_MASTER,
	IOAS_CHECK_NO_CONTAINER,
	IOAS_CHECK_PEER,
	IOAS_CHECK_UNBOUND_PASID,
	IOAS_CHECK_PROCESS_MEMORY,
	IOAS_CHECK_LOST_INTERRUPT,
	IOAS_CHECK_MSI_SPOOF,
	IOAS_CHECK_LEAK_ON_CLOSE,
	IOAS_CHECK_LEAK_AT_RESET,
	IOAS_CHECK_LEAK_AT_EXIT,
	IOAS_CHECK_MAP_BEFORE_IOMMU, /* from here on by enum ioas_denial */
	IOAS_CHECK_STALE_MAP,
	IOAS_CHECK_ENTRY_LIMIT,
	IOAS_CHECK_MEMLOCK,
	IOAS_CHECK_MAP_OUTSIDE_APERTURE,
	IOAS_CHECK_RESERVED_OVERLAP,
	IOAS_CHECK_ZERO_UNMAP,
	IOAS_CHECK_UNREGISTERED,
	IOAS_CHECK_NOT_ENABLED,
	IOAS_CHECK_NR
};

struct ioas_check {
	const char *name;
	const char *family;
	const char *help; /* for `ioas list checks` */
	const char *law;  /* that the program's defect meets; may be NULL */
	enum ioas_severity severity;
	bool by_default;
};

extern const struct ioas_check ioas_checks[IOAS_CHECK_NR];

/*
 * Bits by enum ioas_check_id from a list as after --check: names, families,
 * "all", "none", "default", separated by commas; '-' in front takes away.
 * False: *ret_wrong is the part that is none of these, *ret_length its length.
 */
bool ioas_checks_parse(const char *list, uint32_t *ret_checks,
                       const char **ret_wrong, size_t *ret_length);

#endif /* IOAS_WATCH_CHECK_H */
