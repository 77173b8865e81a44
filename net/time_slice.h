#pragma once

// How long a thread may run at once before another that is ready gets the processor.
//
// A thread that asks for short slices and wakes runs before what computes in the background
// (flushes, compactions, other processes), instead of behind their slices of milliseconds; its
// share of the processor stays the same. Linux heeds it from 6.12 on (sched_runtime in
// sched_setattr(2)); an older one ignores it.
//
// Thread: each asks for itself.
// Errors: none; what can't be had is not there.

#include <cstdint>

namespace hearth {

// Linux grants 100,000 ns and more. Leaves a thread alone whose scheduling policy somebody chose.
void AskForTimeSlice(uint64_t slice_ns);
// 0: the kernel tells none.
uint64_t TimeSliceNs();

}  // namespace hearth
