// Tested by tests/src/commands/lcs_test.cc.
//
// LCS: the longest common subsequence of two strings, by the textbook table of the lengths for
// all pairs of prefixes (Cormen et al., "Introduction to Algorithms", chapter 15.4).
//
//   length(i, j) = length(i-1, j-1) + 1                      when a[i-1] = b[j-1]
//                = max(length(i-1, j), length(i, j-1))       otherwise
//
// Of the table only two rows are kept, and for the way back a bit a cell: whether it leads up, to
// length(i-1, j), or left. Redis keeps the table and bounds it by proto-max-bulk-len; the same
// bound on the cells holds here, since they are what the work is.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

struct LcsOptions {
  bool length_only = false;
  bool indexes = false;
  bool with_match_size = false;
  int64_t match_size_min = 0;
};

// A part of both strings that the subsequence takes as a whole.
struct Match {
  size_t a_start;
  size_t b_start;
  size_t size;
};

class LcsTable {
 public:
  LcsTable(std::string_view a, std::string_view b, bool with_way) : a_(a), b_(b) {
    if (with_way) leads_up_.resize((a.size() * b.size() + 63) / 64);
    std::vector<uint32_t> above(b.size() + 1);
    std::vector<uint32_t> row(b.size() + 1);
    for (size_t i = 1; i <= a.size(); ++i) {
      FillRow(i, above, &row, with_way);
      above.swap(row);
    }
    length_ = above[b.size()];
  }

  uint32_t length() const { return length_; }

  // The matches, the last first. Requires: with_way.
  std::vector<Match> Matches() const {
    std::vector<Match> matches;
    size_t i = a_.size();
    size_t j = b_.size();
    bool in_match = false;
    while (i > 0 && j > 0) {
      if (a_[i - 1] == b_[j - 1]) {
        --i, --j;
        if (!in_match) matches.push_back({i, j, 0});
        matches.back() = {i, j, matches.back().size + 1};
        in_match = true;
        continue;
      }
      in_match = false;
      if (LeadsUp(i, j)) {
        --i;
      } else {
        --j;
      }
    }
    return matches;
  }

 private:
  void FillRow(size_t i, const std::vector<uint32_t>& above, std::vector<uint32_t>* row,
               bool with_way) {
    for (size_t j = 1; j <= b_.size(); ++j) {
      if (a_[i - 1] == b_[j - 1]) {
        (*row)[j] = above[j - 1] + 1;
        continue;
      }
      const uint32_t left = (*row)[j - 1];
      (*row)[j] = std::max(above[j], left);
      if (with_way && above[j] > left) SetLeadsUp(i, j);
    }
  }

  size_t BitOf(size_t i, size_t j) const { return (i - 1) * b_.size() + (j - 1); }
  bool LeadsUp(size_t i, size_t j) const {
    const size_t bit = BitOf(i, j);
    return (leads_up_[bit / 64] >> (bit % 64)) & 1;
  }
  void SetLeadsUp(size_t i, size_t j) {
    const size_t bit = BitOf(i, j);
    leads_up_[bit / 64] |= uint64_t{1} << (bit % 64);
  }

  std::string_view a_;
  std::string_view b_;
  uint32_t length_ = 0;
  std::vector<uint64_t> leads_up_;
};

bool ParseLcsOptions(const Args& args, LcsOptions* options, Reply& reply) {
  for (size_t index = 3; index < args.size(); ++index) {
    if (IsWord(args[index], "IDX")) {
      options->indexes = true;
    } else if (IsWord(args[index], "LEN")) {
      options->length_only = true;
    } else if (IsWord(args[index], "WITHMATCHLEN")) {
      options->with_match_size = true;
    } else if (IsWord(args[index], "MINMATCHLEN") && index + 1 < args.size()) {
      const auto size = ReadInteger(args[++index], reply);
      if (!size) return false;
      options->match_size_min = std::max<int64_t>(*size, 0);
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  if (!options->indexes || !options->length_only) return true;
  reply.Error("ERR If you want both the length and indexes, please just use IDX.");
  return false;
}

bool TableIsTooLarge(std::string_view a, std::string_view b) {
  uint64_t cells = 0;
  if (__builtin_mul_overflow(uint64_t{a.size() + 1}, uint64_t{b.size() + 1}, &cells)) return true;
  return cells > StringSizeMax().load(std::memory_order_relaxed) / sizeof(uint32_t);
}

std::string TextOf(const std::vector<Match>& matches, std::string_view a) {
  std::string text;
  for (size_t index = matches.size(); index-- > 0;) {
    text += a.substr(matches[index].a_start, matches[index].size);
  }
  return text;
}

void ReplySpan(size_t start, size_t size, Reply& reply) {
  reply.Array(2);
  reply.Integer(static_cast<int64_t>(start));
  reply.Integer(static_cast<int64_t>(start + size - 1));
}

void ReplyIndexes(std::vector<Match> matches, uint32_t length, const LcsOptions& options,
                  Reply& reply) {
  std::erase_if(matches, [&](const Match& match) {
    return static_cast<int64_t>(match.size) < options.match_size_min;
  });
  reply.Map(2);
  reply.Bulk("matches");
  reply.Array(matches.size());
  for (const Match& match : matches) {
    reply.Array(options.with_match_size ? 3 : 2);
    ReplySpan(match.a_start, match.size, reply);
    ReplySpan(match.b_start, match.size, reply);
    if (options.with_match_size) reply.Integer(static_cast<int64_t>(match.size));
  }
  reply.Bulk("len");
  reply.Integer(length);
}

bool IsString(const Object* object) {
  return object == nullptr || object->type == ObjectType::kString;
}

// LCS key key [LEN | IDX] [MINMATCHLEN size] [WITHMATCHLEN]
//   -> the subsequence; with LEN its size; with IDX the matches, the last first, and the size
void Lcs(const Args& args, Tx& tx, Reply& reply) {
  const Object* a_object = tx.Find(args[1]);
  const Object* b_object = tx.Find(args[2]);
  if (!IsString(a_object) || !IsString(b_object)) {
    return reply.Error("ERR The specified keys must contain string values");
  }
  LcsOptions options;
  if (!ParseLcsOptions(args, &options, reply)) return;
  const std::string_view a = a_object == nullptr ? std::string_view() : a_object->value();
  const std::string_view b = b_object == nullptr ? std::string_view() : b_object->value();
  if (TableIsTooLarge(a, b)) {
    return reply.Error(
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }

  const LcsTable table(a, b, /*with_way=*/!options.length_only);
  if (options.length_only) return reply.Integer(table.length());
  if (options.indexes) return ReplyIndexes(table.Matches(), table.length(), options, reply);
  reply.Bulk(TextOf(table.Matches(), a));
}

constexpr KeySpec kRoAccessTwo[] = {{.flags = "RO access", .last = 1}};

constexpr ArgDoc kLcsArguments[] = {
    {.name = "key1", .type = "key", .key_spec_index = 0},
    {.name = "key2", .type = "key", .key_spec_index = 0},
    {.name = "len", .type = "pure-token", .token = "LEN", .flags = "optional"},
    {.name = "idx", .type = "pure-token", .token = "IDX", .flags = "optional"},
    {.name = "len", .type = "integer", .token = "MINMATCHLEN", .flags = "optional"},
    {.name = "withmatchlen", .type = "pure-token", .token = "WITHMATCHLEN", .flags = "optional"},
};

constexpr Command kLcsCommands[] = {
    {.name = "lcs",
     .arity = -3,
     .flags = kCmdReadonly,
     .acl = kAclString,
     .key_specs = kRoAccessTwo,
     .data = Lcs,
     .summary = "Find longest common substring",
     .since = "7.0.0",
     .group = "string",
     .complexity = "O(N*M) where N and M are the lengths of s1 and s2, respectively",
     .arguments = kLcsArguments},
};

}  // namespace

std::span<const Command> LcsCommands() {
  return kLcsCommands;
}

}  // namespace hearth
