/* SPDX-License-Identifier: MIT */
/*
 * The VFIO interface under a program that does anything: opens, closes, calls
 * with arguments that are well formed up to a point, at addresses that may be
 * bad, accesses to regions, DMA, memory that goes away, allocations that fail.
 *
 *	an ioctl   answers with a known errno or a value; writes inside of its
 *	           argument only, and not at all when it fails
 *	MAP        maps once or, failing, not at all
 *	UNMAP      says how many bytes it unmapped, or unmapped nothing
 *	DMA        succeeds only where something is mapped (SPACE-2)
 *	the end    when all is closed, nothing is left
 *
 * The input: two bytes for limits, then operations: a byte that says which,
 * and its arguments.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/unmap_ways.h"
#include "vfio_world.h"

#define OPS       400
#define ARGUMENT  512 /* bytes that an argument may have */
#define FILLER    0x5a
#define PLACE_MAX 8

/* ---- Values ---- */

static uint32_t take_u32(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	return b < 0xf0 ? b : (uint32_t)fuzz_take(in, 4);
}

static int32_t take_fd(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	if (b < 64)
		return (int32_t)b;
	return b < 0xf0 ? -(int32_t)(b - 63) : (int32_t)fuzz_take(in, 4);
}

static uint64_t take_iova(struct fuzz_input *in)
{
	static const uint64_t bases[] = {
		0,
		UINT64_C(1) << 20,
		0xfee00000 - 0x4000,
		(UINT64_C(1) << 48) - 0x8000,
	};
	unsigned int b = fuzz_byte(in);

	if (b >= 0xf0)
		return fuzz_take(in, 8);
	return bases[b >> 6] + (uint64_t)(b & 15) * fuzz_world.page_bytes +
	       (b & 16 ? 4 : 0);
}

static uint64_t take_size(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	if (b >= 0xf0)
		return fuzz_take(in, 8);
	return (uint64_t)(b & 31) * fuzz_world.page_bytes + (b & 64 ? 1 : 0);
}

static uint64_t take_uaddr(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	if (b >= 0xf0)
		return fuzz_take(in, 8);
	return (uintptr_t)fuzz_world.memory +
	       (uint64_t)(b & 63) * fuzz_world.page_bytes + (b & 64 ? 4 : 0);
}

static uint64_t take_position(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);
	uint64_t region = b % 10, offset = fuzz_take(in, 2);

	if (b >= 0xf0)
		return fuzz_take(in, 8);
	return region << IOAS_REGION_SHIFT | offset;
}

/* ---- Commands and what their arguments are made of ---- */

/*
 * Letters: a argsz, f flags, u 32 bits, x 64 bits, i IOVA, s size, v address
 * of the program, d descriptor, b byte, n name of a device, o position in a
 * device. No letters: the argument is a number.
 */
static const struct {
	unsigned long number;
	const char *fields;
} commands[] = {
	{VFIO_GET_API_VERSION, ""},
	{VFIO_CHECK_EXTENSION, ""},
	{VFIO_SET_IOMMU, ""},
	{VFIO_GROUP_GET_STATUS, "af"},
	{VFIO_GROUP_SET_CONTAINER, "d"},
	{VFIO_GROUP_UNSET_CONTAINER, ""},
	{VFIO_GROUP_GET_DEVICE_FD, "n"},
	{VFIO_DEVICE_GET_INFO, "afuuuu"},
	{VFIO_DEVICE_GET_REGION_INFO, "afuuxx"},
	{VFIO_DEVICE_GET_IRQ_INFO, "afuu"},
	{VFIO_DEVICE_SET_IRQS, "afuuudddd"},
	{VFIO_DEVICE_SET_IRQS, "afuuubbbbbbbb"},
	{VFIO_DEVICE_RESET, ""},
	{VFIO_DEVICE_FEATURE, "afdu"},
	{VFIO_IOMMU_GET_INFO, "afxuu"},
	{VFIO_IOMMU_MAP_DMA, "afvis"},
	{VFIO_IOMMU_UNMAP_DMA, "afis"},
	{VFIO_IOMMU_UNMAP_DMA, "afisxxv"},
	{VFIO_DEVICE_BIND_IOMMUFD, "afdx"},
	{VFIO_DEVICE_IOEVENTFD, "afoxdu"},
	{VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, "afuxx"},
	{VFIO_DEVICE_PCI_HOT_RESET, "afudd"},
	{VFIO_IOMMU_DIRTY_PAGES, "af"},
	{VFIO_IOMMU_DIRTY_PAGES, "afisssv"},
	{VFIO_IOMMU_UNMAP_DMA, "afisssv"},
};

struct argument {
	uint8_t bytes[ARGUMENT];
	unsigned int size;
	bool sized; /* begins with argsz */
};

static void put(struct argument *a, uint64_t value, unsigned int size)
{
	memcpy(a->bytes + a->size, &value, size);
	a->size += size;
}

static void put_name(struct argument *a, struct fuzz_input *in)
{
	static const char *const names[] = {"0000:01:00.0", "0000:02:00.0",
	                                    "0000:03:00.0", "0000:01:00.0 ",
	                                    "0000:01:00.0 vf_token=1"};
	unsigned int b = fuzz_byte(in);

	if (b < IOAS_ARRAY_SIZE(names)) {
		strcpy((char *)a->bytes, names[b]);
		a->size = (unsigned int)strlen(names[b]) + 1;
		return;
	}
	for (b &= 63; b--;)
		put(a, fuzz_byte(in), 1);
}

static void put_field(struct argument *a, char field, struct fuzz_input *in)
{
	switch (field) {
	case 'x':
		put(a, fuzz_take(in, 8), 8);
		break;
	case 'i':
		put(a, take_iova(in), 8);
		break;
	case 'o':
		put(a, take_position(in), 8);
		break;
	case 's':
		put(a, take_size(in), 8);
		break;
	case 'v':
		put(a, take_uaddr(in), 8);
		break;
	case 'd':
		put(a, (uint32_t)take_fd(in), 4);
		break;
	case 'f':
		put(a, fuzz_take(in, 4), 4);
		break;
	case 'b':
		put(a, fuzz_byte(in), 1);
		break;
	case 'n':
		put_name(a, in);
		break;
	default:
		put(a, take_u32(in), 4);
	}
}

/* ---- Where arguments and buffers are ---- */

/* In page 1; page 2 is behind it, whatever that is. */
static uint64_t take_place(struct fuzz_input *in, size_t bytes)
{
	uint64_t page = fuzz_world.page_bytes;
	uint64_t second = (uintptr_t)fuzz_world.memory + 2 * page;

	switch (fuzz_below(in, PLACE_MAX)) {
	case 0: /* ends with the page */
		return second - bytes;
	case 1: /* not quite */
		return second - bytes + 1;
	case 2:
		return (uintptr_t)fuzz_world.memory + FUZZ_PAGES * page;
	case 3:
		return 0;
	case 4:
		return 0 - fuzz_take(in, 1);
	default:
		return second - page + 64;
	}
}

/*
 * What is there before a call; compared after it. [first, end) of it may have
 * been written.
 */
struct guard {
	uint8_t before[64 + ARGUMENT];
	uint64_t at;
	size_t bytes;
	struct ioas_vfio_bitmap bitmap; /* may be filled, too */
};

static void guard_begin(struct guard *g, uint64_t at)
{
	g->bitmap.size = 0;
	uint64_t start = (uintptr_t)fuzz_world.memory;

	g->at = at - start < 64 ? at : at - 64;
	g->bytes = fuzz_reach(g->at, sizeof(g->before), false);
	if (g->bytes)
		memcpy(g->before, (void *)(uintptr_t)g->at, g->bytes);
}

static void guard_end(const struct guard *g, uint64_t first, uint64_t bytes)
{
	const uint8_t *now = (const uint8_t *)(uintptr_t)g->at;
	size_t i;

	for (i = 0; i < g->bytes; i++)
		fuzz_check(now[i] == g->before[i] ||
		           g->at + i - first < bytes ||
		           g->at + i - g->bitmap.data < g->bitmap.size);
}

/* ---- Operations ---- */

static bool is_version_1(const struct ioas_file *file)
{
	unsigned int fd;

	for (fd = 0; fd < FILES; fd++)
		if (world.file[fd] == file)
			return world.version[fd] == VFIO_TYPE1_IOMMU;
	return false;
}

static void note_version(const struct ioas_file *file, unsigned long version)
{
	unsigned int fd;

	for (fd = 0; fd < FILES; fd++)
		if (world.file[fd] == file)
			world.version[fd] = version;
}

static void check_errno(long ret)
{
	static const int known[] = {
		EINVAL,     EFAULT, ENOTTY, ENODEV, EBUSY,  EBADF,     EBADFD,
		EMFILE,     ENOMEM, EEXIST, ENOENT, ENOSPC, EOVERFLOW, EPERM,
		EOPNOTSUPP, ERANGE, ESPIPE, EIO,    EACCES,
	};
	unsigned int i;

	for (i = 0; ret < 0 && i < IOAS_ARRAY_SIZE(known); i++)
		if (ret == -known[i])
			return;
	fuzz_check(ret >= 0);
}

static struct ioas_file *take_file(struct fuzz_input *in)
{
	return world.file[fuzz_below(in, FILES)];
}

static void do_open(struct fuzz_input *in)
{
	unsigned int group = fuzz_below(in, GROUPS + 2);

	check_errno(group ? world_open_group(group) : world_open_container());
}

static void do_close(struct fuzz_input *in)
{
	world_close(fuzz_below(in, FILES));
}

/* Of a type1 call that got so far. */
static void check_mapping(unsigned long number, long ret,
                          const struct argument *a, uint64_t at)
{
	struct ioas_vfio_unmap unmap;

	if (ret < 0 && ret != -EFAULT)
		fuzz_check(!world.maps && !world.unmaps);
	fuzz_check(world.maps <= 1 && (!world.maps || !world.unmaps));
	if (number != VFIO_IOMMU_UNMAP_DMA || ret || a->size < sizeof(unmap))
		return;
	memcpy(&unmap, (void *)(uintptr_t)at, sizeof(unmap));
	if (!(unmap.flags & VFIO_DMA_UNMAP_FLAG_VADDR))
		fuzz_check(unmap.size == world.unmapped);
}

static long call(struct ioas_file *file, unsigned long number,
                 uint64_t argument)
{
	long ret;

	world.maps = world.unmaps = 0;
	world.unmapped = 0;
	world.in_unmap = number == VFIO_IOMMU_UNMAP_DMA &&
	                 ioas_file_kind(file) == IOAS_FILE_CONTAINER;
	ret = ioctl_both_ways(file, number, argument);
	world.in_unmap = false;
	check_errno(ret);
	if (number == VFIO_SET_IOMMU && !ret)
		note_version(file, argument);
	return ret;
}

/* What this call may unmap; a mapping that it cuts may go in version 1. */
static void allow_unmap(struct ioas_file *file, unsigned long number,
                        const struct argument *a, uint64_t at)
{
	struct ioas_vfio_unmap unmap;

	world.allowed = (struct iova_range){1, 0};
	if (number != VFIO_IOMMU_UNMAP_DMA ||
	    fuzz_reach(at, sizeof(unmap), false) < sizeof(unmap))
		return;
	memcpy(&unmap, (void *)(uintptr_t)at, sizeof(unmap));
	world.allowed.first = unmap.iova;
	world.allowed.last = unmap.iova + (unmap.size - 1);
	if (unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL)
		world.allowed.last = UINT64_MAX;
	world.allowed_cuts = is_version_1(file);
}

/* Both commands have the bitmap behind an IOVA and a size; it may be filled. */
static void allow_bitmap(struct guard *g, unsigned long number, uint64_t at)
{
	bool dirty = number == VFIO_IOMMU_DIRTY_PAGES ||
	             number == VFIO_IOMMU_UNMAP_DMA;
	const size_t before = 24;

	if (dirty && fuzz_reach(at, before + sizeof(g->bitmap), false) ==
	                     before + sizeof(g->bitmap))
		memcpy(&g->bitmap, (void *)(uintptr_t)(at + before),
		       sizeof(g->bitmap));
}

static void call_with(struct ioas_file *file, unsigned long number,
                      const struct argument *a, uint64_t at)
{
	bool is_container = ioas_file_kind(file) == IOAS_FILE_CONTAINER;
	uint32_t argsz = 0;
	struct guard guard;
	long ret;

	if (a->size && fuzz_reach(at, a->size, true) == a->size)
		memcpy((void *)(uintptr_t)at, a->bytes, a->size);
	/* What could not be put there is not what the call sees. */
	if (a->sized && fuzz_reach(at, 4, false) == 4)
		memcpy(&argsz, (void *)(uintptr_t)at, 4);
	guard_begin(&guard, at);
	allow_bitmap(&guard, number, at);
	allow_unmap(file, number, a, at);
	ret = call(file, number, at);
	/*
	 * A copy may break off half way, and a list without room for it says
	 * how long it is; no other failure writes.
	 */
	if (ret < 0 && ret != -EFAULT &&
	    !(ret == -ENOSPC && number == VFIO_DEVICE_GET_PCI_HOT_RESET_INFO))
		argsz = 0;
	guard_end(&guard, at, argsz);
	if (is_container)
		check_mapping(number, ret, a, at);
}

static void do_ioctl(struct fuzz_input *in)
{
	struct ioas_file *file = take_file(in);
	unsigned int row = fuzz_byte(in);
	unsigned long number = fuzz_take(in, row < 250 ? 0 : 4);
	const char *fields = "afxxxx";
	struct argument a = {.size = 0};

	if (row < 250) {
		row %= IOAS_ARRAY_SIZE(commands);
		number = commands[row].number;
		fields = commands[row].fields;
	}
	if (!file)
		return;
	if (!*fields) {
		call(file, number, take_u32(in));
		return;
	}
	a.sized = *fields == 'a';
	for (; *fields; fields++)
		put_field(&a, *fields, in);
	call_with(file, number, &a, take_place(in, a.size));
}

static void do_read(struct fuzz_input *in)
{
	struct ioas_file *file = take_file(in);
	uint64_t position = take_position(in), at;
	size_t bytes = take_u32(in);
	struct guard guard;
	ssize_t ret;

	at = take_place(in, bytes % ARGUMENT);
	if (!file)
		return;
	if (bytes == 0xffffffff)
		bytes = SIZE_MAX;
	guard_begin(&guard, at);
	ret = ioas_file_read(file, (struct uaddr){at}, bytes, position);
	check_errno(ret);
	fuzz_check(ret < 0 || (size_t)ret <= bytes);
	guard_end(&guard, at, ret < 0 ? bytes : (size_t)ret);
}

static void do_write(struct fuzz_input *in)
{
	struct ioas_file *file = take_file(in);
	uint64_t position = take_position(in), value = fuzz_take(in, 8), at;
	size_t bytes = take_u32(in);
	struct guard guard;
	ssize_t ret;

	at = take_place(in, bytes % ARGUMENT);
	if (!file)
		return;
	if (fuzz_reach(at, 8, true) == 8)
		memcpy((void *)(uintptr_t)at, &value, 8);
	guard_begin(&guard, at);
	ret = ioas_file_write(file, (struct uaddr){at}, bytes, position);
	check_errno(ret);
	fuzz_check(ret < 0 || (size_t)ret <= bytes);
	if (!world.areas)
		guard_end(&guard, at, 0);
}

static void do_mmap(struct fuzz_input *in)
{
	struct ioas_file *file = take_file(in);
	uint64_t position = take_position(in) & ~UINT64_C(0xfff);
	uint64_t bytes = take_size(in);
	int prot = (int)fuzz_byte(in), flags = (int)take_u32(in);
	struct ioas_bar_window w = {.bytes = 0};
	uint64_t bar;
	int ret;

	if (!file)
		return;
	ret = ioas_file_mmap(file, bytes, prot, flags, position, &w);
	check_errno(ret);
	if (ret)
		return;
	bar = ioas_device_bar_size(ioas_file_device(file), w.bar);
	fuzz_check(w.bytes >= bytes && w.bytes - bytes < fuzz_world.page_bytes);
	fuzz_check(w.offset < bar && w.bytes <= bar - w.offset);
	fuzz_check(!((w.offset | w.bytes) & (fuzz_world.page_bytes - 1)));
	fuzz_check(!(prot & PROT_EXEC));
}

/* Through a register of the device: see device_store(). */
static void do_dma(struct fuzz_input *in)
{
	struct ioas_file *file = take_file(in);
	unsigned int how = fuzz_below(in, 3);
	uint64_t iova = take_iova(in), bytes = 8, at;
	uint16_t command;

	at = (uintptr_t)fuzz_world.memory;
	if (!file || ioas_file_kind(file) != IOAS_FILE_DEVICE ||
	    fuzz_reach(at, 8, true) < 8)
		return;
	if (how == 2)
		bytes = iova % sizeof(world.dma_buffer);
	ioas_device_config_read(ioas_file_device(file), 4, &command, 2);
	memcpy(fuzz_world.memory, &iova, 8);
	world.dma_result = -EFAULT;
	ioas_file_write(file, (struct uaddr){at}, 8,
	                (UINT64_C(2) << IOAS_REGION_SHIFT) + 8 * how);
	if (!world.dma_result && bytes)
		fuzz_check((command & 4) &&
		           world_is_mapped(iova, bytes,
		                           how == 1 ? IOAS_WRITE : IOAS_READ));
}

static void do_protect(struct fuzz_input *in)
{
	unsigned int page = fuzz_below(in, FUZZ_PAGES);

	fuzz_protect(page, (enum fuzz_page)fuzz_below(in, 3));
}

static void do_fail(struct fuzz_input *in)
{
	static const int answers[] = {0, -EMFILE, -EBUSY, -ENOMEM, -EIO};
	unsigned int b = fuzz_byte(in);
	int answer = answers[(b >> 2) % IOAS_ARRAY_SIZE(answers)];

	if (b % 4 == 0)
		fuzz_world.fail_in = b >> 2;
	else if (b % 4 == 1)
		world.install_says = answer;
	else if (b % 4 == 2)
		world.claim_says = answer;
	else
		world.create_says = answer;
}

static void do_look(struct fuzz_input *in)
{
	struct ioas_file *file = take_file(in);
	char text[200];

	memset(text, FILLER, sizeof(text));
	ioas_vfio_stats(world.vfio, text, fuzz_below(in, sizeof(text)) + 1);
	ioas_vfio_tell_live(world.vfio);
	if (!file)
		return;
	fuzz_check(*ioas_file_name(file));
	check_errno(ioas_file_seek(file, 0, SEEK_SET));
}

/* What a program does first, so that inputs need not spell it out. */
static void do_attach(struct fuzz_input *in)
{
	static const char *const names[] = {"0000:01:00.0", "0000:02:00.0",
	                                    "0000:03:00.0"};
	unsigned int b = fuzz_byte(in), group = (b & 63) % GROUPS;
	char *memory = fuzz_world.memory + fuzz_world.page_bytes;
	long container = world_open_container();
	long fd = world_open_group(group + 1);
	const uint16_t command = 6;

	if (container < 0 || fd < 0 ||
	    fuzz_reach((uintptr_t)memory, 32, true) < 32)
		return;
	memcpy(memory, &(int32_t){(int32_t)container}, 4);
	call(world.file[fd], VFIO_GROUP_SET_CONTAINER, (uintptr_t)memory);
	call(world.file[container], VFIO_SET_IOMMU, b & 64 ? 1 : 3);
	strcpy(memory, names[group]);
	fd = call(world.file[fd], VFIO_GROUP_GET_DEVICE_FD, (uintptr_t)memory);
	if (fd < 0 || b & 128)
		return;
	memcpy(memory, &command, 2);
	ioas_file_write(world.file[fd], (struct uaddr){(uintptr_t)memory}, 2,
	                (UINT64_C(7) << IOAS_REGION_SHIFT) + 4);
}

/* The eventfd behind a watcher may be raised at any time. */
static void do_raise(struct fuzz_input *in)
{
	world_raise(fuzz_below(in, EVENTS));
}

static void (*const operations[])(struct fuzz_input *in) = {
	do_open,    do_close, do_ioctl, do_ioctl,  do_ioctl,
	do_ioctl,   do_read,  do_write, do_mmap,   do_dma,
	do_protect, do_fail,  do_look,  do_attach, do_raise,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	unsigned int i, b;

	fuzz_begin();
	b = fuzz_byte(&in);
	i = fuzz_byte(&in) % ENTRY_LIMIT;
	world_begin(b ? b : UINT64_MAX, i ? i : ENTRY_LIMIT);
	for (i = 0; i < OPS && in.left; i++)
		operations[fuzz_below(&in, IOAS_ARRAY_SIZE(operations))](&in);
	world_end();
	fuzz_end();
	return 0;
}
