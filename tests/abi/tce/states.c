/* SPDX-License-Identifier: MIT */
/*
 * How each state is reached. Mappings of a mapped state:
 *
 *	A  iova 0x0      3 pages from MEM(0)      READ | WRITE
 *	B  iova 0x3000   1 page  from MEM(3)      READ | WRITE
 *	C  iova 0x10000  2 pages from MEM(4)      READ
 *	D  iova 0x20000  1 page  from MEM(6)      WRITE
 *
 * What is registered is 16 pages from MEM(0). In version 2 the first window is
 * not the default one, but one of TCE_LOW_BYTES in its place: a kernel looks at
 * every entry of a window that goes, and a default one has half a million.
 */
#include "calls.h"

#define MAPS                                                         \
	MAP(CONTAINER, 3, MEM(0), 0, 3 * PAGE),                      \
		MAP(CONTAINER, 3, MEM(3 * PAGE), 0x3000, PAGE),      \
		MAP(CONTAINER, 1, MEM(4 * PAGE), 0x10000, 2 * PAGE), \
		MAP(CONTAINER, 2, MEM(6 * PAGE), 0x20000, PAGE)
#define V1       ATTACH(GROUP, CONTAINER), TYPE(CONTAINER, 2)
#define V2       ATTACH(GROUP, CONTAINER), TYPE(CONTAINER, 7)
#define OTHER_V2 ATTACH(GROUP2, CONTAINER2), TYPE(CONTAINER2, 7)
#define KNOWN    REGISTER(CONTAINER, MEM(0), 16 * PAGE)
#define LOW      REMOVE(CONTAINER, 0), CREATE(CONTAINER, 12, TCE_LOW_BYTES, 1)
#define HIGH     CREATE(CONTAINER, 12, TCE_HIGH_BYTES, 1)

const struct tce_steps tce_steps[T_NR] = {
	[T_OPEN] = {.name = "open"},
	[T_ATTACHED] = {"attached", .step = {ATTACH(GROUP, CONTAINER)}},
	[T_V1] = {"v1", .step = {V1}},
	[T_V1_ON] = {"v1 on", .step = {V1, NO_ARGUMENT(CONTAINER, ENABLE)}},
	[T_V1_MAPPED] = {"v1 mapped",
                         .step = {V1, NO_ARGUMENT(CONTAINER, ENABLE), MAPS}},
	[T_V1_OFF] = {"v1 off",
                      .step = {V1, NO_ARGUMENT(CONTAINER, ENABLE), MAPS,
                               NO_ARGUMENT(CONTAINER, DISABLE)}},
	[T_V2] = {"v2", .step = {V2}},
	[T_REGISTERED] = {"registered", .step = {V2, KNOWN}},
	[T_BARE] = {"bare", .step = {V2, KNOWN, REMOVE(CONTAINER, 0)}},
	[T_MAPPED] = {"mapped", .step = {V2, KNOWN, LOW, MAPS}},
	[T_WIDE] = {"wide", .step = {V2, KNOWN, LOW, MAPS, HIGH,
                                     MAP(CONTAINER, 3, MEM(8 * PAGE), TCE_HIGH,
                                         2 * PAGE)}},
	[T_HIGH] = {"high", .step = {V2, KNOWN, LOW, MAPS, HIGH,
                                     MAP(CONTAINER, 3, MEM(8 * PAGE), TCE_HIGH,
                                         2 * PAGE),
                                     REMOVE(CONTAINER, 0)}},
	[T_EARLY] = {"early", .step = {V2, LOW}},
	[T_COARSE] = {"coarse",
                      .step = {V2, KNOWN, REMOVE(CONTAINER, 0),
                               CREATE(CONTAINER, 16, TCE_LOW_BYTES, 1)}},
	[T_ORPHAN] = {"orphan",
                      .step = {V2, KNOWN, LOW, MAPS,
                               UNREGISTER(CONTAINER, MEM(0), 16 * PAGE)}},
	[T_ADOPTED] = {"adopted",
                       .step = {V2, KNOWN, LOW, MAPS,
                                UNREGISTER(CONTAINER, MEM(0), 16 * PAGE),
                                KNOWN}},
	[T_BESIDE] = {"beside", .step = {V2, KNOWN, LOW, MAPS, OTHER_V2}},
	[T_SHARED] = {"shared",
                      .step = {V2, KNOWN, LOW, MAPS, OTHER_V2,
                               REGISTER(CONTAINER2, MEM(0), 16 * PAGE)}},
	[T_BORROWED] = {"borrowed",
                        .step = {V2, KNOWN, LOW, OTHER_V2,
                                 REGISTER(CONTAINER2, MEM(32 * PAGE), 8 * PAGE),
                                 MAP(CONTAINER2, 3, MEM(0), 0, 2 * PAGE),
                                 MAP(CONTAINER, 3, MEM(32 * PAGE), 0, PAGE)}},
	[T_TWO] = {"two", .only_powernv = true,
                   .step = {V2, ATTACH(GROUP2, CONTAINER), KNOWN, LOW, MAPS}},
	[T_LEFT] = {"left", .only_powernv = true,
                    .step = {V2, ATTACH(GROUP2, CONTAINER), KNOWN, LOW, MAPS,
                             NO_ARGUMENT_OF(GROUP2,
                                            VFIO_GROUP_UNSET_CONTAINER)}},
	[T_TIGHT] = {"tight", .memlock = 24, .step = {V2, KNOWN}},
};
