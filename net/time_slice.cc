// Tested by tests/net/worker_test.cc.
#include "net/time_slice.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hearth {
namespace {

// struct sched_attr of sched_setattr(2): libc has none before glibc 2.41.
struct Attributes {
  uint32_t size = 0;
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0;
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;
  uint32_t utilization_min = 0;
  uint32_t utilization_max = 0;
};

bool Read(Attributes* attributes) {
  return ::syscall(SYS_sched_getattr, 0, attributes, sizeof(*attributes), 0) == 0 &&
         attributes->policy == SCHED_OTHER;
}

}  // namespace

void AskForTimeSlice(uint64_t slice_ns) {
  Attributes attributes;
  if (!Read(&attributes)) return;
  attributes.runtime_ns = slice_ns;
  (void)::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

uint64_t TimeSliceNs() {
  Attributes attributes;
  return Read(&attributes) ? attributes.runtime_ns : 0;
}

}  // namespace hearth
