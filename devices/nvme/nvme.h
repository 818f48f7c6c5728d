/* SPDX-License-Identifier: MIT */
/*
 * An NVM Express controller. The blocks of each namespace are a file.
 *
 *	setup.c      options: files, block sizes, serial number; the model
 *	controller.c registers, enable, resets, shutdown
 *	queue.c      doorbells, fetch of commands, completions, interrupts
 *	arbiter.c    which queue is next
 *	admin.c      admin commands about queues; Abort
 *	event.c      asynchronous events
 *	identify.c   Identify
 *	feature.c    Set Features, Get Features
 *	log.c        Get Log Page, and what the logs say
 *	format.c     Format NVM
 *	io.c         commands that move blocks
 *	media.c      the other commands of a namespace
 *	mark.c       blocks marked as not readable
 *	data.c       a command's data: pieces of memory, put and take
 *	prp.c        pieces from PRP entries
 *	sgl.c        pieces from SGL descriptors
 *
 * A doorbell is served at once, on the thread that stores it, until its queue
 * is empty or the completion queue is full. So nothing is ever half done
 * between two calls of the model, and a reset finds no command in flight but
 * Asynchronous Event Requests.
 *
 * What a Format or a Write Uncorrectable changed about a namespace (the block
 * size, blocks that cannot be read) is state of the device and not of its
 * file: it lasts as long as the device.
 *
 * Source: NVM Express Base Specification 1.4; sections are given where they
 * matter.
 */
#ifndef IOAS_NVME_H
#define IOAS_NVME_H

#include <ioas/device.h>

/* Registers, 3.1 */
enum nvme_register {
	NVME_CAP = 0x00,
	NVME_VS = 0x08,
	NVME_INTMS = 0x0c,
	NVME_INTMC = 0x10,
	NVME_CC = 0x14,
	NVME_CSTS = 0x1c,
	NVME_NSSR = 0x20,
	NVME_AQA = 0x24,
	NVME_ASQ = 0x28,
	NVME_ACQ = 0x30,
	NVME_REGISTERS_END = 0x38,
	NVME_DOORBELLS = 0x1000,
};

enum nvme_csts {
	NVME_CSTS_RDY = 1 << 0,
	NVME_CSTS_CFS = 1 << 1,
	NVME_CSTS_SHST = 3 << 2,
	NVME_CSTS_SHST_COMPLETE = 2 << 2,
	NVME_CSTS_NSSRO = 1 << 4,
};

/* Fields of CC that more than one file looks at */
#define NVME_CC_AMS 0x3800u
#define NVME_CC_WRR 0x0800u /* AMS: weighted round robin with urgent class */

/* What this controller is like. */
#define NVME_VERSION       0x00010400u
#define NVME_QUEUES        65   /* of each kind; number 0 is admin */
#define NVME_IO_ENTRIES    1024 /* CAP.MQES + 1 */
#define NVME_PAGE_LG2_MIN  12   /* CAP.MPSMIN */
#define NVME_PAGE_LG2_MAX  16   /* CAP.MPSMAX */
#define NVME_SQE_LG2       6
#define NVME_CQE_LG2       4
#define NVME_BLOCK_LG2_MIN 9  /* LBA format 0 */
#define NVME_BLOCK_LG2_MAX 12 /* LBA format 1 */
#define NVME_MDTS          7  /* in units of the smallest page, lg2 */
#define NVME_TRANSFER_MAX  (1u << (NVME_MDTS + NVME_PAGE_LG2_MIN))
#define NVME_NAMESPACES    4 /* at most */
#define NVME_NSID_ALL      0xffffffffu
#define NVME_EVENTS        4    /* Asynchronous Event Requests held */
#define NVME_LOG_ENTRIES   16   /* of the error log */
#define NVME_IDENTIFY      4096 /* bytes of an Identify structure, 5.15 */
#define NVME_FIRMWARE      "1.0     "
#define NVME_FEATURE_SLOTS 16
#define NVME_KELVIN        298 /* there is no sensor: a room's temperature */
#define NVME_KELVIN_WARM   343 /* WCTEMP, the default of the threshold */
#define NVME_KELVIN_HOT    373 /* CCTEMP */
#define NVME_MARKS         256 /* runs of unreadable blocks, a namespace */

/*
 * A PRP list has at most 129 entries, for the first piece may begin inside its
 * page; an SGL is refused when it has more descriptors than this.
 */
#define NVME_PIECES 512u
/*
 * Pieces of program memory that make up a transfer. The smallest page that an
 * IOMMU translates has 2 KiB, so this is always enough. And it is less than
 * IOV_MAX (1024), so that a transfer is one system call of the store: a block
 * is written whole or not at all, whenever the process is killed.
 */
#define NVME_SEGMENTS (NVME_PIECES + NVME_TRANSFER_MAX / 2048 + 8)

/*
 * Status of a command: the field of the completion entry without its phase
 * bit, 4.6.1. Bit 14, do not retry, is set where trying again cannot help.
 */
enum nvme_status {
	NVME_SUCCESS = 0x0000,
	NVME_INVALID_OPCODE = 0x4001,
	NVME_INVALID_FIELD = 0x4002,
	NVME_DATA_TRANSFER = 0x0004,
	NVME_INTERNAL = 0x0006,
	NVME_ABORT_REQUESTED = 0x0007,
	NVME_INVALID_NAMESPACE = 0x400b,
	NVME_SEQUENCE = 0x400c,
	NVME_SGL_SEGMENT = 0x400d,
	NVME_SGL_COUNT = 0x400e,
	NVME_SGL_LENGTH = 0x400f,
	NVME_SGL_TYPE = 0x4011,
	NVME_PRP_OFFSET = 0x4013,
	NVME_LBA_RANGE = 0x4080,
	NVME_CQ_INVALID = 0x4100,
	NVME_QUEUE_ID = 0x4101,
	NVME_QUEUE_SIZE = 0x4102,
	NVME_EVENT_LIMIT = 0x4105,
	NVME_VECTOR = 0x4108,
	NVME_LOG_PAGE = 0x4109,
	NVME_INVALID_FORMAT = 0x410a,
	NVME_QUEUE_DELETION = 0x410c,
	NVME_NOT_SAVEABLE = 0x410d,
	NVME_NOT_PER_NAMESPACE = 0x410f,
	NVME_WRITE_FAULT = 0x0280,
	NVME_READ_ERROR = 0x0281,
	NVME_COMPARE_FAILURE = 0x0285,
	NVME_MORE = 0x2000, /* the error log has an entry about it */
};

/* Some of the queues. */
struct nvme_set {
	uint64_t word[(NVME_QUEUES + 63) / 64];
};

struct nvme_sq {
	uint64_t base;
	uint32_t entries; /* 0: the queue is not there */
	uint32_t head, tail;
	uint16_t cq;
	uint8_t priority; /* QPRIO: 0 is urgent */
};

struct nvme_cq {
	uint64_t base;
	uint32_t entries; /* 0: the queue is not there */
	uint32_t head, tail;
	uint16_t vector;
	uint16_t users; /* submission queues that complete here */
	bool phase;     /* of the next entry */
	bool interrupts;
	bool held; /* full: its submission queues wait for room */
};

#define NVME_CLASSES 4 /* of priority; round robin has one */

/* Which queue was last, and how often it may be the next in a row. 4.13 */
struct nvme_arbiter {
	struct {
		struct nvme_set members;
		unsigned int last, burst;
		unsigned int credit; /* commands left in this round */
	} class[NVME_CLASSES];
};

/* A command while it runs. */
struct nvme_request {
	uint8_t sqe[1 << NVME_SQE_LG2];
	uint16_t cid;
	uint32_t result;           /* dword 0 of the completion */
	bool held;                 /* no completion: it waits for an event */
	struct nvme_namespace *ns; /* for commands of one namespace */
	struct ioas_issuer issuer;
};

/* A part of the data. */
struct nvme_piece {
	uint64_t iova;
	uint32_t bytes;
	bool bucket; /* there is no memory: the bytes are dropped */
};

struct nvme_error {
	uint64_t count; /* 0: no entry */
	uint64_t lba;
	uint32_t nsid;
	uint16_t queue, cid, status;
};

/* Numbers for the health log. They outlive every reset. */
struct nvme_health {
	uint64_t read_commands, write_commands;
	uint64_t read_blocks, written_blocks;
	uint64_t media_errors, errors;
};

/* Blocks of a namespace. */
struct nvme_extent {
	uint64_t first, count;
};

struct nvme_namespace {
	struct ioas_store *store; /* NULL: the namespace is not active */
	uint64_t blocks;
	unsigned int block_lg2;
	bool changed; /* since the log about that was read */
	uint32_t error_recovery;
	unsigned int marks;
	struct nvme_extent mark[NVME_MARKS];
};

struct nvme {
	struct ioas_device *dev;
	struct nvme_namespace ns[NVME_NAMESPACES]; /* NSID 1 is ns[0] */
	unsigned int namespaces;                   /* the highest NSID */
	char serial[21];

	uint32_t reg[NVME_REGISTERS_END / 4];
	unsigned int page_lg2; /* since enabled */
	struct nvme_sq sq[NVME_QUEUES];
	struct nvme_cq cq[NVME_QUEUES];
	struct nvme_arbiter arbiter;
	struct nvme_set ready;  /* SQs with commands, whose CQ has room */
	struct nvme_set posted; /* CQs, since their last interrupt */
	struct nvme_set unread; /* CQs that raise interrupts, not yet read */
	bool line;              /* the interrupt pin */

	uint16_t event_request[NVME_EVENTS]; /* identifiers of those held */
	unsigned int event_requests;
	unsigned int pending; /* events, a bit each */
	unsigned int masked;  /* types of event, a bit each */
	uint8_t warnings;     /* critical ones that were reported */

	uint32_t feature[NVME_FEATURE_SLOTS];
	bool no_coalescing[NVME_QUEUES]; /* per interrupt vector */

	struct nvme_health health;
	struct nvme_error error[NVME_LOG_ENTRIES]; /* newest: errors - 1 */

	/* Of the command that runs. */
	struct nvme_piece piece[NVME_PIECES];
	unsigned int pieces;
	uint8_t list[4096]; /* part of a PRP list or of an SGL */
	struct ioas_segment segment[NVME_SEGMENTS];
	uint8_t page[NVME_IDENTIFY]; /* what it sends, or was sent */
	uint8_t scratch[4096];       /* blocks nobody else wants */
};

/* Which NSIDs a command takes. */
enum nvme_scope {
	NVME_ANY,        /* not used, or the command looks itself */
	NVME_ONE,        /* an active namespace */
	NVME_ONE_OR_ALL, /* or all; then req->ns is NULL */
};

/* Effects, as the log page of commands says them, 5.14.1.5 */
#define NVME_EFFECT_RUNS     (1u << 0)  /* CSUPP */
#define NVME_EFFECT_CONTENT  (1u << 1)  /* LBCC */
#define NVME_EFFECT_CHANGES  (1u << 2)  /* NCC: capabilities of a namespace */
#define NVME_EFFECT_ALONE_NS (1u << 16) /* CSE: no other command beside it */

/* A row of a command table; the last has no name. */
struct nvme_command {
	uint8_t opcode;
	uint8_t scope;    /* enum nvme_scope */
	uint32_t effects; /* besides that it is there */
	const char *name;
	uint16_t (*run)(struct nvme *n, struct nvme_request *req);
};

extern const struct nvme_command ioas_nvme_admin_commands[];
extern const struct nvme_command ioas_nvme_io_commands[];

/* setup.c */
struct nvme_namespace *ioas_nvme_namespace(struct nvme *n, uint32_t nsid);
uint32_t ioas_nvme_nsid_of(const struct nvme *n,
                           const struct nvme_namespace *ns);

/* controller.c: the functions of the model, and what other files need. */
void ioas_nvme_reset(void *state);
uint64_t ioas_nvme_load(void *state, unsigned int bar, uint64_t offset,
                        unsigned int size);
void ioas_nvme_store(void *state, unsigned int bar, uint64_t offset,
                     unsigned int size, uint64_t value);
void ioas_nvme_fatal(struct nvme *n);

/* queue.c. settle: events and interrupts that are due. */
void ioas_nvme_doorbell(struct nvme *n, uint64_t offset, uint32_t value);
void ioas_nvme_settle(struct nvme *n);
void ioas_nvme_unmask(struct nvme *n, uint32_t vectors);
void ioas_nvme_forget_cq(struct nvme *n, unsigned int queue);
/* A completion of the admin queue that no fetch made room for. */
bool ioas_nvme_admin_has_room(const struct nvme *n);
void ioas_nvme_complete_admin(struct nvme *n, uint16_t cid, uint32_t result,
                              uint16_t status);
uint16_t ioas_nvme_check_namespace(struct nvme *n, struct nvme_request *req,
                                   enum nvme_scope scope);

/* arbiter.c */
#define NVME_NO_QUEUE NVME_QUEUES
void ioas_nvme_arbiter_add(struct nvme *n, unsigned int queue);
void ioas_nvme_arbiter_remove(struct nvme *n, unsigned int queue);
unsigned int ioas_nvme_arbiter_next(struct nvme *n);

/* event.c */
enum nvme_event {
	NVME_EVENT_DOORBELL,       /* of a queue that is not there */
	NVME_EVENT_DOORBELL_VALUE, /* that cannot be */
	NVME_EVENT_TEMPERATURE,
	NVME_EVENT_NAMESPACE, /* attributes changed */
	NVME_EVENT_COUNT,
};
uint16_t ioas_nvme_request_event(struct nvme *n, struct nvme_request *req);
bool ioas_nvme_abort_event_request(struct nvme *n, uint16_t cid);
void ioas_nvme_raise(struct nvme *n, enum nvme_event event);
void ioas_nvme_warn(struct nvme *n);
void ioas_nvme_deliver_events(struct nvme *n);
void ioas_nvme_log_was_read(struct nvme *n, uint8_t log);

/*
 * data.c. Each finds the pieces of the command's data first and returns a
 * status. put: to the program; past @bytes, up to @total, zeros. take: from it.
 */
uint16_t ioas_nvme_gather(struct nvme *n, struct nvme_request *req,
                          uint32_t bytes);
bool ioas_nvme_has_sgl(const struct nvme_request *req);
const char *ioas_nvme_role(const struct nvme *n, const struct nvme_request *req,
                           unsigned int piece);
uint16_t ioas_nvme_put(struct nvme *n, struct nvme_request *req,
                       const uint8_t *data, uint32_t bytes, uint32_t total);
uint16_t ioas_nvme_take(struct nvme *n, struct nvme_request *req, uint8_t *data,
                        uint32_t bytes);
/* prp.c, sgl.c */
uint16_t ioas_nvme_gather_prp(struct nvme *n, const struct nvme_request *req,
                              uint32_t bytes);
uint16_t ioas_nvme_gather_sgl(struct nvme *n, const struct nvme_request *req,
                              uint32_t bytes);

/* identify.c, feature.c, log.c: commands, and what the rest needs of them. */
uint16_t ioas_nvme_identify(struct nvme *n, struct nvme_request *req);
uint16_t ioas_nvme_set_features(struct nvme *n, struct nvme_request *req);
uint16_t ioas_nvme_get_features(struct nvme *n, struct nvme_request *req);
void ioas_nvme_features_default(struct nvme *n);
bool ioas_nvme_write_cache(const struct nvme *n);
/* Critical warnings of the health log; those that are to be events. */
uint8_t ioas_nvme_warnings(const struct nvme *n);
uint8_t ioas_nvme_wanted_warnings(const struct nvme *n);
bool ioas_nvme_wants_notice(const struct nvme *n);
/* Commands in a row of one queue; commands of a class in a round. */
unsigned int ioas_nvme_burst(const struct nvme *n);
unsigned int ioas_nvme_weight(const struct nvme *n, unsigned int class);
uint16_t ioas_nvme_get_log_page(struct nvme *n, struct nvme_request *req);
void ioas_nvme_log_error(struct nvme *n, const struct nvme_request *req,
                         uint16_t status);
/* One that no command is behind. */
void ioas_nvme_log_misuse(struct nvme *n, uint16_t status);

/* format.c */
uint16_t ioas_nvme_format(struct nvme *n, struct nvme_request *req);
/* 0, or the namespace would have no block. */
int ioas_nvme_set_block_size(struct nvme_namespace *ns, unsigned int lg2);

/* io.c */
struct nvme_extent ioas_nvme_extent(const struct nvme_request *req);
uint16_t ioas_nvme_check_extent(const struct nvme_request *req);
bool ioas_nvme_is_inside(const struct nvme_namespace *ns, struct nvme_extent e);
uint16_t ioas_nvme_status_of(int err, bool write);
uint16_t ioas_nvme_flush_all(struct nvme *n);
/* What a write promises about the medium. */
uint16_t ioas_nvme_write_through(struct nvme *n,
                                 const struct nvme_request *req);
int ioas_nvme_zero(const struct nvme_namespace *ns, struct nvme_extent e,
                   bool discard);

/* media.c */
uint16_t ioas_nvme_write_zeroes(struct nvme *n, struct nvme_request *req);
uint16_t ioas_nvme_write_uncorrectable(struct nvme *n,
                                       struct nvme_request *req);
uint16_t ioas_nvme_compare(struct nvme *n, struct nvme_request *req);
uint16_t ioas_nvme_verify(struct nvme *n, struct nvme_request *req);
uint16_t ioas_nvme_dataset_management(struct nvme *n, struct nvme_request *req);

/*
 * mark.c. set and unset return whether there was room in the table: the middle
 * of a run taken out makes two of it. On false nothing has changed.
 */
bool ioas_nvme_mark_set(struct nvme_namespace *ns, struct nvme_extent e);
bool ioas_nvme_mark_may_unset(const struct nvme_namespace *ns,
                              struct nvme_extent e);
bool ioas_nvme_mark_unset(struct nvme_namespace *ns, struct nvme_extent e);
bool ioas_nvme_is_marked(const struct nvme_namespace *ns, struct nvme_extent e);

/* Memory is little-endian, whatever the processor is. */
static inline uint64_t nvme_get(const uint8_t *at, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

static inline void nvme_set(uint8_t *at, unsigned int bytes, uint64_t value)
{
	for (; bytes--; value >>= 8)
		*at++ = (uint8_t)value;
}

/* Dword @i of the command. */
static inline uint32_t nvme_dword(const struct nvme_request *req,
                                  unsigned int i)
{
	return (uint32_t)nvme_get(req->sqe + 4 * i, 4);
}

static inline uint64_t nvme_qword(const struct nvme_request *req,
                                  unsigned int first_dword)
{
	return nvme_get(req->sqe + 4 * first_dword, 8);
}

static inline uint32_t nvme_nsid(const struct nvme_request *req)
{
	return nvme_dword(req, 1);
}

static inline void nvme_include(struct nvme_set *set, unsigned int queue)
{
	set->word[queue / 64] |= UINT64_C(1) << queue % 64;
}

static inline void nvme_exclude(struct nvme_set *set, unsigned int queue)
{
	set->word[queue / 64] &= ~(UINT64_C(1) << queue % 64);
}

static inline bool nvme_includes(const struct nvme_set *set, unsigned int queue)
{
	return set->word[queue / 64] >> queue % 64 & 1;
}

static inline bool nvme_is_empty(const struct nvme_set *set)
{
	return !(set->word[0] | set->word[1]);
}

#endif /* IOAS_NVME_H */
