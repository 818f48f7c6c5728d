/* SPDX-License-Identifier: MIT */
/*
 * Sizes. A rollover needs more contexts in all their lives than numbers, so
 * without exits nothing happens. Numbers are with 0: of 4 CPUs can use 3, of 5
 * one may be pinned.
 */
#include "replay.h"

#define EXCHANGE_3(n, number)                                          \
	{                                                              \
		.name = n,                                             \
		.about = "exchange: 2 CPUs, 3 contexts, exits; "       \
			 "number " #number,                            \
		.cpus = 2, .contexts = 3, .numbers = 4, .exits = true, \
		.watch = number                                        \
	}
#define PINNED(n, number)                                             \
	{                                                             \
		.name = n,                                            \
		.about = "exchange: with a device and one that "      \
			 "can be pinned; number " #number,            \
		.cpus = 2, .contexts = 3, .numbers = 5, .devices = 1, \
		.pinnable = 1, .exits = true, .watch = number         \
	}
#define ASYMMETRIC(n, number)                                          \
	{                                                              \
		.name = n,                                             \
		.about = "asymmetric: 2 CPUs, 3 contexts, exits; "     \
			 "number " #number,                            \
		.cpus = 2, .contexts = 3, .numbers = 4, .exits = true, \
		.asymmetric = true, .watch = number                    \
	}

const struct replay_case replay_cases[] = {
	EXCHANGE_3("exchange-1", 1),
	EXCHANGE_3("exchange-2", 2),
	EXCHANGE_3("exchange-3", 3),
	{.name = "exchange-idle",
         .about = "exchange: and CPUs become idle",
         .cpus = 2,
         .contexts = 3,
         .numbers = 4,
         .exits = true,
         .idle = true,
         .watch = 1},
	{.name = "changes",
         .about = "exchange: tables change; number 1",
         .cpus = 2,
         .contexts = 2,
         .numbers = 4,
         .exits = true,
         .changes = true,
         .watch = 1},
	{.name = "pin-two",
         .about = "exchange: 2 contexts, one can be pinned",
         .cpus = 2,
         .contexts = 2,
         .numbers = 5,
         .devices = 1,
         .pinnable = 2,
         .exits = true,
         .watch = 1},
	PINNED("pin-1", 1),
	PINNED("pin-2", 2),
	PINNED("pin-3", 3),
	PINNED("pin-4", 4),
	{.name = "pin-any",
         .about = "exchange: any of 3 can be pinned",
         .cpus = 2,
         .contexts = 3,
         .numbers = 5,
         .devices = 1,
         .pinnable = 3,
         .exits = true},
	{.name = "asymmetric-two",
         .about = "asymmetric: 2 contexts, exits",
         .cpus = 2,
         .contexts = 2,
         .numbers = 4,
         .exits = true,
         .asymmetric = true,
         .watch = 1},
	ASYMMETRIC("asymmetric-1", 1),
	ASYMMETRIC("asymmetric-2", 2),
	ASYMMETRIC("asymmetric-3", 3),
	{.name = "asymmetric-idle",
         .about = "asymmetric: and CPUs become idle",
         .cpus = 2,
         .contexts = 2,
         .numbers = 4,
         .exits = true,
         .idle = true,
         .asymmetric = true,
         .watch = 1},
	{.name = "asymmetric-changes",
         .about = "asymmetric: tables change",
         .cpus = 2,
         .contexts = 2,
         .numbers = 4,
         .exits = true,
         .changes = true,
         .asymmetric = true,
         .watch = 1},
	{.name = "asymmetric-pin",
         .about = "asymmetric: and a device",
         .cpus = 2,
         .contexts = 2,
         .numbers = 5,
         .devices = 1,
         .pinnable = 1,
         .exits = true,
         .asymmetric = true,
         .watch = 1},
	{.name = "asymmetric-four",
         .about = "asymmetric: 2 CPUs, 4 contexts, exits",
         .cpus = 2,
         .contexts = 4,
         .numbers = 4,
         .exits = true,
         .asymmetric = true,
         .watch = 1,
         .thorough = true},
	{.name = "three",
         .about = "exchange: 3 CPUs, 4 contexts, exits",
         .cpus = 3,
         .contexts = 4,
         .numbers = 5,
         .exits = true,
         .watch = 1},
	{.name = "walk",
         .about = "exchange: walks, everything at once",
         .cpus = 3,
         .contexts = 6,
         .numbers = 7,
         .devices = 2,
         .pinnable = 3,
         .exits = true,
         .idle = true,
         .changes = true,
         .watch = 1,
         .walk = true},
	{.name = "walk-pin",
         .about = "exchange: walks with one device",
         .cpus = 2,
         .contexts = 3,
         .numbers = 5,
         .devices = 1,
         .pinnable = 3,
         .exits = true,
         .watch = 1,
         .walk = true},
	{.name = "walk-asymmetric",
         .about = "asymmetric: walks",
         .cpus = 2,
         .contexts = 4,
         .numbers = 5,
         .devices = 1,
         .pinnable = 2,
         .exits = true,
         .idle = true,
         .asymmetric = true,
         .watch = 1,
         .walk = true},
	{.name = "walk-limit",
         .about = "exchange: walks, more devices than may pin",
         .cpus = 2,
         .contexts = 5,
         .numbers = 5,
         .devices = 2,
         .pinnable = 5,
         .exits = true,
         .watch = 1,
         .walk = true},
	{.name = NULL},
};
