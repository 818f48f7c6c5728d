/* SPDX-License-Identifier: MIT */
/*
 * An NVM Express controller with one namespace, whose blocks are a file.
 *
 *	controller.c  registers, enable, reset, shutdown; the model's table
 *	queue.c       doorbells, fetch of commands, completions, interrupts
 *	admin.c       admin commands: queues, abort, events
 *	identify.c    Identify
 *	feature.c     Set Features, Get Features
 *	log.c         Get Log Page, and what the logs say
 *	io.c          commands of the namespace
 *	prp.c         where a command's data is
 *
 * A doorbell is served at once, on the thread that stores it, until its queue
 * is empty or the completion queue is full. So nothing is ever half done
 * between two calls of the model, and a reset finds no command in flight.
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
};

/* What this controller is like. */
#define NVME_VERSION       0x00010400u
#define NVME_QUEUES        65   /* of each kind; number 0 is admin */
#define NVME_IO_ENTRIES    1024 /* CAP.MQES + 1 */
#define NVME_PAGE_LG2_MIN  12   /* CAP.MPSMIN */
#define NVME_PAGE_LG2_MAX  16   /* CAP.MPSMAX */
#define NVME_SQE_LG2       6
#define NVME_CQE_LG2       4
#define NVME_BLOCK_LG2     9
#define NVME_MDTS          7 /* in units of the smallest page, lg2 */
#define NVME_TRANSFER_MAX  (1u << (NVME_MDTS + NVME_PAGE_LG2_MIN))
#define NVME_NAMESPACES    1
#define NVME_NSID_ALL      0xffffffffu
#define NVME_EVENTS        4    /* Asynchronous Event Requests held */
#define NVME_LOG_ENTRIES   16   /* of the error log */
#define NVME_IDENTIFY      4096 /* bytes of an Identify structure, 5.15 */
#define NVME_FIRMWARE      "1.0     "
#define NVME_FEATURE_SLOTS 16
#define NVME_KELVIN        298 /* there is no sensor: a room's temperature */

/* The first piece may begin inside its page. */
#define NVME_PIECES (NVME_TRANSFER_MAX / (1u << NVME_PAGE_LG2_MIN) + 1)
/*
 * Pieces of program memory that make up a transfer. The smallest page that an
 * IOMMU translates has 2 KiB, so this is always enough.
 */
#define NVME_SEGMENTS (NVME_TRANSFER_MAX / 2048 + 8)

/*
 * Status of a command: the field of the completion entry without its phase
 * bit, 4.6.1. Bit 14, do not retry, is set where trying again cannot help.
 */
enum nvme_status {
	NVME_SUCCESS = 0x0000,
	NVME_INVALID_OPCODE = 0x4001,
	NVME_INVALID_FIELD = 0x4002,
	NVME_DATA_TRANSFER = 0x0004,
	NVME_INVALID_NAMESPACE = 0x400b,
	NVME_SEQUENCE = 0x400c,
	NVME_PRP_OFFSET = 0x4013,
	NVME_LBA_RANGE = 0x4080,
	NVME_CQ_INVALID = 0x4100,
	NVME_QUEUE_ID = 0x4101,
	NVME_QUEUE_SIZE = 0x4102,
	NVME_EVENT_LIMIT = 0x4105,
	NVME_VECTOR = 0x4108,
	NVME_LOG_PAGE = 0x4109,
	NVME_QUEUE_DELETION = 0x410c,
	NVME_NOT_SAVEABLE = 0x410d,
	NVME_NOT_PER_NAMESPACE = 0x410f,
	NVME_WRITE_FAULT = 0x0280,
	NVME_READ_ERROR = 0x0281,
	NVME_MORE = 0x2000, /* the error log has an entry about it */
};

struct nvme_sq {
	uint64_t base;
	uint32_t entries; /* 0: the queue is not there */
	uint32_t head, tail;
	uint16_t cq;
};

struct nvme_cq {
	uint64_t base;
	uint32_t entries; /* 0: the queue is not there */
	uint32_t head, tail;
	uint16_t vector;
	uint16_t users; /* submission queues that complete here */
	uint16_t turn;  /* whose it is, when they wait for room */
	bool phase;     /* of the next entry */
	bool interrupts;
	bool posted; /* since the last interrupt */
	bool held;   /* a command waits for room */
};

/* A command while it runs. */
struct nvme_request {
	uint8_t sqe[1 << NVME_SQE_LG2];
	uint16_t cid;
	uint32_t result; /* dword 0 of the completion */
	bool held;       /* no completion: it waits for an event */
	struct ioas_issuer issuer;
};

/* A part of the data, inside one page. */
struct nvme_piece {
	uint64_t iova;
	uint32_t bytes;
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

struct nvme {
	struct ioas_device *dev;
	struct ioas_store *store;
	uint64_t blocks;
	char serial[21];

	uint32_t reg[NVME_REGISTERS_END / 4];
	unsigned int page_lg2; /* since enabled */
	struct nvme_sq sq[NVME_QUEUES];
	struct nvme_cq cq[NVME_QUEUES];
	unsigned int events_held;

	uint32_t feature[NVME_FEATURE_SLOTS];
	bool no_coalescing[NVME_QUEUES]; /* per interrupt vector */

	struct nvme_health health;
	struct nvme_error error[NVME_LOG_ENTRIES]; /* newest: errors - 1 */

	/* Of the command that runs. */
	struct nvme_piece piece[NVME_PIECES];
	unsigned int pieces;
	uint8_t list[NVME_PIECES * 8]; /* a page of a PRP list */
	struct ioas_segment segment[NVME_SEGMENTS];
	uint8_t page[NVME_IDENTIFY]; /* what it sends, or was sent */
};

/* A row of a command table; the last has no name. */
struct nvme_command {
	uint8_t opcode;
	const char *name;
	uint16_t (*run)(struct nvme *n, struct nvme_request *req);
};

extern const struct nvme_command ioas_nvme_admin_commands[];
extern const struct nvme_command ioas_nvme_io_commands[];

/* controller.c */
void ioas_nvme_fatal(struct nvme *n);

/* queue.c */
void ioas_nvme_doorbell(struct nvme *n, uint64_t offset, uint32_t value);

/*
 * prp.c. Each finds the pieces of the command's data first and returns a
 * status. put: to the program; past @bytes, up to @total, zeros. take: from it.
 */
uint16_t ioas_nvme_gather(struct nvme *n, struct nvme_request *req,
                          uint32_t bytes);
const char *ioas_nvme_role(const struct nvme *n, unsigned int piece);
uint16_t ioas_nvme_put(struct nvme *n, struct nvme_request *req,
                       const uint8_t *data, uint32_t bytes, uint32_t total);
uint16_t ioas_nvme_take(struct nvme *n, struct nvme_request *req, uint8_t *data,
                        uint32_t bytes);

/* identify.c, feature.c, log.c: commands, and what the rest needs of them. */
uint16_t ioas_nvme_identify(struct nvme *n, struct nvme_request *req);
uint16_t ioas_nvme_set_features(struct nvme *n, struct nvme_request *req);
uint16_t ioas_nvme_get_features(struct nvme *n, struct nvme_request *req);
void ioas_nvme_features_default(struct nvme *n);
bool ioas_nvme_write_cache(const struct nvme *n);
bool ioas_nvme_temperature_alarm(const struct nvme *n);
uint16_t ioas_nvme_get_log_page(struct nvme *n, struct nvme_request *req);
void ioas_nvme_log_error(struct nvme *n, const struct nvme_request *req,
                         uint16_t status);

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

#endif /* IOAS_NVME_H */
