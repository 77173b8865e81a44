#include "engine/append_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

#include "tests/engine/append_rows.h"

namespace hearth::append {
namespace {

// Entries of keys that were written one after the other.
class Written {
 public:
  void Add(const std::string& key) {
    const std::string& row = rows_.emplace_back(RowOf(key, ++sequence_));
    entries_.push_back(EntryOfRow(row.data()));
  }
  void AddNumber(uint64_t number) {
    std::string key = "m" + std::string(20, '\0');
    for (size_t i = 0; i < 8; ++i) key[20 - i] = static_cast<char>(number >> (8 * i));
    Add(key);
  }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::deque<std::string> rows_;
  std::vector<Entry> entries_;
  uint64_t sequence_ = 0;
};

std::vector<const char*> RowsOf(const Entry* begin, const Entry* end) {
  std::vector<const char*> rows;
  for (; begin != end; ++begin) rows.push_back(begin->row);
  return rows;
}

std::vector<const char*> RowsOf(const Run& run) {
  return RowsOf(run->begin(), run->end());
}

std::vector<const char*> Expected(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(), EntryLess());
  return RowsOf(entries.data(), entries.data() + entries.size());
}

// How rows come: `order` 1 up, -1 down, 0 at random; one in `break_every` is another's, of the
// few or of anywhere.
struct Shape {
  int order;
  uint64_t break_every;
  bool of_few;
};

Written Write(const Shape& shape, size_t count, std::mt19937_64& random) {
  Written written;
  for (size_t i = 0; i < count; ++i) {
    if (shape.break_every != 0 && random() % shape.break_every == 0) {
      shape.of_few ? written.Add(random() % 2 ? "state" : "a") : written.AddNumber(random());
    } else if (shape.order == 0) {
      written.AddNumber(random() % (2 * count));
    } else {
      written.AddNumber((uint64_t{1} << 62) + (shape.order > 0 ? i : count - i));
    }
  }
  return written;
}

std::vector<Shape> Shapes() {
  std::vector<Shape> shapes;
  for (const int order : {-1, 0, 1}) {
    shapes.push_back({order, 0, false});
    for (const uint64_t break_every : {2, 9, 40, 1000}) {
      shapes.push_back({order, break_every, true});
      shapes.push_back({order, break_every, false});
    }
  }
  return shapes;
}

TEST(AppendSortTest, EntriesOfEveryShapeAreSorted) {
  std::mt19937_64 random(1);
  for (const Shape& shape : Shapes()) {
    for (const size_t count : {0, 1, 2, 3, 9, 64, 65, 1000}) {
      SCOPED_TRACE(testing::Message() << shape.order << " " << shape.break_every << " "
                                      << shape.of_few << ", " << count << " entries");
      const Written written = Write(shape, count, random);
      EXPECT_EQ(RowsOf(SortedCopy(written.entries().data(), count)), Expected(written.entries()));
    }
  }
}

TEST(AppendSortTest, RunsOfEveryShapeAreMerged) {
  std::mt19937_64 random(2);
  for (const Shape& shape : Shapes()) {
    for (const size_t count : {2, 3, 30, 1000}) {
      const Written written = Write(shape, count, random);
      const std::vector<Entry>& entries = written.entries();
      for (const size_t cut : {size_t{1}, count / 2, count - 1}) {
        SCOPED_TRACE(testing::Message() << shape.order << " " << shape.break_every << " "
                                        << shape.of_few << ", " << count << " cut at " << cut);
        const auto a = SortedCopy(entries.data(), cut);
        const auto b = SortedCopy(entries.data() + cut, count - cut);
        EXPECT_EQ(RowsOf(Merged(a, b)), Expected(entries));
        EXPECT_EQ(RowsOf(Merged(b, a)), Expected(entries));
      }
    }
  }
}

}  // namespace
}  // namespace hearth::append
