/* SPDX-License-Identifier: MIT */
/**
 * DOC: Device models
 *
 * A model is one PCI function in software: a table of facts about it (struct
 * ioas_model) and a few functions that the table names. This header is all a
 * model may include besides the C library's freestanding part; it does its
 * DMA, its interrupts and its file access through the calls below.
 *
 *	program --load, store--> model --ioas_dma_*()--> IOMMU --> memory
 *	program <---eventfd----- model --ioas_device_interrupt()
 *
 * A model's functions are called one at a time per device, with every signal
 * blocked, on the thread that did the access or, for doorbells, on one of the
 * device's own, on a stack of 64 KiB. They must
 * not allocate (create() may), sleep, or take locks of their own.
 *
 * DMA is by I/O virtual address, or, where the issuer of an access has a PASID,
 * by address of the program: what may be done there is then what the program
 * itself may do, and nothing is mapped for it (<ioas/sva.h>).
 *
 * Addresses and lengths are bytes. Nothing here sets errno.
 */
#ifndef IOAS_DEVICE_H
#define IOAS_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ioas/api.h>
#include <ioas/pasid.h>
#include <ioas/perm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ioas_device;
struct ioas_store;

/** struct ioas_bar_desc - one base address register. */
struct ioas_bar_desc {
	uint64_t size; /* bytes, a power of two; 0: this BAR is not there */
	bool is_64bit; /* takes the next register too */
	bool prefetchable;
	bool port; /* I/O ports, 4 to 256 of them, instead of memory */
};

/**
 * struct ioas_config_register - four bytes of the device's own in extended
 * configuration space, where no capability is.
 *
 * A bit that is neither writable nor cleared keeps its value. A write of any
 * width and alignment concerns the bytes that it has. Every reset brings the
 * first value back.
 */
struct ioas_config_register {
	/* A multiple of 4, from 0x140 on, with PASIDs 0x160; 0 ends a table. */
	uint16_t offset;
	uint32_t value;    /* at first */
	uint32_t writable; /* bits that take what is written */
	uint32_t cleared;  /* bits that a written 1 makes 0 */
};

/** struct ioas_function_desc - what the function looks like on the bus. */
struct ioas_function_desc {
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem_device;
	uint32_t class_code; /* 24 bits: base class, sub-class, interface */
	uint8_t revision;
	struct ioas_bar_desc bar[6];
	uint16_t msix_vectors; /* 0: no MSI-X; at most 2048 */
	uint8_t msix_bar;
	uint32_t msix_table, msix_pba; /* offsets in that BAR */
	uint8_t msi_vectors;           /* 0: no MSI; else 1, 2, 4, ... 32 */
	bool intx; /* has an interrupt pin, INTA: ioas_device_line() */
	bool pcie; /* PCI Express with function level reset */
	/*
	 * Virtual functions that `vfs=` may ask for; 0: SR-IOV is not there.
	 * Each of them is a device of this model too, without pin, ROM and I/O
	 * ports, and both kinds are PCI Express then.
	 */
	uint16_t vfs_max;
	uint16_t vf_device; /* their device id; 0: the same */
	/* Expansion ROM, read-only; NULL: none. Behind it 0xff is read. */
	const uint8_t *rom;
	uint32_t rom_bytes; /* at most 16 MiB */
	/* PCI Express only; NULL: none. */
	const struct ioas_config_register *config;
	/*
	 * PCI Express only: width of the PASIDs that it sends, 1 to 20; 0: it
	 * sends none. And how many page requests it may have outstanding; 0: it
	 * has neither ATS nor PRI.
	 */
	uint8_t pasid_bits;
	uint16_t page_requests;
};

/** struct ioas_model_key - an option that `-d MODEL,key=value` may give. */
struct ioas_model_key {
	const char *name;
	const char *value; /* what to write after '=': "PATH", "SIZE", ... */
	const char *help;
};

/**
 * struct ioas_doorbells - registers that only say "look".
 *
 * A part of a BAR where the program stores @width bytes, and of stores to the
 * same register the last one counts: one that the device missed because another
 * came is no loss, and one of the same value means what the first one meant.
 * Such a store need not be served at once (ioas-run(1), mode= and latency=).
 * No register here does anything when it is loaded, and what a load gives may
 * be any value. bytes 0: there are none.
 *
 * Whole pages of doorbells of 4 bytes may be opened to the program; the value
 * 0xffffffff has no meaning there.
 */
struct ioas_doorbells {
	unsigned int bar;
	uint32_t offset, bytes; /* multiples of width, inside the BAR */
	unsigned int width;     /* 4 or 2 */
};

/**
 * struct ioas_model - a kind of device.
 *
 * @name:     as written after -d
 * @summary:  one line for `ioas list devices`
 * @keys:     the options it takes, ended by an entry without name
 * @function: what it looks like on the bus
 * @describe: change that for one function, by its options; NULL: it never
 *            does. *desc is a copy of @function and what it points at has to
 *            stay for ever. Called when the function is added to a machine,
 *            which may be in another process than create(), so the same
 *            options give the same answer. @dev has its options and nothing
 *            else. 0, or -errno after ioas_device_fail() said why
 * @create:   make the state of one device from its options. 0 with
 *            *ret_state set, or -errno after ioas_device_fail() said why
 * @destroy:  end of the state
 * @reset:    power-on state; also at the last close of the device
 * @load:     a register read: @size is 1, 2, 4 or 8, @offset is inside the BAR
 * @store:    a register write
 * @work:     do the next piece of what stores have begun, a millisecond or so
 *            of it, and say when there is more: IOAS_WORK_NOW, IOAS_WORK_NONE,
 *            or a time of ioas_device_now(). NULL: a store does all of it.
 *            Between two pieces others may use the device: loads and stores
 *            are served, and a reset ends it all. A store may be followed by
 *            a call before that time: look at the clock
 * @doorbells: registers whose stores may be served later, and by a thread of
 *            the device
 * @paged:    a group of ioas_dma_request_page() is answered. It follows the
 *            call of @store or @work that asked for its last page. NULL: the
 *            model asks for none
 */
struct ioas_model {
	const char *name;
	const char *summary;
	const struct ioas_model_key *keys;
	struct ioas_function_desc function;
	int (*describe)(struct ioas_device *dev,
	                struct ioas_function_desc *desc);
	int (*create)(struct ioas_device *dev, void **ret_state);
	void (*destroy)(void *state);
	void (*reset)(void *state);
	uint64_t (*load)(void *state, unsigned int bar, uint64_t offset,
	                 unsigned int size);
	void (*store)(void *state, unsigned int bar, uint64_t offset,
	              unsigned int size, uint64_t value);
	uint64_t (*work)(void *state);
	struct ioas_doorbells doorbells;
	void (*paged)(void *state, uint32_t group,
	              enum ioas_page_response response);
};

#define IOAS_WORK_NOW  UINT64_C(0)
#define IOAS_WORK_NONE UINT64_MAX /* not before the next store */

/**
 * struct ioas_issuer - which device command does an access, and for whom.
 *
 * Goes into the report when the access faults: "SQ 1, CID 0x17, READ, PRP1".
 * The strings are not copied: give literals.
 *
 * With a PASID the address is not an I/O virtual address, but one of the
 * program, if the PASID is ioas_device_pasid(); memory there is not mapped, and
 * no interrupt is a write there.
 */
struct ioas_issuer {
	const char *command; /* "READ", "completion", ... */
	const char *role;    /* "PRP1", "PRP list", ...; may be NULL */
	int queue;           /* submission queue, or -1 */
	int id;              /* command id, or -1 */
	uint32_t pasid;      /* or IOAS_NO_PASID */
};

/** struct ioas_segment - a piece of program memory a device may touch. */
struct ioas_segment {
	void *base;
	size_t bytes;
};

/**
 * ioas_device_option() - the text an option was given
 * @dev: the device
 * @key: one of the model's keys
 *
 * Return: the text after '=', or NULL when the option was not given; cannot
 * fail. It lives as long as the device.
 *
 * Threads: only from create() and describe().
 * Source: ioas-run(1), option -d
 */
IOAS_API const char *ioas_device_option(const struct ioas_device *dev,
                                        const char *key);

/**
 * ioas_device_option_size() - an option that is a number of bytes
 * @dev:       the device
 * @key:       one of the model's keys
 * @ret_bytes: the number: decimal or 0x, then K, M, G or T (powers of 1024)
 *             or nothing. Untouched when the option was not given
 *
 * Return: 0, also when the option was not given, or
 *   -EINVAL  not such a number, or above 2^63 - 1; ioas_device_fail() was
 *            called
 *
 * Threads: only from create() and describe().
 * Source: ioas-run(1), option -d
 */
IOAS_API IOAS_MUST int ioas_device_option_size(struct ioas_device *dev,
                                               const char *key,
                                               uint64_t *ret_bytes);

/**
 * ioas_device_option_time() - an option that is a time
 * @dev:    the device
 * @key:    one of the model's keys
 * @ret_ns: nanoseconds: a decimal number with ns, us, ms or s behind it.
 *          Untouched when the option was not given
 *
 * Return: 0, also when the option was not given, or
 *   -EINVAL  not such a time, or more than an hour; ioas_device_fail() was
 *            called
 *
 * Threads: only from create() and describe().
 * Source: ioas-run(1), option -d
 */
IOAS_API IOAS_MUST int ioas_device_option_time(struct ioas_device *dev,
                                               const char *key,
                                               uint64_t *ret_ns);

/**
 * ioas_device_fail() - say why create() or describe() is about to fail
 * @dev:    the device
 * @format: as for printf; what happened and what to do, without newline
 *
 * Return: nothing; cannot fail. Text beyond 255 bytes is cut.
 *
 * Threads: only from create() and describe().
 * Source: none; ioas's own
 */
IOAS_API void ioas_device_fail(struct ioas_device *dev, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * ioas_device_now() - what time it is
 * @dev: the device
 *
 * For a model that does something only later, or by a rate: its work() gives
 * the time at which it wants to be called.
 *
 * Return: nanoseconds of a clock that never goes back, not 0 and not
 * IOAS_WORK_NONE; cannot fail.
 *
 * Threads: the model's own calls.
 * Source: none; ioas's own
 */
IOAS_API uint64_t ioas_device_now(const struct ioas_device *dev);

/**
 * ioas_device_alloc() - memory for a model's state
 * @dev:        the device
 * @bytes:      how many, not 0
 * @ret_memory: zeroed, aligned to 64 bytes; it belongs to the model until
 *              ioas_device_free()
 *
 * Return: 0, or
 *   -ENOMEM  no memory; ioas_device_fail() was called
 *
 * Threads: only from create().
 * Source: none; ioas's own
 */
IOAS_API IOAS_MUST int ioas_device_alloc(struct ioas_device *dev, size_t bytes,
                                         void **ret_memory);

/**
 * ioas_device_free() - give the memory of ioas_device_alloc() back
 * @memory: what it gave, or NULL
 * @bytes:  as many as were asked for
 *
 * Return: nothing; cannot fail.
 *
 * Threads: only from create() and destroy().
 * Source: none; ioas's own
 */
IOAS_API void ioas_device_free(void *memory, size_t bytes);

/**
 * ioas_dma_read() - the device reads program memory
 * @dev:    the device
 * @iova:   first I/O virtual address; with a PASID, address of the program
 * @buffer: where to; belongs to the model
 * @bytes:  how many; 0 is fine and touches nothing
 * @issuer: the command that does it, for the report
 *
 * Return: 0, or
 *   -EFAULT  part of the range is not mapped for reading, the memory behind
 *            it has gone, bus mastering is off, or the device is in no
 *            address space, or not bound to that PASID. Reported; @buffer may
 *            be partly filled
 *
 * Threads: the model's own calls; wait-free against map and unmap.
 * Source: PCI Express Base Specification 4.0, 2.3.2 (unsupported request)
 */
IOAS_API IOAS_MUST int ioas_dma_read(struct ioas_device *dev, uint64_t iova,
                                     void *buffer, size_t bytes,
                                     const struct ioas_issuer *issuer);

/**
 * ioas_dma_write() - the device writes program memory
 * @dev:    the device
 * @iova:   first I/O virtual address; with a PASID, address of the program
 * @buffer: what; belongs to the model
 * @bytes:  how many; 0 is fine and touches nothing
 * @issuer: the command that does it, for the report
 *
 * Naturally aligned units of 8 bytes appear whole and in ascending order, so
 * a completion entry whose last word holds its valid bit needs one call. Of
 * more than 1024 bytes only the last 64 do so, after all the others.
 *
 * Return: 0, or
 *   -EFAULT  part of the range is not mapped for writing, the memory behind
 *            it has gone, bus mastering is off, or the device is in no
 *            address space, or not bound to that PASID. Reported; memory
 *            before the fault may be written
 *
 * Threads: the model's own calls; wait-free against map and unmap.
 * Source: PCI Express Base Specification 4.0, 2.3.2 and 2.4.2
 */
IOAS_API IOAS_MUST int ioas_dma_write(struct ioas_device *dev, uint64_t iova,
                                      const void *buffer, size_t bytes,
                                      const struct ioas_issuer *issuer);

/** struct ioas_copy - bytes from one place of program memory to another. */
struct ioas_copy {
	uint64_t source,
		destination; /* as for the others; may be of two kinds */
	uint64_t bytes;
	const struct ioas_issuer *reads, *writes; /* for the report */
};

/**
 * ioas_dma_copy() - the device copies program memory
 * @dev:  the device
 * @copy: what, and where to; 0 bytes are fine and touch nothing
 *
 * An unmap in another thread waits until it is over: copy a megabyte or so at
 * once. Where source and destination overlap, what is there afterwards is made
 * of bytes that were there before; their order is not promised.
 *
 * Return: 0, or, reported and with what lies before it copied:
 *   -EFAULT  part of the source is not mapped for reading, the memory behind
 *            it has gone, bus mastering is off, or the device is in no
 *            address space, or not bound to that PASID
 *   -EACCES  part of the destination is not mapped for writing, or the memory
 *            behind it has gone
 *
 * Threads: the model's own calls; wait-free against map and unmap.
 * Source: PCI Express Base Specification 4.0, 2.3.2 (unsupported request)
 */
IOAS_API IOAS_MUST int ioas_dma_copy(struct ioas_device *dev,
                                     const struct ioas_copy *copy);

/**
 * ioas_dma_begin() - from here on pointers of ioas_dma_segments() are good
 * @dev: the device
 *
 * An unmap in another thread waits until ioas_dma_end(). Does not nest.
 *
 * Return: nothing; cannot fail.
 *
 * Threads: the model's own calls.
 * Source: src/base/grace.h
 */
IOAS_API void ioas_dma_begin(struct ioas_device *dev);

/**
 * ioas_dma_end() - every pointer since ioas_dma_begin() is dead
 * @dev: the device
 *
 * Return: nothing; cannot fail.
 *
 * Threads: the model's own calls.
 * Source: src/base/grace.h
 */
IOAS_API void ioas_dma_end(struct ioas_device *dev);

/**
 * ioas_dma_moved() - was memory moved while pointers to it were held?
 * @dev: the device, after ioas_dma_end()
 *
 * The program may give addresses back while they are mapped; the pages behind
 * them then move and stay the device's, and a pointer that the device holds
 * leads nowhere. To be asked when a store answered -EFAULT: begin again, ask
 * ioas_dma_segments() for the new pointers, and repeat the transfer as a whole.
 *
 * Return: true when something moved since ioas_dma_begin(); false when the
 * memory has really gone: ioas_dma_gone(). It cannot fail; it may wait for a
 * move to end.
 *
 * Threads: the model's own calls, outside of ioas_dma_begin() and
 * ioas_dma_end().
 * Source: src/space/move.h
 */
IOAS_API bool ioas_dma_moved(struct ioas_device *dev);

/**
 * ioas_dma_segments() - where a range of I/O addresses is in memory
 * @dev:     the device, between ioas_dma_begin() and ioas_dma_end()
 * @iova:    first I/O virtual address
 * @bytes:   how many, not 0
 * @perm:    IOAS_READ (the device reads) or IOAS_WRITE, or both
 * @segment: filled with the pieces in order; neighbours are joined, also with
 *           the segment before, *count - 1, when there is one
 * @count:   in: segments that are filled already; out: with the new ones
 * @max:     room in @segment
 * @issuer:  the command that asks, for the report
 *
 * The memory may go away while the pointers are held (the program may free
 * it): give them to ioas_store_read() and ioas_store_write(), which answer
 * -EFAULT then, and do not touch them otherwise. What to do then says
 * ioas_dma_moved().
 *
 * Return: 0, or
 *   -EFAULT  part of the range is not mapped for @perm, bus mastering is off,
 *            or the device is in no address space. Reported
 *   -E2BIG   more pieces than @max; nothing is reported, *count is unchanged
 *
 * Threads: the model's own calls; wait-free against map and unmap.
 * Source: PCI Express Base Specification 4.0, 2.3.2
 */
IOAS_API IOAS_MUST int ioas_dma_segments(struct ioas_device *dev, uint64_t iova,
                                         uint64_t bytes, unsigned int perm,
                                         struct ioas_segment *segment,
                                         unsigned int *count, unsigned int max,
                                         const struct ioas_issuer *issuer);

/**
 * ioas_dma_gone() - report memory that had gone when it was to be used
 * @dev:    the device
 * @iova:   first I/O virtual address of the transfer
 * @bytes:  of the transfer
 * @perm:   IOAS_READ or IOAS_WRITE, as the device would have done
 * @issuer: the command
 *
 * To be called when a store answered -EFAULT.
 *
 * Return: nothing; cannot fail.
 *
 * Threads: the model's own calls.
 * Source: none; ioas's own
 */
IOAS_API void ioas_dma_gone(struct ioas_device *dev, uint64_t iova,
                            uint64_t bytes, unsigned int perm,
                            const struct ioas_issuer *issuer);

/**
 * ioas_device_pasid() - whose addresses the device may use
 * @dev: the device
 *
 * A device that sends PASIDs is bound to the address space of the process that
 * opened it, as long as it is open.
 *
 * Return: the PASID that names it, or IOAS_NO_PASID: the device sends none;
 * cannot fail.
 *
 * Threads: the model's own calls.
 * Source: Linux 7.3, drivers/dma/idxd/cdev.c, idxd_cdev_open()
 */
IOAS_API uint32_t ioas_device_pasid(const struct ioas_device *dev);

/**
 * ioas_dma_request_page() - ask for a page before it is used
 * @dev:     the device
 * @request: which; not kept
 *
 * When the last one of a group came, its pages are brought in, and the model's
 * paged() is called, after the call that it is in now.
 *
 * Return: 0, or
 *   -EINVAL  perm is none, or has unknown bits
 *   -ENOENT  the PASID is not bound to the device, or it sends none
 *   -EBUSY   as many as the device may have are outstanding; ask again later
 *
 * Threads: the model's own calls, of store() and work().
 * Source: PCI Express Base Specification 4.0, 10.4.1 (page requests)
 */
IOAS_API IOAS_MUST int
ioas_dma_request_page(struct ioas_device *dev,
                      const struct ioas_page_request *request);

/**
 * ioas_device_interrupt() - raise an interrupt
 * @dev:    the device
 * @vector: MSI-X or MSI vector. One that is masked stays pending; one that
 *          is not there, or not switched on, is dropped
 *
 * Return: nothing; cannot fail.
 *
 * Threads: the model's own calls.
 * Source: PCI Local Bus Specification 3.0, 6.8
 */
IOAS_API void ioas_device_interrupt(struct ioas_device *dev,
                                    unsigned int vector);

/**
 * ioas_device_line() - drive the interrupt pin
 * @dev:   the device; its model has `intx`
 * @level: what the device asks for from now on: true asserts INTA
 *
 * The line is level triggered: keep it asserted until the program has seen to
 * the cause. While the program uses MSI or MSI-X the level is kept but reaches
 * nobody, so a model may drive the line and raise a vector always. A reset
 * deasserts it.
 *
 * Return: nothing; cannot fail.
 *
 * Threads: the model's own calls.
 * Source: PCI Local Bus Specification 3.0, 2.2.6 and 6.2.4
 */
IOAS_API void ioas_device_line(struct ioas_device *dev, bool level);

/**
 * ioas_device_config_set() - set bits of a register in configuration space
 * @dev:    the device
 * @offset: one of the registers of its struct ioas_function_desc; of another
 *          place nothing is set
 * @bits:   become 1; the others stay
 *
 * Return: nothing; cannot fail.
 *
 * Threads: the model's own calls.
 * Source: none; ioas's own
 */
IOAS_API void ioas_device_config_set(struct ioas_device *dev,
                                     unsigned int offset, uint32_t bits);

/**
 * ioas_store_open() - the file behind a device
 * @dev:       the device, for messages
 * @path:      a regular file or block device
 * @ret_store: the store; end it with ioas_store_close()
 *
 * The file is locked: no second device, in this run or another, gets it.
 *
 * Return: 0, or, each after ioas_device_fail():
 *   -ENOENT  no such file
 *   -EACCES  no permission, or the file system is read-only
 *   -EBUSY   locked; the text names the holder
 *   -EINVAL  neither a regular file nor a block device
 *   -EMFILE  no file descriptor left
 *   -ENOMEM  no memory
 *   -EIO     any other error of the system; the text names it
 *
 * Threads: only from create().
 * Source: none; ioas's own
 */
IOAS_API IOAS_MUST int ioas_store_open(struct ioas_device *dev,
                                       const char *path,
                                       struct ioas_store **ret_store);

/**
 * ioas_store_close() - end a store
 * @store: the store, or NULL
 *
 * Return: nothing; cannot fail. The file is unlocked.
 *
 * Threads: only from create() and destroy().
 * Source: none; ioas's own
 */
IOAS_API void ioas_store_close(struct ioas_store *store);

/**
 * ioas_store_size() - bytes in the store when it was opened
 * @store: the store
 *
 * Return: bytes; cannot fail.
 *
 * Threads: any.
 * Source: none; ioas's own
 */
IOAS_API uint64_t ioas_store_size(const struct ioas_store *store);

/**
 * ioas_store_read() - file to memory
 * @store:   the store
 * @segment: where to, in order
 * @count:   segments
 * @offset:  first byte in the store
 *
 * Return: 0, or
 *   -EFAULT  memory in @segment has gone
 *   -EIO     the medium failed, or the file is shorter than it was
 *
 * Threads: any. Blocks on the medium.
 * Source: preadv(2)
 */
IOAS_API IOAS_MUST int ioas_store_read(struct ioas_store *store,
                                       const struct ioas_segment *segment,
                                       unsigned int count, uint64_t offset);

/**
 * ioas_store_write() - memory to file
 * @store:   the store
 * @segment: where from, in order
 * @count:   segments
 * @offset:  first byte in the store
 *
 * The file does not grow. No signal is raised.
 *
 * Return: 0, or
 *   -EFAULT  memory in @segment has gone
 *   -ENOSPC  no room: disk, quota or file size limit
 *   -EIO     the medium failed, or the file is shorter than it was
 *
 * Threads: any. Blocks on the medium.
 * Source: pwritev(2)
 */
IOAS_API IOAS_MUST int ioas_store_write(struct ioas_store *store,
                                        const struct ioas_segment *segment,
                                        unsigned int count, uint64_t offset);

/**
 * ioas_store_zero() - make a range read as zeros
 * @store:   the store
 * @offset:  first byte
 * @bytes:   how many
 * @discard: give the room back to the file system when it can
 *
 * Return: 0, or
 *   -ENOSPC  no room
 *   -EIO     the medium failed, or the file is shorter than it was
 *
 * Threads: any. Blocks on the medium.
 * Source: fallocate(2)
 */
IOAS_API IOAS_MUST int ioas_store_zero(struct ioas_store *store,
                                       uint64_t offset, uint64_t bytes,
                                       bool discard);

/**
 * ioas_store_flush() - what was written is on the medium
 * @store: the store
 *
 * Return: 0, or
 *   -ENOSPC  no room after all
 *   -EIO     the medium failed
 *
 * Threads: any. Blocks on the medium.
 * Source: fdatasync(2)
 */
IOAS_API IOAS_MUST int ioas_store_flush(struct ioas_store *store);

#ifdef __cplusplus
}
#endif
#endif /* IOAS_DEVICE_H */
