/* SPDX-License-Identifier: MIT */
/*
 * A device that works on the program's own addresses: the "edu" device with
 * pasid= and pri=. Nothing is mapped for it, in any of these cases.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "../preload/client.h"

#define EDU_BYTES   0x100000
#define SOURCE      0x80
#define DESTINATION 0x88
#define COUNT       0x90
#define COMMAND     0x98
#define PASID       0xa0
#define OWN_PASID   0xa8
#define PAGES       0xb0
#define BUFFER      0x40000ull

#define START     1
#define TO_MEMORY 2
#define ASK       8

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

static struct vfio v;
static volatile uint8_t *bar;

static void begin(void)
{
	uint16_t command;

	vfio_open(&v);
	CHECK(pread(v.device, &command, 2, CONFIG + 4) == 2);
	command |= 4;
	CHECK(pwrite(v.device, &command, 2, CONFIG + 4) == 2);
	bar = map_bar(&v, PROT_READ | PROT_WRITE, EDU_BYTES);
	CHECK(get(bar, OWN_PASID) != 0);
	put(bar, PASID, get(bar, OWN_PASID));
}

static void move(uint64_t from, uint64_t to, size_t bytes, uint64_t command)
{
	put(bar, SOURCE, from);
	put(bar, DESTINATION, to);
	put(bar, COUNT, bytes);
	put(bar, COMMAND, command);
}

static void load(const void *from, size_t bytes)
{
	move((uintptr_t)from, BUFFER, bytes, START);
}

static void store(void *to, size_t bytes)
{
	move(BUFFER, (uintptr_t)to, bytes, START | TO_MEMORY);
}

static void it_copies_between_buffers_of_malloc(void)
{
	char *from = malloc(4000), *to = calloc(4000, 1), local[100];

	begin();
	memset(from, 'x', 4000);
	load(from, 4000);
	store(to, 4000);
	CHECK(!memcmp(from, to, 4000));
	store(local, sizeof(local));
	CHECK(!memcmp(from, local, sizeof(local)));
	free(from);
	free(to);
}

static void *new_page(int prot)
{
	void *p = mmap(NULL, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void it_does_what_the_program_may(void)
{
	char *p = new_page(PROT_READ | PROT_WRITE), byte = 'b';

	begin();
	load(&byte, 1);
	store(p, 1);
	CHECK(*p == 'b');
	CHECK(!mprotect(p, PAGE, PROT_READ));
	byte = 'c';
	load(&byte, 1);
	store(p, 1);
	CHECK(*p == 'b');
	CHECK(!mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	store(p, 1);
	CHECK(*p == 'c');
}

/* Memory that is given back is not the device's any more, nor is the next. */
static void memory_given_back_is_not_touched(void)
{
	char *p = new_page(PROT_READ | PROT_WRITE), byte = 'b';

	begin();
	load(&byte, 1);
	CHECK(!munmap(p, PAGE));
	store(p, 1);
	CHECK(mmap(p, PAGE, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	CHECK(*p == 0);
	store(p, 1);
	CHECK(*p == 'b');
	CHECK(!madvise(p, PAGE, MADV_DONTNEED));
	CHECK(*p == 0);
}

/* The heap with a page more, which is the last one. */
static char *grow_heap(void)
{
	char *end = sbrk(0);
	char *at = (char *)(((uintptr_t)end + PAGE - 1) & ~(PAGE - 1));

	CHECK(sbrk(at - end + (intptr_t)PAGE) == end);
	return at;
}

static void a_heap_that_shrinks_is_not_touched(void)
{
	char byte = 'b', *p;

	begin();
	load(&byte, 1);
	p = grow_heap();
	store(p, 1);
	CHECK(*p == 'b');
	CHECK(sbrk(-(intptr_t)PAGE) == p + PAGE);
	store(p, 1);
	CHECK(sbrk((intptr_t)PAGE) == p);
	CHECK(*p == 0);
	store(p, 1);
	CHECK(*p == 'b');
	CHECK(!brk(p));
	store(p, 1);
	CHECK(!brk(p + PAGE));
	CHECK(*p == 0);
}

static char *shared_page(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600);
	char *p;

	CHECK(id >= 0);
	p = shmat(id, NULL, 0);
	CHECK(p != (void *)-1);
	CHECK(!shmctl(id, IPC_RMID, NULL));
	return p;
}

static void a_segment_that_goes_is_not_touched(void)
{
	char *p = shared_page(), byte = 'b';

	begin();
	load(&byte, 1);
	store(p, 1);
	CHECK(*p == 'b');
	CHECK(!shmdt(p));
	store(p, 1);
	CHECK(mmap(p, PAGE, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	CHECK(*p == 0);
}

/* ---- What a device has begun ---- */

static int faults; /* a userfaultfd */

static void skip(const char *why)
{
	printf("skipped: %s\ndone\n", why);
	exit(0);
}

/* A page that whoever touches it waits for; see fill(). */
static char *absent_page(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	char *p = new_page(PROT_READ | PROT_WRITE);
	struct uffdio_register whole = {
		.range = {(uintptr_t)p, PAGE},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	faults = (int)syscall(SYS_userfaultfd, 1 /* of this process alone */);
	if (faults < 0)
		skip("no userfaultfd");
	CHECK(!ioctl(faults, UFFDIO_API, &api));
	CHECK(!ioctl(faults, UFFDIO_REGISTER, &whole));
	return p;
}

static void fill(char *p)
{
	static char bytes[65536];
	struct uffdio_copy copy = {(uintptr_t)p, (uintptr_t)bytes, PAGE};

	CHECK(!ioctl(faults, UFFDIO_COPY, &copy));
}

static void *load_page(void *p)
{
	load(p, PAGE);
	return NULL;
}

static void (*give_back)(char *p);
static volatile int given_back;

static void *give(void *p)
{
	give_back(p);
	given_back = 1;
	return NULL;
}

/*
 * A device is in the midst of a page. What takes other memory away returns
 * when it has ended: it could be in that memory as well.
 */
static void waits_for_what_has_begun(void (*how)(char *p), char *p)
{
	char *absent = absent_page();
	struct uffd_msg fault;
	pthread_t device, giver;

	begin();
	CHECK(!pthread_create(&device, NULL, load_page, absent));
	CHECK(read(faults, &fault, sizeof(fault)) == sizeof(fault));
	CHECK(fault.event == UFFD_EVENT_PAGEFAULT);
	give_back = how;
	CHECK(!pthread_create(&giver, NULL, give, p));
	usleep(300000);
	CHECK(!given_back);
	fill(absent);
	CHECK(!pthread_join(giver, NULL) && !pthread_join(device, NULL));
	CHECK(given_back);
}

static void by_munmap(char *p)
{
	CHECK(!munmap(p, PAGE));
}

/* Not before: whoever allocates meanwhile would have what is behind it. */
static void by_sbrk(char *p)
{
	p = grow_heap();
	CHECK(sbrk(-(intptr_t)PAGE) == p + PAGE);
}

static void by_brk(char *p)
{
	p = grow_heap();
	CHECK(!brk(p));
}

static void by_shmdt(char *p)
{
	CHECK(!shmdt(p));
}

static void by_shmat(char *p)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600);

	CHECK(id >= 0);
	CHECK(shmat(id, p, SHM_REMAP) == p);
	CHECK(!shmctl(id, IPC_RMID, NULL));
	CHECK(!*p);
}

/* A page of a file in memory, with descriptor and path. */
static int file;
static char path[64];

static char *file_page(void)
{
	char *p;

	CHECK((file = memfd_create("page", 0)) >= 0);
	CHECK(!ftruncate(file, PAGE));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(p != MAP_FAILED);
	*p = 'f';
	return p;
}

static void by_ftruncate(char *p)
{
	CHECK(!ftruncate(file, 0));
}

static void by_truncate(char *p)
{
	CHECK(!truncate(path, 0));
}

static void by_fallocate(char *p)
{
	CHECK(!fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	                 PAGE));
	CHECK(!*p);
}

static long drop(char *p)
{
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct iovec part = {p, PAGE};
	long dropped;

	CHECK(self >= 0);
	dropped = process_madvise(self, &part, 1, MADV_DONTNEED, 0);
	close(self);
	return dropped;
}

static void by_process_madvise(char *p)
{
	CHECK(drop(p) == (long)PAGE);
}

static void munmap_waits_for_what_has_begun(void)
{
	waits_for_what_has_begun(by_munmap, new_page(PROT_READ));
}

static void sbrk_waits_for_what_has_begun(void)
{
	waits_for_what_has_begun(by_sbrk, NULL);
}

static void brk_waits_for_what_has_begun(void)
{
	waits_for_what_has_begun(by_brk, NULL);
}

static void shmdt_waits_for_what_has_begun(void)
{
	waits_for_what_has_begun(by_shmdt, shared_page());
}

static void shmat_waits_for_what_has_begun(void)
{
	waits_for_what_has_begun(by_shmat, new_page(PROT_READ | PROT_WRITE));
}

static void ftruncate_waits_for_what_has_begun(void)
{
	waits_for_what_has_begun(by_ftruncate, file_page());
}

static void truncate_waits_for_what_has_begun(void)
{
	waits_for_what_has_begun(by_truncate, file_page());
}

static void fallocate_waits_for_what_has_begun(void)
{
	waits_for_what_has_begun(by_fallocate, file_page());
}

static void process_madvise_waits_for_what_has_begun(void)
{
	char *p = new_page(PROT_READ | PROT_WRITE);

	/* Linux before 6.13 */
	if (drop(p) < 0)
		skip("process_madvise takes nothing away");
	waits_for_what_has_begun(by_process_madvise, p);
}

static void pages_are_asked_for(void)
{
	char *p = new_page(PROT_READ), byte = 'b';

	begin();
	load(&byte, 1);
	move(BUFFER, (uintptr_t)p, 1, START | TO_MEMORY | ASK);
	CHECK(get(bar, PAGES) == 1 && *p == 0);
	CHECK(!mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	move(BUFFER, (uintptr_t)p, 1, START | TO_MEMORY | ASK);
	CHECK(get(bar, PAGES) == 0 && *p == 'b');
}

static void child_opens(void)
{
	char *p = malloc(10), byte = 'c';

	begin();
	load(&byte, 1);
	store(p, 1);
	CHECK(*p == 'c');
}

/* The child's device is its own, for its own addresses. */
static void a_child_is_another_address_space(void)
{
	char byte = 'b';

	begin();
	load(&byte, 1);
	CHECK(!munmap((void *)(uintptr_t)bar, EDU_BYTES));
	CHECK(!close(v.device) && !close(v.group) && !close(v.container));
	CHECK(run_child(child_opens) == 0);
	CHECK(byte == 'b');
}

static volatile int stop;
static char *volatile page;

/* It comes and goes, and is something else each time. */
static void *change(void *arg)
{
	unsigned int i;

	for (i = 0; i < 2000; i++) {
		char *p = page;

		CHECK(!mprotect(p, PAGE, PROT_READ));
		CHECK(!munmap(p, PAGE));
		CHECK(mmap(p, PAGE, PROT_READ | PROT_WRITE,
		           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		           0) == p);
	}
	stop = 1;
	return NULL;
}

static void memory_changes_while_the_device_works(void)
{
	pthread_t thread;
	char bytes[64];

	begin();
	page = new_page(PROT_READ | PROT_WRITE);
	memset(bytes, 'x', sizeof(bytes));
	load(bytes, sizeof(bytes));
	CHECK(!pthread_create(&thread, NULL, change, NULL));
	while (!stop)
		store(page, sizeof(bytes));
	CHECK(!pthread_join(thread, NULL));
	store(page, sizeof(bytes));
	CHECK(!memcmp(page, bytes, sizeof(bytes)));
}

static void a_pasid_of_nobodys(void)
{
	char byte = 'b';

	begin();
	put(bar, PASID, 77);
	load(&byte, 1);
}

static void capabilities_as_vfio_has_them(void)
{
	uint32_t at = 0x100, header;

	vfio_open(&v);
	do {
		CHECK(pread(v.device, &header, 4, CONFIG + at) == 4);
		at = header >> 20;
		printf("0x%x%c", header & 0xffff, at ? ' ' : '\n');
	} while (at);
}

static const struct client_case cases[] = {
	CASE(it_copies_between_buffers_of_malloc),
	CASE(it_does_what_the_program_may),
	CASE(memory_given_back_is_not_touched),
	CASE(a_heap_that_shrinks_is_not_touched),
	CASE(a_segment_that_goes_is_not_touched),
	CASE(munmap_waits_for_what_has_begun),
	CASE(sbrk_waits_for_what_has_begun),
	CASE(brk_waits_for_what_has_begun),
	CASE(shmdt_waits_for_what_has_begun),
	CASE(shmat_waits_for_what_has_begun),
	CASE(ftruncate_waits_for_what_has_begun),
	CASE(truncate_waits_for_what_has_begun),
	CASE(fallocate_waits_for_what_has_begun),
	CASE(process_madvise_waits_for_what_has_begun),
	CASE(pages_are_asked_for),
	CASE(a_child_is_another_address_space),
	CASE(memory_changes_while_the_device_works),
	/* For tests of their own. */
	{"a_pasid_of_nobodys", a_pasid_of_nobodys},
	{"capabilities_as_vfio_has_them", capabilities_as_vfio_has_them},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
