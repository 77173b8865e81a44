// Tested by tests/engine/append_sort_test.cc.
#include "engine/append_sort.h"

#include <algorithm>
#include <iterator>

namespace hearth::append {
namespace {

constexpr size_t kSampleSize = 64;   // entries that tell the direction
constexpr size_t kDroppedRatio = 8;  // more than one in so many out of order: sorted as a whole
constexpr int kGallopFrom = 8;       // entries of one run in a row

// Keeps what ascends and drops the rest; when the kept one is out of order rather than the next,
// that one. False when too many are dropped. After Emil Ernerfeldt's drop-merge sort.
template <typename Iterator>
bool KeepAscending(Iterator at, Iterator end, Entry* kept, std::vector<Entry>& dropped) {
  const EntryLess less;
  const Entry* const begin = kept;
  const size_t dropped_max = static_cast<size_t>(end - at) / kDroppedRatio;
  for (; at != end; ++at) {
    if (kept == begin || less(kept[-1], *at)) {
      *kept++ = *at;
    } else if (dropped.size() == dropped_max) {
      return false;
    } else if (kept - begin < 2 || less(kept[-2], *at)) {
      dropped.push_back(std::exchange(kept[-1], *at));
    } else {
      dropped.push_back(*at);
    }
  }
  return true;
}

bool MostlyDescends(const Entry* entries, size_t count) {
  const EntryLess less;
  const size_t pair_count = std::min(count, kSampleSize) - 1;
  size_t descents = 0;
  for (size_t i = 0; i < pair_count; ++i) descents += less(entries[i + 1], entries[i]) ? 1 : 0;
  return descents * 2 > pair_count;
}

// Merges the dropped ones into the kept ones, from the end: the run has room for both.
void TakeBack(Entry* begin, Entry* kept_end, std::vector<Entry>& dropped) {
  const EntryLess less;
  std::sort(dropped.begin(), dropped.end(), less);
  while (!dropped.empty() && kept_end != begin) {
    Entry* const place = std::upper_bound(begin, kept_end, dropped.back(), less);
    std::move_backward(place, kept_end, kept_end + dropped.size());
    kept_end = place;
    place[dropped.size() - 1] = dropped.back();
    dropped.pop_back();
  }
  std::copy(dropped.begin(), dropped.end(), begin);
}

// The first that is not less than the bound.
const Entry* Gallop(const Entry* at, const Entry* end, const Entry& bound) {
  const EntryLess less;
  ptrdiff_t step = kGallopFrom;
  while (end - at > step && less(at[step], bound)) {
    at += step + 1;
    step *= 2;
  }
  return std::lower_bound(at, end - at > step ? at + step : end, bound, less);
}

}  // namespace

Run SortedCopy(const Entry* entries, size_t count) {
  auto run = std::make_shared<EntryArray>(count);
  if (count == 0) return run;
  const Entry* const end = entries + count;
  std::vector<Entry> dropped;
  const bool kept = MostlyDescends(entries, count)
                        ? KeepAscending(std::reverse_iterator(end), std::reverse_iterator(entries),
                                        run->begin(), dropped)
                        : KeepAscending(entries, end, run->begin(), dropped);
  if (kept) {
    TakeBack(run->begin(), run->end() - dropped.size(), dropped);
  } else {
    std::copy(entries, end, run->begin());
    std::sort(run->begin(), run->end(), EntryLess());
  }
  return run;
}

Run Merged(const Run& one, const Run& other) {
  const EntryLess less;
  auto run = std::make_shared<EntryArray>(one->count() + other->count());
  const Entry *a = one->begin(), *a_end = one->end(), *b = other->begin(), *b_end = other->end();
  const auto swap = [&] {
    std::swap(a, b);
    std::swap(a_end, b_end);
  };
  if (less(*b, *a)) swap();
  Entry* to = run->begin();
  while (true) {  // *a is the least of all
    int in_row = 0;
    do {
      *to++ = *a++;
      if (++in_row == kGallopFrom) {
        const Entry* const next = Gallop(a, a_end, *b);
        to = std::copy(a, next, to);
        a = next;
        break;
      }
    } while (a != a_end && less(*a, *b));
    if (a == a_end) break;
    swap();
  }
  std::copy(b, b_end, to);
  return run;
}

}  // namespace hearth::append
