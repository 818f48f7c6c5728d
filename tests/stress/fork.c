/* SPDX-License-Identifier: MIT */
/*
 * A program that embeds libioas forks while its threads register, translate and
 * unregister: whatever they were inside of, the child has a registry of its own
 * that works, and nothing of the parent's.
 *
 * fork [TIMES]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ioas/mem.h>

#define THREADS 3
#define PAGES   64
#define RW      (IOAS_READ | IOAS_WRITE)
#define PATIENT 20 /* seconds that a child may take */

static struct {
	struct ioas_registry *registry;
	uint64_t bytes; /* of a range */
	bool stop;
} f;

static void must(const char *what, int rc)
{
	if (!rc)
		return;
	printf("%s: %d\n", what, rc);
	_exit(1);
}

static uint64_t some_memory(void)
{
	void *p = mmap(NULL, f.bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must("memory", p == MAP_FAILED);
	return (uintptr_t)p;
}

/* Once in and out; what is between is translated. */
static void use(struct ioas_registry *registry, struct ioas_holder *holder,
                uint64_t start)
{
	struct ioas_register in = {
		.start = start, .length = f.bytes, .perm = RW};
	struct ioas_unregister out = {.start = start, .length = f.bytes};

	must("register", ioas_holder_register(holder, &in, NULL));
	ioas_mem_enter();
	must("translate",
	     ioas_registry_translate(registry, start + 5, RW) != start + 5);
	ioas_mem_leave();
	must("unregister", ioas_holder_unregister(holder, &out));
}

static void *hammer(void *arg)
{
	uint64_t start = some_memory();
	struct ioas_holder *holder;

	(void)arg;
	must("holder", ioas_holder_create(f.registry, &holder));
	while (!__atomic_load_n(&f.stop, __ATOMIC_RELAXED))
		use(f.registry, holder, start);
	ioas_holder_destroy(holder);
	return NULL;
}

static _Noreturn void child(void)
{
	struct ioas_registry *registry;
	struct ioas_holder *holder;
	uint64_t start = some_memory();
	int i;

	alarm(PATIENT);
	must("registry", ioas_registry_create(NULL, &registry));
	must("holder", ioas_holder_create(registry, &holder));
	for (i = 0; i < 300; i++)
		use(registry, holder, start);
	must("settle", ioas_registry_settle(registry) != 0);
	ioas_holder_destroy(holder);
	ioas_registry_destroy(registry, NULL);
	_exit(0);
}

/* Return: what the child ended with; 0 is good. */
static int forked(void)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid)
		child();
	must("wait", waitpid(pid, &status, 0) != pid);
	return status;
}

int main(int argc, char **argv)
{
	int times = argc > 1 ? atoi(argv[1]) : 100, i, status = 0;
	pthread_t thread[THREADS];

	ioas_begin();
	f.bytes = PAGES * (uint64_t)sysconf(_SC_PAGESIZE);
	must("registry", ioas_registry_create(NULL, &f.registry));
	for (i = 0; i < THREADS; i++)
		must("thread", pthread_create(&thread[i], NULL, hammer, NULL));
	for (i = 0; i < times && !status; i++)
		status = forked();
	__atomic_store_n(&f.stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	ioas_registry_destroy(f.registry, NULL);
	if (status) {
		printf("child %d: status 0x%x\n", i, (unsigned int)status);
		return 1;
	}
	puts("[  PASSED  ] 1 test(s).");
	return 0;
}
