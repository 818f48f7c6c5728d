/* SPDX-License-Identifier: MIT */
/*
 * The contract of the VFIO files as a table: a state, a call, what it answers.
 *
 * Rows are data: they name descriptors and memory by placeholders and know
 * nothing of who answers. A back end (struct abi_backend) makes the calls; so
 * the same rows can be run against anything that claims to be VFIO.
 *
 * The rows are written for pages of 4 KiB, the profile intel unless a set names
 * another, and the devices of model.c. With other devices, or another IOMMU,
 * what a row expects is not always so; then the rows are printed instead of
 * checked (print.c), and two prints compared.
 */
#ifndef ABI_H
#define ABI_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "uapi/abi.h"
#include "uapi/vfio.h"

#define PAGE     UINT64_C(0x1000)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- Who answers ---- */

struct abi_limits {
	uint64_t entries;       /* mappings a container */
	uint64_t memlock_pages; /* UINT64_MAX: none */
	enum ioas_contract contract;
	const char *profile; /* NULL: the usual one */
	bool shared;         /* devices can raise each other's interrupts */
	bool unsafe;         /* and may be used all the same */
	const char *model;   /* of the devices; NULL: those of model.c */
};

/* Each call gives a value or -errno. */
struct abi_backend {
	bool is_real; /* it has the one machine that it runs on */
	/*
	 * Once, with the words of the command line that are no options. False:
	 * they are not understood, or what is needed is not there; it was said.
	 */
	bool (*set_up)(char *const word[]);
	/* Are there devices with reserved ranges of their own, and that log? */
	bool (*has_special)(void);
	/* The name of the device in group 1, 2 or 3: 12 characters. */
	const char *(*device)(unsigned int group);
	/* The number that such a group has here. */
	unsigned int (*number)(unsigned int group);
	/* A world in which nothing is open, with these limits. */
	int (*begin)(const struct abi_limits *limits);
	/* Wait until the device of group 1 sleeps, if it ever does. */
	void (*settle)(void);
	/* Closes what is open; -EUCLEAN: something is left behind. */
	int (*end)(void);
	int (*open_container)(void);
	int (*open_group)(unsigned int group); /* 1, 2, 3 */
	int (*eventfd)(void);
	int (*other)(void); /* a descriptor that is neither */
	/* Signals since it was last asked. */
	uint64_t (*event_count)(int fd);
	int (*close)(int fd);
	long (*ioctl)(int fd, unsigned long command, unsigned long argument);
	ssize_t (*pread)(int fd, void *buffer, size_t bytes, uint64_t at);
	ssize_t (*pwrite)(int fd, const void *buffer, size_t bytes,
	                  uint64_t at);
	/* The program writes an eventfd; who watches it has done so after. */
	int (*raise)(int fd);
	/* What is in a file of /sys about a group. */
	ssize_t (*file)(unsigned int group, const char *name, void *buffer,
	                size_t bytes);
	long (*seek)(int fd);
	/* 0 when it could be mapped; nothing stays mapped. */
	int (*mmap)(int fd, uint64_t bytes, int prot, int flags, uint64_t at);
	/* Commands that exist on this kind of file, for the count of rows. */
	const char *(*command)(unsigned int kind, unsigned long command);
};

/* The one that this program is built with. */
extern const struct abi_backend abi_backend;

/* ---- Placeholders in rows ---- */

/* Names of devices, "0000:01:00.0", also as a part of a longer text. */
#define DEVICE_NAME_BYTES 12
#define NAMED_GROUPS      3

/* Addresses: 64 pages to read and write, and places that are not so good. */
#define PLACE_MEMORY      UINT64_C(0xa5a5000000000000)
#define PLACE_READ_ONLY   UINT64_C(0xa5a6000000000000)
#define PLACE_HOLE        UINT64_C(0xa5a7000000000000)
#define PLACE_MASK        UINT64_C(0xffff000000000000)
#define PLACE_ARGUMENT    UINT64_C(0xa5a8000000000000)
#define MEM(offset)       (PLACE_MEMORY + (offset))
#define READ_ONLY(offset) (PLACE_READ_ONLY + (offset))
#define HOLE(offset)      (PLACE_HOLE + (offset))
/* Inside the argument of the row itself: what a call fills in there is seen. */
#define ARGUMENT(offset) (PLACE_ARGUMENT + (offset))
#define MEM_PAGES        64

/* Descriptors; in an argument as PLACE_FD + one of these. */
enum abi_fd {
	FD_CONTAINER,
	FD_GROUP,
	FD_DEVICE,
	FD_CONTAINER2,
	FD_GROUP2,
	FD_DEVICE2,
	FD_OTHER,
	FD_CLOSED,
	FD_EVENT0,
	FD_EVENT1,
	FD_EVENT2,
	FD_EVENT3,
	FD_NR
};

#define EVENTS   4
#define PLACE_FD UINT32_C(0x7a5a0000)
#define FD(name) ((int32_t)(PLACE_FD + FD_##name))

/* ---- States ---- */

enum abi_state {
	S_OPEN,      /* container and group 1 are open */
	S_ATTACHED,  /* the group is in the container */
	S_UNSAFE,    /* so, and interrupts need not be isolated */
	S_V1,        /* SET_IOMMU(1) */
	S_V2,        /* SET_IOMMU(3) */
	S_V1_MAPPED, /* three mappings, see states.c */
	S_V2_MAPPED,
	S_V2_INVALID, /* the second of them has no valid vaddr */
	S_V2_TRACKED, /* dirty pages are tracked */
	S_V2_SHIFTED, /* and were asked for from 2 pages before A on */
	S_V2_FULL,    /* no entry is left */
	S_V2_LOCKED,  /* two pages can be pinned */
	S_TWO,        /* groups 1 and 2 in one container, mapped */
	S_NEIGHBOUR,  /* group 2 open beside a mapped v2 container */
	S_INVALID_NEIGHBOUR,
	S_DEVICE, /* v2, the device of group 1 open */
	S_DEVICE_V1,
	S_DEVICE_ONLY, /* and the descriptors of group and container closed */
	S_INTX,        /* the pin signals event 0 */
	S_INTX_SILENT, /* on, without an event */
	S_INTX_UNMASK, /* event 1 unmasks */
	S_INTX_OFF,    /* off, and disabled in the command register */
	S_IOEVENTFD,   /* event 0 stores 0x1234, 4 bytes, at BAR 2 */
	S_MSI,         /* vectors 0 and 1 signal events 0 and 1 */
	S_MSIX,
	S_SINGLE,    /* ERR signals event 0, REQ event 1 */
	S_LOW,       /* low power */
	S_LOW_WAKE,  /* low power, access signals event 0 */
	S_D3,        /* the device is in D3hot */
	S_NO_DECODE, /* memory decoding is off */
	S_PLAIN,     /* v2, the device of group 3: no interrupt, no FLR */
	S_PAIR,      /* so, and group 4 open, whose device is on its bus */
	/* A mapped v2 container; beside it a group with reserved ranges: */
	S_BESIDE_LOW,     /* that hit mappings */
	S_BESIDE_INVALID, /* the same; and B has no valid vaddr */
	S_BESIDE_RELAXED, /* that would, but may be mapped */
	S_BESIDE_DIRECT,  /* that must be mapped 1:1 */
	S_DIRECT,         /* such a group, and no back end anywhere */
	S_WITH_LOW,       /* the low ones, in a v2 container with group 1 */
	S_WITHOUT_LOW,    /* and out of it again */
	S_WITH_MIDDLE,    /* others in the middle */
	S_WITHOUT_MIDDLE,
	S_LOGS,    /* mapped v2, a device open that can log what it writes */
	S_LOGGING, /* and does, for the first three pages and A */
	S_NR
};

/* ---- Rows ---- */

enum abi_call {
	CALL_IOCTL,
	CALL_READ,
	CALL_WRITE,
	CALL_WRITE_READ, /* and what is read back is the answer */
	CALL_RAISE,      /* the eventfd `on` */
	CALL_MMAP,
	CALL_SEEK,
	CALL_OPEN_GROUP,
	CALL_FILE, /* of the group `value` in /sys */
};

enum abi_place {
	AT_MEMORY,    /* ends where a page ends that has a hole behind it */
	AT_READ_ONLY, /* the same, not writable */
	AT_NULL,
	AT_HOLE,
};

/*
 * Positions in configuration space: where it begins, and in place of an offset
 * the capability of a number, plus the offset in it.
 */
#define CONFIG         (UINT64_C(7) << IOAS_REGION_SHIFT)
#define CAPABILITY(id) (UINT32_C(0x80000000) | (uint32_t)(id) << 16)

#define ANY_FD 1000000 /* a descriptor, whichever */

/* A file of group 1 in /sys has this text. */
#define GROUP_FILE(called, text)                                      \
	.call = CALL_FILE, .value = 1, .file = (called),              \
	.argument = (const char[FILE_BYTES]){0}, .bytes = FILE_BYTES, \
	.out = (const char[FILE_BYTES]){text}, .expected = sizeof(text) - 1
#define FILE_BYTES 96

/* Contracts that a row holds in. Rows of one name are one row to a reader. */
#define IN_STRICT (1u << IOAS_CONTRACT_STRICT)
#define IN_7_3    (1u << IOAS_CONTRACT_LINUX_7_3)
#define IN_6_12   (1u << IOAS_CONTRACT_LINUX_6_12)
#define IN_NEW    (IN_STRICT | IN_7_3)
#define IN_LINUX  (IN_7_3 | IN_6_12)

struct abi_row {
	const char *name;
	enum abi_state state;
	enum abi_state also; /* once more in this state, unless S_OPEN */
	unsigned int in;     /* contracts; 0: all */
	enum abi_call call;
	enum abi_fd on;
	unsigned long command;
	const void *argument; /* NULL: `value` is the argument */
	size_t bytes;         /* of argument, of the transfer or mapping */
	unsigned long value;  /* or the number of the group */
	enum abi_place place;
	uint64_t position;
	const char *file; /* its name */
	int prot, flags;
	long expected;
	long in_6_12;         /* expected there instead, unless 0 */
	const void *out;      /* argument after it; NULL: as it was */
	bool out_is_open;     /* it may be anything: a copy broke off */
	bool leaves;          /* the error is known to leave a change behind */
	unsigned int signals; /* events that were raised, one bit each */
};

/* Rows of one subject; the source holds for all of them. */
struct abi_set {
	/* Of the machine; NULL: intel, or what the program is told. */
	const char *profile;
	bool shared; /* devices can raise each other's interrupts */
	const char *subject;
	const char *source;
	const struct abi_row *rows;
	size_t count;
	void (*generate)(void (*emit)(const struct abi_row *row));
};

extern const struct abi_set abi_container_set, abi_group_set, abi_map_set,
	abi_unmap_set, abi_dirty_set, abi_rules_set, abi_type1_info_set,
	abi_device_set, abi_irqs_set, abi_intx_set, abi_ioeventfd_set,
	abi_reset_set, abi_config_set, abi_feature_set, abi_region_set,
	abi_mmap_set, abi_unknown_set, abi_reserved_set, abi_arm_set,
	abi_shared_set, abi_logging_set;

/* ---- Between the files of this program ---- */

struct abi_world {
	const struct abi_backend *backend;
	const struct abi_set *set;
	const char *profile; /* of sets that name none; NULL: the usual one */
	enum ioas_contract contract;
	int fd[FD_NR]; /* -1: not open */
	const char *argument;
	char *memory; /* MEM_PAGES, then a page to read only, then a hole */
};

extern const char *const abi_state_name[S_NR];
/* Return: 0 or the -errno of the call that failed. */
int abi_enter(struct abi_world *world, enum abi_state state);
/* Put what the placeholders stand for in place of them. */
void abi_resolve(const struct abi_world *world, void *argument, size_t bytes);
/* Where a row reads or writes; the last position when it has no capability. */
uint64_t abi_position(const struct abi_world *world, const struct abi_row *row);
/* Offset of a capability of the device; 0: it has none such. */
unsigned int abi_capability(const struct abi_world *world, unsigned int id);
/* The name of an address in rows. False: it has none. */
bool abi_unresolve(const struct abi_world *world, uint64_t value,
                   uint64_t *ret_place);

/* What the container and the group say of themselves. */
struct abi_picture {
	long info_answer, status_answer;
	char info[256];
	uint32_t status[2];
};

/* What a row came to. */
struct abi_outcome {
	long answer;
	const char *was, *is; /* the argument before and after it */
	size_t bytes;
	uint64_t signals[EVENTS];
	struct abi_picture before, after;
};

/* One line on standard output. */
void abi_print(const struct abi_world *world, const char *subject,
               const struct abi_row *row, const struct abi_outcome *outcome);

#endif /* ABI_H */
