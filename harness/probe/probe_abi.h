/* The C ABI of the preloaded probe, and the layout of a history file while it is being written.
 *
 * This header is C, includes nothing of ours, and is all that the probe, the C++ runner and the harness's reader
 * share. Everything in it is persisted or crosses a process boundary: add, never renumber, never reorder; a change
 * that an old reader would misread raises TRIREME_HISTORY_VERSION, one that an old caller would misuse raises
 * TRIREME_PROBE_ABI. All integers are little-endian; every record starts on an 8-byte boundary. */
#ifndef TRIREME_HARNESS_PROBE_PROBE_ABI_H_
#define TRIREME_HARNESS_PROBE_PROBE_ABI_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRIREME_PROBE_ABI 1
#define TRIREME_HISTORY_VERSION 1
#define TRIREME_HISTORY_MAGIC "TRIREMEH" /* 8 bytes, no terminator */
#define TRIREME_CHUNK_MAGIC 0x4b4e4843u  /* "CHNK" */
#define TRIREME_HEADER_SIZE 4096u

/* What an event is. Interface.md section 6 names those that users read; the others are printed too. */
enum trireme_event {
  TRIREME_BEGIN = 1, /* the workload starts. value: JSON {seed, params, runtime, environment} */
  TRIREME_END =
      2, /* the workload ended. key: returned | raised | unsupported | suspended; value: JSON error.
                              Comes
                              after every CENSUS and EXCEPTION of the trial: without it nobody
                              knows all of what main left behind */
  TRIREME_INVOKE = 3, /* id: operation; key: its name; value: its argument */
  TRIREME_OK = 4,     /* id, key as invoke; value: the result */
  TRIREME_FAIL =
      5, /* id, key as invoke; value: JSON error (see below) or what op.fail() was given */
  TRIREME_INFO =
      6, /* id, key as invoke: not known whether it happened. value: JSON error or none */
  TRIREME_OBSERVE = 7,  /* key, value */
  TRIREME_OUTCOME = 8,  /* key: its name */
  TRIREME_METRIC = 9,   /* key: its name; value: JSON [number, unit] */
  TRIREME_WARNING = 10, /* key: category; value: text */
  TRIREME_TASK_START =
      11, /* task: its number; id: its parent's; key: spawn path "1.3.2"; value: its name */
  TRIREME_TASK_END = 12, /* task; key: returned | raised | cancelled; value: JSON error */
  TRIREME_SWITCH =
      13, /* task: the one that runs from now on (0: none of ours); id: the one before */
  TRIREME_SOCKET =
      14, /* something about a kernel object that can be read or written. id: its inode; key: the
                              action, see the list below; value: JSON, see there */
  TRIREME_FAULT = 15, /* a fault was applied. id: its number in the plan, from 1; key: its name; value: JSON, see "Faults"
                              below */
  TRIREME_WAIT =
      16, /* a point begins to wait. id: its ordinal in the task; key: its kind ("recv"); value: what it
                              waits for, see "What tasks wait for" below, or none */
  TRIREME_WAKE = 17, /* that wait ended. id, key as wait; value: bytes moved where it moved any */
  TRIREME_PROCESS =
      18, /* a process joins the trial. id: parent's process id; value: JSON {argv} or none */
  TRIREME_EXCEPTION =
      19, /* nobody caught it. key: where (hub, thread, loop, never-retrieved, task, terminate,
                              handler, main); value: JSON error */
  TRIREME_CENSUS =
      20, /* outlived the workload. key: tasks | timers | threads | descriptors | processes,
                              or unseen: the kinds (name) that could not be looked at, and why (reason);
                              value: JSON list of {name, ...}, one entry each */
  TRIREME_EXIT =
      21, /* written by the engine when the process is gone. key: exited | signalled | timeout |
                              vanished | interrupted; value: JSON, see engine */
  TRIREME_JOIN = 22,   /* task: the joiner; id: the task whose result or exception it took */
  TRIREME_CANCEL = 23, /* task: who asked; id: the task that shall stop */
  TRIREME_SYNC =
      24, /* a task did something to what others may wait for. id: the number of that; key: what it did,
                              see "What tasks wait for" below */
  TRIREME_HOLD =
      25, /* code kept a loop from going on. task: whose code, thread: the loop's; key: watched | holds | held; value:
                              JSON, see "Loops" below */
  TRIREME_USAGE =
      26, /* what the process takes, or one of its loops does, since it was last looked at. key:
                              process | loop | task | ready; value: JSON, see "Loops" below. Or key: processor; value: INT, nanoseconds
                              that the process has run since it began; where the plan asks for it, when a trial or
                              process begins and ends, at a fault, and when an operation is acknowledged after one */
  TRIREME_CONNECTION =
      27, /* one end of a logical connection. id: its number in the trial, the same at both ends; key: opened |
                              closed; value: JSON {"connection": id, "name", "side", "kind": "tcp" | "unix" |
                              "pair" | "seqpacket" | "datagram" | "pipe" | "file", "local", "peer"}; closed: {"side",
                              "read", "written": bytes, or messages}. A pair is of streams */
  TRIREME_WIRE = 28, /* bytes that one end read or wrote, where the plan asks for them. id: the connection's number;
                              key: "client read" | "client write" | "server read" | "server write"; value: BYTES, or
                              none and the kind of close as INT: 0 end of stream read, 1 written, else an errno */
  TRIREME_DEADLINE =
      29 /* the wait that the task begins next ends by itself. id, key: of that WAIT; value: in how many nanoseconds */
};

/* What tasks wait for. Locks, semaphores, conditions, events, queues, pools and streams have a number (new_operation()),
 * unique in the trial, which is the value of a WAIT of kind
 *   lock, semaphore, condition, event, queue-put, queue-get, pool (a submitter that waits for a place), pool-place (a task
 *   that was submitted and has no place yet: recorded for it when it is submitted), pool-join (until all that was submitted
 *   has ended), recv, send, accept
 * while the value of a WAIT of kind join is the number of the task that is waited for. One of kind load, around others, is
 * the trial's loading of its workload. SYNC events, whose id it is:
 *   new      it was made. value: JSON {"kind": lock | rlock | semaphore | condition | event | queue | pool | stream,
 *            "size": permits, items or places, 0 where there is no limit (a semaphore always has one), "place": "file:line in name"}
 *   acquire  the task has it now, or one of its permits or places; a condition stands for its lock. value, of locks: in how many
 *            nanoseconds its wait ends (ended) by itself, should it have to wait; none or TEXT: only when it gets the lock.
 *            The text is where the task calls: "file:line in name"
 *   release  the task gives it back; recorded before another can have it
 *   wait     the task gives a condition's lock back, at all levels, and waits; followed by an acquire for each of them. It may
 *            wait for that lock, too: a WAIT of kind lock
 *   put      an item goes in; recorded before another can take it. value: how many there are then, where it is known
 *   get      the task has taken an item. value: how many are left, where it is known
 *   set, clear, notify   recorded before another can see it
 *   passed   the task has seen that the event is set, in wait or is_set
 *   connected   a stream has another end. value: TEXT "this-end other-end", each an address and port, or of a socketpair
 *            '#' and the number of the stream; recorded by both ends, in an order of their own, where they have such names
 *   read, write   the task begins to read from or write to a stream
 *   close    the stream, or the listener, is closed
 *   snapshot who waits for what in the process of the event, a while already and without a time limit: of watched programs,
 *            whose waits are not recorded one by one. id: 0; value: JSON {"tasks": [{"task": number, "thread": its OS thread, "stack": where
 *            it waits, "wait": {"kind": as of a WAIT, "object": index into "objects", "target": number of the task of a join, "for_ns"}},
 *            or without a "wait" one that has something, with "ended": true where it is gone], "objects": [{"kind", "place", "size": as of new,
 *            "items": in a queue, "holders": [{"task": number, "place": where it took it}]}], "others": whether anybody else could go on}
 * A stream that was made by dup() has the number of its original; each of the two is closed by itself. */

/* Loops: threads that run tasks or callbacks one after the other and wait in between, in epoll_wait(2), poll(2), select(2) or
 * where the runtime says so, while they run no task: a task that waits in one of those holds its loop. A thread is one as
 * soon as it runs a task while another of its own has begun and not ended, or after it waited so. A hold is the time from
 * when such a thread begins to run a task or a callback until it runs another or waits; callbacks that follow each other
 * without a wait are one. Of one that lasts longer than `hold_threshold`, without the time that the thread was ready but had
 * no processor:
 *   watched when the thread is found to be a loop: from now on it is looked at. No value. One event a loop, held or not
 *   holds   when it was found to, while it lasts: {"seconds": so far, without that time, "wall": with it, "stack": ["file:line in name", ...]
 *           (outermost first), "source": how the stack was got, or why there is none}
 *   held    when it is over: {"wall": seconds, "delay": of which the thread was ready but had no processor, "cpu": of which it
 *           had one}; absent where the process ended before. With "stack" and "source" where `holds` had no stack and one
 *           came later: "source" then begins with "after", for it need not be that of the hold
 * It is found at the latest when it has lasted half as long again. A WARNING of category `loops` says what is not watched.
 * Every `usage_interval`:
 *   process {"rss": bytes, "threads": how many, without the probe's own}
 *   loop    {"wall": seconds, "delay", "cpu": seconds of that thread as above, "polls": how often it looked for events,
 *           "found": how often there were some, "steps": tasks that it ran, "moved": bytes that the process read and wrote,
 *           "slept": how often the thread gave up its processor by itself; absent where the kernel does not say}
 *   task    where a loop turns again and again and nothing moves, up to three times: the task of the event gave it back
 *           just then, {"other_name", "other_stack": of that task, as of SOCKET events}
 *   ready   then too: what an epoll set tells the thread of at its next poll, {"descriptors": [{"fd", "kind", "local", "peer": as
 *           of SOCKET events, "reader" or "writer": what a callback of the loop for it is called, "place": where that is defined}, ...]}, four
 *           at most, where the kernel says which they are */

/* Actions of SOCKET events, by their names, with the members of their values.
 *   second-reader, second-writer, shared-listener: the task of the event reads, writes or accepts while another waits to:
 *     {"kind": "stream" | "datagram" | "pipe" | "eventfd", "fd": its descriptor, "size": bytes that it asks for, "how":
 *      "read" | "accept" | "poll" | "epoll" (two sets) | "set" (both wait in one) | "set-told" (the other one woke there) | "overlap" (both were inside a call), "one": it asks for one byte or count, "local": address, "peer": address, "other": {"task", "process", "thread", "fd", "one"},
 *      "stack": ["file:line in name", ...] (outermost first), "other_stack": the same of the other}; members that are not
 *      known are left out
 *   read, write: of an object that had one of those: {"fd", "bytes", "one"}, bytes -errno when it failed; with "name" and
 *     "stack" the first time that one tells of it whom no meeting told of in its own process: others cannot ask there
 *   rejected: the runtime refused a second reader or writer by itself: {"direction": "read" | "write", "fd", "message"},
 *     where it is known who waited with "other" and the stacks, as above
 *   replaced: the runtime silently dropped the callback of an earlier reader: the same
 * At most TRIREME_SOCKET_EVENTS for an object, so that a program that always does it is not drowned in them. */
#define TRIREME_SOCKET_EVENTS 64

/* Faults. The harness compiles a plan into header.plan and the tables that it names; the probe decides each fault by a
 * pure function of (the rule's seed, logical connection, side, direction, byte offset or event number), never by the order
 * of calls, so that every runtime gets the same ones. value of a FAULT event:
 *   {"do": {"short": bytes} | {"error": "ECONNRESET"} | {"delay": seconds} | ..., "call": as in the plan, "side": "client" | "server",
 *    "connection": its id, "direction": "read" | "write", "offset": bytes of the stream before it, or the event's number}
 * without those that a class has not, and "instead_of": [name, ...] where others were due at that place, at most four of them,
 * to which it did not come any more. Of a network, process, resource, time or task fault: {"do": {...}} and what it hit. What
 * happens again and again with time, as a slow clock, is recorded where it begins, and where it ends with "over": true.
 * A connection's id is "<path of the connecting task>#<n-th connect of that task>", its name the same with the task's name
 * ("-" where there is no task); the end that accepted finds both in the table by the pair of addresses. A socketpair
 * counts as a connect, its first end as client; the n-th pipe has "<path>#p<n>", so that none moves the numbers of connections,
 * as programs make some that nobody sees; a file "<path>@<n-th open>". */

/* A JSON error is {"error": raw class, "family": one of timeout cancelled reset refused end-of-stream broken-pipe
 * address-in-use resource value other, "errno": number or null, "message": text, "stack": ["file:line in name", ...]
 * (outermost first)}, and where the runner knows no line of what the workload threw "after": "file:line in name", the last
 * call of the workload API before it. */

enum trireme_type {
  TRIREME_NONE = 0,
  TRIREME_INT = 1,    /* int64_t */
  TRIREME_DOUBLE = 2, /* double */
  TRIREME_TEXT = 3,   /* UTF-8: a JSON string without its quotes; other bytes where the text is none, as a lone surrogate */
  TRIREME_JSON = 4,   /* JSON text */
  TRIREME_BOOL = 5,   /* int64_t, 0 or 1 */
  TRIREME_BYTES = 6,  /* printed as base64 */
  TRIREME_DIGITS = 7, /* an integer beyond 64 bits: the text of its digits, printed as that */
  /* JSON text in which each text, but for the names of members, begins with what it is, for what JSON has only text for:
   * 't' a text, 'b' bytes in base64, 'i' digits as above, 'f' NaN, Infinity or -Infinity, 'r' a text that is no UTF-8, its
   * bytes in base64. Printed without it, the last as by itself. The name of a member begins with what it is only where it
   * is no text, or one that begins with U+0000: that, and then 'n' and what Python's json makes of the key (1, true, null),
   * 'r' or 't' as above. What has texts only is TRIREME_JSON. */
  TRIREME_MARKED = 8
};

/* One event: this header, `key_size` bytes, `value_size` bytes, zeros up to a multiple of 8. */
struct trireme_record {
  uint32_t size;   /* of all of it; a multiple of 8, at least 40 */
  uint16_t kind;   /* enum trireme_event */
  uint16_t type;   /* enum trireme_type, of the value */
  uint64_t time;   /* nanoseconds of CLOCK_MONOTONIC */
  uint32_t task;   /* number of the task it belongs to; 0: none */
  uint32_t thread; /* OS thread id */
  uint64_t id;
  uint32_t key_size;
  uint32_t value_size;
};

/* A chunk holds records of one process; one thread writes it at a time. Capacity includes this header. */
struct trireme_chunk {
  uint32_t
      magic; /* TRIREME_CHUNK_MAGIC, stored last: a chunk without it holds nothing and spans one chunk_size */
  uint32_t process;
  uint64_t capacity; /* a multiple of chunk_size while recording, the exact size in a sealed file */
  uint64_t used;     /* bytes of records, stored with release order after each record is whole */
  uint64_t newest;   /* time of the newest record, stored before `used` */
};

/* The first page of the file. The harness makes it, with room for `allocated` chunks already backed by disk blocks
 * (a full disk must not become SIGBUS). A process that needs the chunk at index i = next_chunk++ backs it itself. */
struct trireme_header {
  char magic[8];
  uint32_t version;    /* TRIREME_HISTORY_VERSION */
  uint32_t chunk_size; /* bytes; a multiple of the page size while recording */
  uint32_t sealed;     /* 1: the trial is over, chunks are packed and follow one another */
  uint32_t recording;  /* 0: record nothing */
  uint64_t begin_time; /* CLOCK_MONOTONIC, when the trial began */
  uint64_t next_chunk; /* atomic */
  uint64_t allocated;  /* chunks that the maker backed; informative afterwards */
  uint64_t max_chunks; /* no chunk at or past this index */
  uint64_t lost;       /* atomic: events that could not be recorded. Not 0: the trial is unknown */
  uint64_t next_task;  /* atomic: the number of the next task, from 1 */
  uint64_t next_operation; /* atomic, from 1: threads take ranges of 1024 */
  uint32_t lost_errno;     /* why the first one was lost */
  uint32_t plan_size;      /* of the plan block below; 0: no decisions */
  uint8_t plan[2048];      /* a struct trireme_plan, compiled by the harness */
  uint32_t damage_size;    /* in a sealed file: */
  char damage[508];        /* what could not be read of the recording, as text */
  uint64_t objects;    /* how many trireme_object there are: they fill the first chunks of the file,
                        which no process claims. 0: who waits for what is not followed */
  uint64_t unseen;     /* atomic: waits that could not be followed, for want of an object */
  uint64_t next_epoll; /* atomic: the number of the next epoll set, from 1 */
  uint64_t left_out;   /* atomic, bit k: events of kind k are not recorded, nor counted as lost */
  uint64_t hold_threshold; /* nanoseconds; 0: loops are not watched */
  uint64_t usage_interval; /* nanoseconds; 0: no USAGE */
  uint64_t checksum;       /* of a sealed file as a whole, with 0 here: Checksum64() of harness/base/rng.h;
                              0: it has none */
  uint32_t first_port; /* from which on each second is, for sockets of the trial that any port will do for, */
  uint32_t ports;      /* so many, half of them, that no other trial of the run is given; 0: the kernel chooses */
  uint32_t next_server; /* atomic: how many of them were tried */
  uint32_t next_client; /* atomic: the same of ports for clients whose connections are followed: */
  uint32_t first_client; /* from which on each second is, */
  uint32_t clients;      /* so many, half of them, which clients of other trials are given too; 0: the kernel chooses */
};

/* A kernel object for which a task waits now, in any process of the trial; without a waiter it is free for another. Its
 * first word is 0, so that no reader takes it for a chunk. A waiter is 0, or
 *   bits 62-63: 1 inside a call that reads or writes, 2 was told EAGAIN, 3 the same, and it is registered for readiness
 *   bits 40-61: its process; bit 39: it is no task, but a thread; bit 38: it asked for one byte or count; bit 37: what
 *   its loop reads for it does not end its wait; bit 36: nor does what else its thread reads, which is no second reader;
 *   bit 35: another thread began to read while this one was inside its call;
 *   bits 0-31: the number of that task or thread */
#define TRIREME_EDGE 0x80000000u
#define TRIREME_MOST_OBJECTS 16384u /* in one recording */
struct trireme_object {
  uint32_t zero;
  uint32_t owned;         /* atomic: 0 free, 1 changing hands, 2 in use */
  uint64_t inode;         /* atomic; of an eventfd, its id */
  uint32_t device;        /* of that inode; of an eventfd, all ones */
  uint32_t epoll_process; /* that put it into `epoll` */
  uint64_t waiters[2];    /* atomic: who reads, who writes */
  uint32_t threads[2];    /* the OS threads that they were in */
  int32_t fds[2];         /* their descriptors */
  uint32_t epoll;  /* atomic: the epoll set that holds it for reading; with TRIREME_EDGE where it is a stream socket that is
                      edge-triggered there, which keeps no other object from the place; 0: none */
  uint32_t events; /* how many SOCKET events it may still have, plus 1; 0: it had no conflict */
};

/* What the plan block in header.plan holds. Places are offsets in the file. */
#define TRIREME_PLAN_VERSION 4
#define TRIREME_PLAN_CLOCKS 4
#define TRIREME_PLAN_TASKS 8
#define TRIREME_PLAN_ROUTES 4
#define TRIREME_PLAN_MOMENTS 64
#define TRIREME_PLAN_LISTENERS 256 /* where connections are followed; a power of two */
#define TRIREME_PLAN_STARTS 64     /* there, too: processes that are about to come to be, at once */
#define TRIREME_PROCESS_PATH 48    /* bytes, with the zero at its end */
#define TRIREME_FAULT_NAME 48 /* bytes, with the zero at its end */

/* Bits of trireme_plan.flags. */
#define TRIREME_PLAN_WIRE 1u      /* record WIRE events */
#define TRIREME_PLAN_PROCESSOR 2u /* record USAGE events of key processor */
#define TRIREME_PLAN_COMMAND 4u   /* who attaches itself only forks the program, which is the first process of the trial */

/* A clock that jumps or runs at another speed, for `from` <= time since the trial's begin < `until` (nanoseconds, by the true
 * clock; 0: for ever). It shows true time + jump + (time since from) * (rate - 10^9) / 10^9; after `until` the true time again. */
struct trireme_clock_fault {
  uint64_t from, until;
  int64_t jump;    /* nanoseconds */
  uint64_t rate;   /* nanoseconds that it shows for a true second; 10^9: as fast as the true one */
  uint32_t clocks; /* bit 0 CLOCK_REALTIME, bit 1 CLOCK_MONOTONIC */
  uint32_t fault;  /* its number in the plan */
  uint64_t late;   /* nanoseconds that timers (timeouts of epoll, poll, select, sleeps) come too late */
  uint32_t told;   /* atomic: bit 0: its begin is recorded, bit 1: its end */
  uint32_t reserved;
};

#define TRIREME_TASK_NOTED 2u /* as trireme_task_fault.how */
/* A task that is cancelled at a point. `ordinal` 0: at the first point that it comes to after `after`. */
struct trireme_task_fault {
  char task[96]; /* glob over a task's path or name */
  uint64_t ordinal;
  uint64_t after;   /* nanoseconds since the trial's begin */
  uint32_t how;     /* 0 cancel, 1 timeout: the point raises as if an rt.timeout around it were over, 2: that each point of each
                       task is come to is recorded, and nothing is done: what points a sweep has */
  uint32_t fault;   /* its number in the plan */
  uint32_t applied; /* atomic: how often */
  uint32_t limit;   /* only the tasks before whose birth fewer than so many that match were surely born: their ancestors, and the
                       elder siblings of these and of themselves. With `after`: the first that come. 0: each that matches */
};

/* Where a connection goes instead of where the program sends it: to a proxy of the harness on 127.0.0.1. */
struct trireme_route {
  char connection[96]; /* glob; "": every one */
  char to[40];         /* only connections to this numeric "host:port"; "": any */
  uint16_t port;       /* of the proxy, host's byte order */
  uint16_t fault;      /* its number in the plan */
  uint32_t reserved;
};

struct trireme_plan {
  uint32_t version; /* TRIREME_PLAN_VERSION */
  uint32_t flags;
  uint64_t rules_at;       /* struct trireme_fault_rule[rules]; their order is that of the plan */
  uint32_t rules;          /* at most 65535 */
  uint32_t calls;          /* bit 1 << enum trireme_fault_call: some rule hits it */
  uint64_t connections_at; /* struct trireme_connection[connections]; a power of two */
  uint32_t connections;
  uint32_t clocks; /* how many of each follow */
  uint32_t tasks;
  uint32_t routes; /* atomic: 0 from when the harness closes the proxy while processes of the program go on */
  uint64_t unseen; /* atomic: connections that could not be followed, for want of a place */
  uint64_t next_connection; /* atomic: the number of the next one, from 1 */
  struct trireme_clock_fault clock[TRIREME_PLAN_CLOCKS];
  struct trireme_task_fault task[TRIREME_PLAN_TASKS];
  struct trireme_route route[TRIREME_PLAN_ROUTES];
  uint64_t names_at; /* char[names][TRIREME_FAULT_NAME]: of the faults, by their numbers, from 1; 0: they have none here */
  uint32_t names;
  uint32_t passages; /* a power of two; 0: the plan has no route */
  uint64_t passages_at; /* struct trireme_passage[passages] */
  uint64_t moments_at;  /* struct trireme_moment[moments] */
  uint32_t moments; /* at most TRIREME_PLAN_MOMENTS */
  uint32_t listeners;    /* a power of two, or 0 */
  uint64_t listeners_at; /* struct trireme_listener[listeners] */
  uint64_t starts_at;    /* struct trireme_start[starts] */
  uint32_t starts;
  uint32_t next_start;  /* atomic: which is taken next of those that nobody came for */
  uint32_t first_taken; /* atomic: 1: the first process of the trial is there, of those that nobody attached */
  uint32_t first_process; /* atomic: which one that is */
};

/* What a process is to know that becomes another program, or that another one starts as such: where it is in the tree of the
 * trial's processes, and how many connections, pipes and files it has made outside of tasks. */
struct trireme_start {
  uint32_t key; /* atomic: 0: free; its process id; 2^31 | its parent's, which does not know it yet; all ones while it changes
                   hands */
  uint32_t connects;
  uint32_t pipes;
  uint32_t opens;
  uint32_t started; /* how many processes it started */
  char path[TRIREME_PROCESS_PATH];
};

/* A socket that listens, whichever processes accept from it and by which descriptors. */
#define TRIREME_LISTENER_REACH 32u /* how many places from trireme_listener_start() on it may be at */
struct trireme_listener {
  uint64_t key;     /* atomic: 0: free; else of its inode and device, which no other socket has while the trial lasts */
  uint32_t accepts; /* atomic: how many connections it had waiting when accept was called */
  uint32_t taker;   /* atomic: the thread that takes one: of several that wait, each sees the same that came. 0: none */
};
static inline uint32_t trireme_listener_start(uint64_t key, uint32_t listeners) {
  return (uint32_t)(key * 0x9e3779b97f4a7c15u >> 40) & (listeners - 1);
}

/* An event of the workload, or a byte of a connection, that a fault of the harness waits for. Who records the event, and makes
 * `seen` as much as `count`, or whoever moves the byte or a later one, waits until the harness lets the workload go on: so the
 * fault comes there and not a while later, however fast the workload is. */
#define TRIREME_MOMENT_BYTE 0u /* as `kind`: no event has it */
struct trireme_moment {
  char key[96];      /* of the event, as much of it as there is room for; of a byte the glob over its connection's id or name */
  uint32_t key_size; /* all of it */
  uint32_t kind;     /* TRIREME_INVOKE, TRIREME_OBSERVE or TRIREME_MOMENT_BYTE */
  uint64_t count;    /* the how many-eth of them, from 1 */
  uint64_t offset;   /* of the byte, at whichever end and in whichever direction */
  uint64_t seen;     /* atomic: how many there were */
  uint32_t passed;   /* atomic: 1: the harness has done what it does there; nobody waits from then on */
  uint32_t fault;    /* its number in the plan */
};

/* How a connection gets through a proxy of the harness. The end that connects binds its socket, enters its connection, and then
 * a passage by its own port, with where it wanted to go; the proxy takes that away when it accepts, and enters another one by
 * the port from which it connects on, which the end that accepts looks up by its peer's. */
#define TRIREME_PASSAGE_IPV6 (1u << 16)
#define TRIREME_PASSAGE_ONWARD (1u << 17) /* entered by the proxy */
#define TRIREME_PASSAGE_USED (1u << 18)
#define TRIREME_PASSAGE_OVER (1u << 19) /* may be taken by another, but is still true */
#define TRIREME_PASSAGE_REACH 32u /* how many places from trireme_passage_start() on a passage may be at */
struct trireme_passage {
  uint32_t key;    /* atomic: 0: free; else a port | the bits above; all ones while it changes hands */
  uint32_t place;  /* of the connection in its table */
  uint64_t number; /* of the connection: by that time the place may hold another */
  uint32_t target_size;
  unsigned char target[28]; /* a struct sockaddr_in or sockaddr_in6 on this machine */
};
/* Not all of the key: a passage that is over is found as it was before. */
static inline uint32_t trireme_passage_start(uint32_t key, uint32_t passages) {
  return ((key & ~TRIREME_PASSAGE_OVER) * 0x9e3779b1u >> 8) & (passages - 1);
}

enum trireme_fault_call {
  TRIREME_CALL_CONNECT = 0,
  TRIREME_CALL_ACCEPT = 1,
  TRIREME_CALL_RECV = 2, /* whatever reads from a socket */
  TRIREME_CALL_SEND = 3,
  TRIREME_CALL_READ = 4, /* whatever reads from a pipe or file */
  TRIREME_CALL_WRITE = 5,
  TRIREME_CALL_OPEN = 6,
  TRIREME_CALL_FSYNC = 7,
  TRIREME_CALL_CLOSE = 8,
  TRIREME_CALL_EPOLL_WAIT = 9,   /* epoll, poll and select */
  TRIREME_CALL_GETADDRINFO = 10, /* error: an EAI_ code */
  TRIREME_CALL_FORK = 11,        /* fork, vfork, posix_spawn, system, popen */
  TRIREME_CALL_THREAD = 12,      /* pthread_create */
  TRIREME_CALL_MALLOC = 13,
  TRIREME_CALL_SOCKET = 14 /* socket, socketpair, pipe, epoll_create, eventfd, dup: what takes a descriptor */
};

enum trireme_fault_action {
  TRIREME_DO_SHORT = 1,     /* at most `amount` bytes move */
  TRIREME_DO_ERROR = 2,     /* the call fails with `error` */
  TRIREME_DO_DELAY = 3,     /* the call, or the readiness of a non-blocking one, comes `amount` nanoseconds late */
  TRIREME_DO_RESET = 4,     /* the connection is reset: RST to the peer, ECONNRESET here */
  TRIREME_DO_CLOSE = 5,     /* it is shut down in order: FIN to the peer, end of stream here */
  TRIREME_DO_STALL = 6,     /* nothing moves on it in either direction for `amount` nanoseconds */
  TRIREME_DO_INTERRUPT = 7, /* EINTR, once; of connect only where it blocks, and the connection goes on */
  TRIREME_DO_DROP = 8,      /* a datagram is lost */
  TRIREME_DO_DUPLICATE = 9, /* a datagram comes twice */
  TRIREME_DO_REORDER = 10,  /* a datagram comes after the next one */
  TRIREME_DO_SPURIOUS = 11  /* epoll_wait comes back without an event */
};

enum trireme_fault_when {
  TRIREME_WHEN_ALWAYS = 0, /* at each byte where a call begins; each event */
  TRIREME_WHEN_AT = 1,     /* at byte or event `at`, from 0 */
  TRIREME_WHEN_EVERY = 2,  /* at each multiple of `at` but 0; events at, 2 at, ... counted from 1 */
  TRIREME_WHEN_CHANCE = 3  /* by chance: once in a unit of TRIREME_CHANCE_UNIT bytes, or for an event, with `chance` / 2^64 */
};
/* An "event" of a stream cannot be a call, which each runtime makes as it likes: it is so many bytes of it. */
#define TRIREME_CHANCE_UNIT 64u

/* A fault on a system call. */
struct trireme_fault_rule {
  char name[48];       /* of the fault */
  char connection[96]; /* glob over a connection's id or name; "": every one. Without a connection: over the task's path or name */
  uint64_t seed;       /* of its decisions */
  uint64_t at;         /* see enum trireme_fault_when */
  uint64_t chance;
  uint64_t amount; /* bytes, or nanoseconds */
  uint64_t after;  /* nanoseconds since the trial's begin: not before; 0: at once */
  uint64_t until;  /* not from then on; 0: for ever */
  uint32_t calls;  /* bits 1 << enum trireme_fault_call */
  int32_t error;   /* errno, or EAI_ code */
  uint32_t limit;  /* how often at most on one connection or, where there is none, in one task; 0: no limit */
  uint32_t total;  /* how often at most in the trial; 0: no limit */
  uint32_t applied; /* atomic: how often it was */
  uint16_t fault;  /* its number in the plan, from 1 */
  uint8_t when;    /* enum trireme_fault_when */
  uint8_t action;  /* enum trireme_fault_action */
  uint8_t sides;   /* bit 0: the end that connected, bit 1: the one that listened */
  uint8_t dry;     /* 1: that it would be applied is recorded, and nothing is done: what points a sweep has */
  uint8_t counter; /* of a rule with a limit: which of a connection's `times` is its own */
  uint8_t reserved[5];
};

#define TRIREME_PLAN_LIMITS 32 /* rules with a limit */

/* A logical connection of the trial, followed at both ends in every process. */
struct trireme_connection {
  uint64_t key;    /* atomic: of the pair of addresses; 0: free */
  uint64_t number; /* in the trial, from 1 */
  uint64_t hash;   /* of `id`, what decisions are made from */
  uint64_t moved[2][2]; /* atomic, [client, server][read, written]: bytes so far */
  uint64_t due[2][2];   /* atomic: where the next rule is due: offset << 16 | rule; all ones: nowhere */
  uint32_t ends;        /* atomic: bits 0-1: that side was opened, 2-3: it is closed, 4-5: its end is dead by a fault, 6-7: it was told that
                           the other one is, 8-9: it is to read a reset that the kernel told a write of */
  uint32_t ordinal;     /* the n of its id */
  uint8_t times[TRIREME_PLAN_LIMITS]; /* atomic: how often a rule with a limit was applied here, by its `counter` */
  char id[64], name[64];
};

/* Every function is safe in any thread and any forked child, allocates nothing, and leaves errno alone. */
struct trireme_probe_api {
  uint32_t version; /* TRIREME_PROBE_ABI */
  uint32_t size;    /* of this struct */

  /* From now on records go to the file at `path`, which the harness made. 0, or an errno; on an error (wrong magic,
   * other version, no file) nothing is recorded. `path` is copied. Attaching again replaces the file. */
  int (*attach)(const char* path);

  /* Appends one event of the calling thread's current task at the current time. */
  void (*record)(uint16_t kind, uint64_t id, const char* key, uint32_t key_size, uint16_t type,
                 const void* value, uint32_t value_size);
  /* The same for a given task. */
  void (*record_for)(uint32_t task, uint16_t kind, uint64_t id, const char* key, uint32_t key_size,
                     uint16_t type, const void* value, uint32_t value_size);

  uint32_t (*new_task)(void);      /* a number, unique in the trial */
  uint64_t (*new_operation)(void); /* a number, unique in the trial */
  uint32_t (*current_task)(void);  /* of the calling thread */
  void (*set_task)(uint32_t task); /* of the calling thread; records SWITCH when it changes */
  int (*attached)(void);
  const uint8_t* (*plan)(uint32_t* size); /* the plan block; NULL when not attached */
  uint64_t (*now)(void);                  /* the clock of the records; no time fault moves it */
  /* The current task waits for this descriptor from now on, until it runs again: for a runtime that knows that a call
   * would have to wait, and does not make it. direction: 0 to read, 1 to write. */
  void (*wait_for)(int fd, int direction);
  /* From now on the stacks of C frames are unwound where two meet, and, by SIGRTMIN+13, of threads that hold their loop:
   * for a program whose stacks have room for it. */
  void (*unwind)(void);
  /* This thread, which runs no task, waits as a loop does from now on (1), or no longer (0): for a runtime that waits in
   * something else than a call for events of descriptors. */
  void (*loop_waits)(int waits);
  /* The current task, of that path and name, comes to its point `ordinal`: 0, or by a task fault of the plan 1: it is
   * cancelled there, 2: its time is up. What is applied is recorded as FAULT. A task suffers each fault once. Ordinal 0 is no
   * point: 1 where the plan has faults of tasks at all, so that nobody else has to ask. */
  int (*point)(const char* path, const char* name, uint64_t ordinal);
  /* Whether the current task's next call of that kind (enum trireme_fault_call) fails by the plan: 0, or its errno; what is
   * applied is recorded as FAULT. For calls that the probe does not stand before: TRIREME_CALL_MALLOC. */
  int (*call_fails)(int call);
  /* Asks `source` for the stacks of two tasks that meet, in the thread of the second: it writes at most `size` bytes at
   * `place`, what it knows of the members "stack" and "other_stack" of the SOCKET event, in that order, JSON without the
   * braces, and returns how many. Where it does not know the first, the C frames of the caller are taken. It may not wait for
   * anything that reads or writes. */
  void (*set_stack_source)(uint64_t (*source)(uint32_t other_task, char* place, uint64_t size));
  /* What this thread does, which runs no task, it does for that one from now on (0: for none): faults count its calls and
   * connections as that task's. Who reads is this thread, as before. */
  void (*serve)(uint32_t task);
};

/* NULL when `version` is not this library's. Resolve with dlsym(RTLD_DEFAULT, "trireme_probe"): absent means not
 * preloaded. */
const struct trireme_probe_api* trireme_probe(uint32_t version);

/* For Python: a new reference to a tuple of builtins, in this order:
 *   attach(path: str) -> int
 *   record(kind: int, id: int, key: str, value: int|float|str|bytes|bool|None) -> None   (str is TEXT)
 *   record_json(kind: int, id: int, key: str, json_text: str) -> None
 *   record_for(task: int, kind: int, id: int, key: str, value) -> None
 *   record_json_for(task: int, kind: int, id: int, key: str, json_text: str) -> None
 *   invoke(key: str, value) -> int      (a new operation's id, recorded as INVOKE)
 *   new_task() -> int
 *   current_task() -> int
 *   set_task(task: int) -> None
 *   greenlet_trace(event, args) -> None  (for greenlet.settrace: reads `trireme_task` of the target greenlet, gives
 *                                         it a number when it has none, and calls set_task)
 *   now() -> int
 *   new_operation() -> int               (for an INVOKE whose value is JSON)
 *   set_stack_source(function) -> None   (function(task: int, thread: int) -> str is called in a thread that met that
 *                                         task or thread at a socket: the members "name", "stack", "other_name" and
 *                                         "other_stack" of the SOCKET event, JSON without the braces; None when that
 *                                         task was cancelled and waits no more, though it has not run since: then it
 *                                         is no meeting)
 *   wait_for(fd: int, direction: int) -> None   (the current task waits to read (0) or write (1) until it runs again)
 *   loop_waits(waits: bool) -> None      (as above)
 *   point(path: str, name: str, ordinal: int) -> int   (as above)
 *   step(task: int, send) -> function    (function(value) calls send(value) as that task, which was another before and is
 *                                         so afterwards, and records TASK_END "returned" when it raises: one step of a
 *                                         coroutine, send being its own)
 *   wait_standing(fd: int, beside: bool) -> None   (the current task waits to read until the stack source says that it was
 *                                         cancelled: for what its loop reads in this thread whenever there is something,
 *                                         such as a transport, as which no code runs. `beside`: whatever else this thread
 *                                         reads there is no second reader)
 *   record_marked(kind: int, id: int, key: str, json_text: str) -> None   (record_json with TRIREME_MARKED)
 *   call_fails(call: int) -> tuple[int, int]   (as above, and the nanoseconds that the caller waits before: for a look-up of a
 *                                         name that the C library is not asked for)
 *   serve(task: int) -> None             (as above)
 *   switch_without_hub(event, args) -> None   (greenlet_trace for greenlets that the program switches itself: the one that
 *                                         sleeps in an epoll set, or in a poll for what another was told EAGAIN, is no task)
 *   set_reader_source(function) -> None  (function(task: int) -> str is called in the thread of a loop that spins: the members
 *                                         "reader" and "place" of what is always ready, which that task of wait_standing()
 *                                         reads, JSON without the braces; "" where it knows nothing)
 *   loop_runs(runs: bool) -> None        (this thread begins to run a loop, which is watched from then on even where it has
 *                                         no task, or has ended it: what the thread does then keeps nobody waiting)
 *   own_pairs(own: bool) -> None         (the pairs of sockets and pipes that this thread makes, or connects and accepts, until it
 *                                         says otherwise are its runtime's: they suffer no fault, and are no streams of the program's)
 *   set_writer_source(function) -> None  (function(fd: int) -> str, as that of set_reader_source(): the members "writer" and
 *                                         "place" of what the loop of this thread has for the descriptor to write)
 * Call it once through ctypes.PyDLL(None).trireme_probe_python with restype py_object. NULL with an exception set when
 * this process is no CPython that it knows; None in an interpreter that a program made within its own, of which only the
 * threads are told apart. */
void* trireme_probe_python(void);

#ifdef __cplusplus
}
#endif

#endif /* TRIREME_HARNESS_PROBE_PROBE_ABI_H_ */
