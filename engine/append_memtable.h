#pragma once

// AppendMemtable: a RocksDB memtable that appends when a row is written and sorts later.
//
// Hot reads never reach RocksDB here, so its memtable sees a flood of inserts, rare reads and one
// full iteration at flush. A skip list pays for order on every insert: a search that misses the
// cache some twenty times. This table pays for order in bulk, on another thread.
//
// THE ALGORITHM
//
//   writer ->  [ block ] -> [ block ] -> [ open block ]       in order of arrival, linked
//                  |  sorter: sort
//                  v
//              tier 0: sorted runs of 1 block    --- kAppendFanout of them --> merge into 1 of
//              tier 1: sorted runs of 8 blocks   --- kAppendFanout of them --> merge into 1 of
//              tier 2: sorted runs of 64 blocks       (kept as they are)
//
// An entry is the row's pointer and the first 16 bytes of its user key as two big-endian numbers,
// taken at insert while the row is in the cache. 16 bytes cover table tag, db id, position and 3
// more bytes, so sorting, merging and searching rarely touch a row; KeyComparator settles ties.
//
// - Insert: O(1). The entry goes to the open block, whose count is published with a release
//   store. A full block is linked to a fresh one and the sorter is woken. The writer takes no lock:
//   it cannot wait for a reader. If more than kAppendUnsortedBlocksMax full blocks are unsorted
//   (the sorter is starved), the writer sorts the block it has just filled, and so keeps the bound.
// - The sorter: one thread for the whole process, born with the first memtable and joined by the
//   last one's destructor. It takes one step at a time, sorts before merges: sort one block (about
//   0.1 ms), or merge kAppendFanout runs of one tier (at most 64 blocks, about 3 ms).
// - A reader takes the runs, the full blocks not yet among them, and the open block up to its
//   count. A full block nobody sorted is sorted by the reader and published for all. Of the open
//   block the reader sorts what came since the last read of it, as a run of its own; these small
//   runs are merged while one is less than twice the next, so there are at most log2(block) + 1
//   of them, and published for the next reader. One reading call thus sorts at most
//   kAppendReaderSortMax entries, whatever the sorter does; a test holds it to that.
// - Then it binary-searches every run: entries / 131072 + 7 + 7 runs when the sorter keeps up, one
//   more for each block it is behind. Iterators merge the runs through a heap; Next and
//   Prev cost O(log runs), a change of direction O(runs).
// - Get asks a filter first (append_filter.h), which lags behind the open block by a few entries
//   that Get compares itself. RocksDB's own memtable filter would do, but takes its cache miss at
//   once: 0.15 us a row when two threads lead in turn.
// - Flush iterates the same way, 0.13 us a row over 13 runs (skip list 0.27). MarkReadOnly hands
//   the open block to the sorter; nothing is merged for the flush, which begins at once.
// - Memory: 24 bytes an entry beside the row, once the sorter has caught up. More than that, for a
//   moment: the blocks not yet adopted (as much again for those a reader sorted, and the rest of
//   the open block), and for the whole process one merge's outputs, at most 6 MiB.
//   The filter, of fixed size, is beside all this.
//
// Measured, 1M random rows of 27 + 100 bytes in batches of 64, WAL on, 2 cores, beside the skip
// list: put 0.46 us (3.3-3.8), CPU with flushes 0.9-1.1 us a put (3.9-4.5), Get of a present
// key 2.8 us at rest (4.2) and 38 us, p99 146, while the writer runs flat out (4-8). Without the 16
// bytes of prefix: 15 us at rest, 600 us under the writer, CPU 1.9. An 8-byte prefix is as fast for
// head rows and none at all for element rows, whose object ids begin with zeros.
//
// FACTS ABOUT ROCKSDB 7.8.3 THAT SHAPE IT
//
// - Allocator and Arena are incomplete types outside RocksDB: rows are allocated by the inherited
//   MemTableRep::Allocate.
// - LookupKey is opaque: Get can only be the base's, which asks GetDynamicPrefixIterator() for an
//   iterator and never deletes it. So Get is overridden to put an iterator on its own stack, name
//   it in a thread_local for the length of the base's Get, and hand that one out. Nothing
//   outlives the call, so nothing dangles when the memtable goes.
// - An iterator made for an arena is destroyed by ~Iterator() alone; its storage is never freed.
//   Such an iterator's destructor leaves its storage to the thread that runs it: the thread keeps
//   the one storage destroyed last, for its next arena iterator, and frees the one before. It
//   cannot be freed at once, the destructor is still running in it. One object a thread at most.
// - ApproximateMemoryUsage is called for each insert, so it is one relaxed load. The list of
//   immutable memtables adds it when a memtable enters, just before MarkReadOnly, subtracts it when
//   it leaves, and asserts that it has not grown: it depends on inserts alone, never on the sorter.
//
// Requires:  BytewiseComparator without timestamps (checked on a few keys at creation), and
//            allow_concurrent_memtable_write=false (RocksDB refuses to open otherwise).
// Thread:    one writer (RocksDB's write leader), any readers, the sorter. A reader sees every
//            entry whose insertion ended before it began.
// Lifetime:  iterators must not outlive the memtable. An iterator is a snapshot of the entries at
//            its creation. The destructor waits for the sorter's step in this memtable, if any.
// Errors:    none; out of memory is std::bad_alloc.

#include <rocksdb/memtablerep.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace hearth {

inline constexpr size_t kAppendBlockEntries = 2048;
inline constexpr size_t kAppendFanout = 8;
inline constexpr size_t kAppendTierMax = 2;
inline constexpr size_t kAppendUnsortedBlocksMax = 4;
// What one reading call sorts at most: the unsorted full blocks, the one the writer is about to
// sort itself, and the open block.
inline constexpr size_t kAppendReaderSortMax = (kAppendUnsortedBlocksMax + 2) * kAppendBlockEntries;

// A filter of this size makes most Gets of absent keys cheap: a byte an expected entry leaves
// about 5 in 100 of them to be searched for.
inline constexpr size_t kAppendFilterBytesDefault = 64 << 10;
std::shared_ptr<rocksdb::MemTableRepFactory> NewAppendMemtableFactory(
    size_t filter_size_bytes = kAppendFilterBytesDefault);

// Work done since the process began, all memtables together.
struct AppendMemtableCounters {
  uint64_t reader_sorted_entries = 0;
  uint64_t reader_sorted_entries_max = 0;  // by one reading call
  uint64_t reader_runs_max = 0;            // searched by one reading call
  uint64_t writer_sorted_blocks = 0;       // the sorter was starved
  uint64_t sorter_sorted_blocks = 0;
  uint64_t sorter_merged_entries = 0;
  uint64_t filtered_gets = 0;  // answered by the filter: nothing was sorted or searched
};
AppendMemtableCounters ReadAppendMemtableCounters();

// While one exists the sorter takes no new step. For tests of the bounds without it.
class PausedAppendSorter {
 public:
  PausedAppendSorter();
  ~PausedAppendSorter();
  PausedAppendSorter(const PausedAppendSorter&) = delete;
  PausedAppendSorter& operator=(const PausedAppendSorter&) = delete;
};

}  // namespace hearth
