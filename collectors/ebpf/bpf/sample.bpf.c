/* The sampler: runs at each timer event on each CPU, walks both stacks and hands the whole sample to the CPU's own
 * perf ring. It holds no lock and shares nothing with programs that run in other contexts. Kernel 5.15 or newer. */
// clang-format off: the helpers need the kernel's types first.
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#include "../sample_abi.h"

/* Only the fields we read, found by name in the running kernel's BTF. */
struct sched_entity {
  __u64 sum_exec_runtime;
} __attribute__((preserve_access_index));

struct mm_struct;

struct ns_common {
  unsigned int inum;
} __attribute__((preserve_access_index));

struct pid_namespace {
  struct ns_common ns;
} __attribute__((preserve_access_index));

struct upid {
  int nr;
  struct pid_namespace* ns;
} __attribute__((preserve_access_index));

/* One number a namespace, the outermost first. */
struct pid {
  unsigned int level;
  struct upid numbers[1];
} __attribute__((preserve_access_index));

struct task_struct {
  unsigned int flags;
  int pid;
  int tgid;
  struct mm_struct* mm;
  struct task_struct* group_leader;
  struct task_struct* real_parent;
  struct pid* thread_pid;
  __u64 start_boottime;
  __u64 self_exec_id;
  char comm[16];
  struct sched_entity se;
} __attribute__((preserve_access_index));

struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __type(key, __u32);
  __type(value, __u32);
} samples SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct wf_sample);
} scratch SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct wf_counts);
} counts SEC(".maps");

/* Inode of the pid namespace whose numbers are reported; 0: the initial one. Set before loading. */
const volatile __u32 pid_namespace_inode = 0;
#define MAX_PID_LEVELS 8

/* A frame pointer further above the stack pointer than this is taken for something else. */
#define MAX_STACK_BYTES (64ULL << 20)
#define USER_END (1ULL << 47)
/* Where Go's heap, and with it the stacks of goroutines, begins on 64-bit systems. */
#define GO_HEAP_START (0xc0ULL << 32)
#define GO_HEAP_END (0xe0ULL << 32)
#define FIRST_PAGE 4096

/* Of task_struct's flags. */
#define PF_KTHREAD 0x00200000

#define CS_USER_BITS 3
#define CS_USER_32 0x23

static __always_inline int is_user(const struct pt_regs* regs) {
  return (regs->cs & CS_USER_BITS) == CS_USER_BITS;
}

/* Appends one user address behind the kernel's. */
static __always_inline void push(struct wf_sample* s, __u64 address) {
  s->frames[(s->kernel_frames + s->user_frames) & (WF_MAX_FRAMES - 1)] = address;
  s->user_frames++;
}

/* Go's runtime works on the thread's own stack and links down from there to the goroutine's; anything else that does
 * not climb has ended, or runs in a circle. */
static __always_inline int enters_goroutine(__u64 from, __u64 to) {
  return to >= GO_HEAP_START && to < GO_HEAP_END && from >= GO_HEAP_END;
}

/* Follows the chain of frame pointers. Each step is checked before it reads, since a read that faults costs more
 * than the rest of the walk. */
static __always_inline __u32 walk_user(struct wf_sample* s, __u64 ip, __u64 sp, __u64 fp) {
  push(s, ip);
  for (int i = 1; i < WF_MAX_USER_FRAMES; i++) {
    struct {
      __u64 next;
      __u64 return_address;
    } frame;
    if (fp < FIRST_PAGE) return WF_END_OF_CHAIN;
    if ((fp & 7) != 0 || fp < sp || fp - sp > MAX_STACK_BYTES || fp >= USER_END) return WF_END_BAD_FRAME_POINTER;
    if (bpf_probe_read_user(&frame, sizeof(frame), (const void*)fp) != 0) return WF_END_FAULT;
    if (frame.return_address == 0) return WF_END_OF_CHAIN;
    if (frame.return_address < FIRST_PAGE || frame.return_address >= USER_END) return WF_END_BAD_FRAME_POINTER;
    push(s, frame.return_address);
    if (frame.next < FIRST_PAGE) return WF_END_OF_CHAIN;
    if (enters_goroutine(fp, frame.next))
      sp = frame.next;
    else if (frame.next <= fp)
      return WF_END_BAD_FRAME_POINTER;
    else
      sp = fp;
    fp = frame.next;
  }
  return WF_END_DEPTH;
}

static __always_inline void walk_kernel(struct wf_sample* s, void* ctx) {
  long bytes = bpf_get_stack(ctx, s->frames, WF_MAX_KERNEL_FRAMES * sizeof(__u64), 0);
  s->kernel_frames = bytes > 0 ? bytes / sizeof(__u64) : 0;
}

/* The task's number in our namespace, 0 when it has none there. */
static __always_inline __u32 visible_pid(struct task_struct* task, __u32 initial) {
  struct pid* pid = task->thread_pid;
  const char* numbers;
  if (pid_namespace_inode == 0) return initial;
  if (!pid) return 0;
  numbers = (const char*)&pid->numbers;
  for (int i = 0; i < MAX_PID_LEVELS; i++) {
    const struct upid* u = (const struct upid*)(numbers + i * bpf_core_type_size(struct upid));
    if (i > BPF_CORE_READ(pid, level)) break;
    if (BPF_CORE_READ(u, ns, ns.inum) == pid_namespace_inode) return BPF_CORE_READ(u, nr);
  }
  return 0;
}

static __always_inline void describe(struct wf_sample* s, struct task_struct* task) {
  struct task_struct* leader = task->group_leader;
  struct task_struct* parent = leader->real_parent->group_leader;
  s->boot_ns = bpf_ktime_get_boot_ns();
  s->pid = visible_pid(leader, task->tgid);
  s->tid = visible_pid(task, task->pid);
  s->runtime_ns = task->se.sum_exec_runtime;
  s->start_boot_ns = leader->start_boottime;
  s->parent_pid = visible_pid(parent, parent->tgid);
  s->parent_start_ns = parent->start_boottime;
  s->parent_exec_id = parent->self_exec_id;
  s->exec_id = leader->self_exec_id;
  s->is_kernel_thread = (task->flags & PF_KTHREAD) != 0;
  s->cgroup_id = bpf_get_current_cgroup_id();
  bpf_get_current_comm(s->comm, sizeof(s->comm));
  bpf_probe_read_kernel(s->process_comm, sizeof(s->process_comm), leader->comm);
}

static __always_inline void walk(struct wf_sample* s, struct bpf_perf_event_data* ctx, struct task_struct* task) {
  struct pt_regs* regs;
  s->kernel_frames = 0;
  s->user_frames = 0;
  s->user_end = WF_END_NO_USER_STACK;
  if (is_user(&ctx->regs)) {
    if (ctx->regs.cs == CS_USER_32) {
      push(s, ctx->regs.rip);
      s->user_end = WF_END_UNSUPPORTED_CODE;
    } else {
      s->user_end = walk_user(s, ctx->regs.rip, ctx->regs.rsp, ctx->regs.rbp);
    }
    return;
  }
  walk_kernel(s, ctx);
  if (s->is_kernel_thread || task->mm == 0) return; /* or exiting: its memory is gone */
  regs = (struct pt_regs*)bpf_task_pt_regs(task);
  if (!is_user(regs)) return;
  s->user_end = walk_user(s, regs->rip, regs->rsp, regs->rbp);
}

SEC("perf_event")
int watchfire_sample(struct bpf_perf_event_data* ctx) {
  __u32 zero = 0;
  struct wf_counts* count = bpf_map_lookup_elem(&counts, &zero);
  struct wf_sample* s = bpf_map_lookup_elem(&scratch, &zero);
  struct task_struct* task = bpf_get_current_task_btf();
  __u32 frames;
  if (!count || !s) return 0;
  count->fired++;
  if (task->pid == 0) {
    count->idle++;
    return 0;
  }
  describe(s, task);
  walk(s, ctx, task);
  frames = s->kernel_frames + s->user_frames;
  if (frames > WF_MAX_FRAMES) frames = WF_MAX_FRAMES;
  if (bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, s, WF_SAMPLE_HEADER_BYTES + frames * sizeof(__u64)) == 0)
    count->output++;
  else
    count->failed++;
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
