/* What sample.bpf.c and the collector share, verbatim. C for both: fixed width, no padding. */
#ifndef WATCHFIRE_COLLECTORS_EBPF_SAMPLE_ABI_H
#define WATCHFIRE_COLLECTORS_EBPF_SAMPLE_ABI_H

#include <linux/types.h>

#define WF_MAX_USER_FRAMES 127
#define WF_MAX_KERNEL_FRAMES 127
/* A power of two that holds both stacks, so that masking an index bounds it for the verifier. */
#define WF_MAX_FRAMES 256

/* Why the walk of a user stack ended; the values of watchfire::StackEnd. */
enum wf_stack_end {
  WF_END_NO_USER_STACK = 0,
  WF_END_OF_CHAIN = 1,
  WF_END_BAD_FRAME_POINTER = 2,
  WF_END_FAULT = 3,
  WF_END_DEPTH = 4,
  WF_END_UNSUPPORTED_CODE = 5,
};

/* One sample: this header, then kernel_frames + user_frames addresses, leaf first, kernel side first. */
struct wf_sample {
  __u64 boot_ns;         /* CLOCK_BOOTTIME when the timer fired */
  __u64 start_boot_ns;   /* CLOCK_BOOTTIME when the process (its first thread) started */
  __u64 runtime_ns;      /* CPU time of the thread since its start, as the scheduler accounts it */
  __u64 cgroup_id;       /* inode of the cgroup in the unified hierarchy */
  __u64 parent_start_ns; /* CLOCK_BOOTTIME when the parent process started */
  __u32 pid;             /* tgid in the collector's pid namespace, 0: the process is outside of it */
  __u32 tid;             /* the same of the thread */
  __u32 exec_id;         /* low half of self_exec_id of the main thread; a child has its parent's until it calls exec */
  __u32 parent_pid;      /* as pid */
  __u32 parent_exec_id;  /* the parent's now */
  __u16 kernel_frames;   /* how many addresses are the kernel's */
  __u16 user_frames;     /* how many follow of the process */
  __u32 user_end;        /* enum wf_stack_end */
  __u32 is_kernel_thread; /* 1: has no user side */
  char comm[16];          /* of the thread, NUL-terminated */
  char process_comm[16];  /* of the main thread, NUL-terminated */
  __u64 frames[WF_MAX_FRAMES];
};
#define WF_SAMPLE_HEADER_BYTES 104

/* Per-CPU totals since the start; fired = idle + output + failed. */
struct wf_counts {
  __u64 fired;  /* times the timer fired */
  __u64 idle;   /* of these, in the idle task: not reported one by one */
  __u64 output; /* of these, handed to the ring */
  __u64 failed; /* of these, refused by the ring: it was full */
};

#ifdef __cplusplus
static_assert(sizeof(wf_sample) == WF_SAMPLE_HEADER_BYTES + 8 * WF_MAX_FRAMES);
static_assert(sizeof(wf_counts) == 32);
#else
_Static_assert(sizeof(struct wf_sample) == WF_SAMPLE_HEADER_BYTES + 8 * WF_MAX_FRAMES, "no padding");
_Static_assert(sizeof(struct wf_counts) == 32, "no padding");
#endif

#endif
