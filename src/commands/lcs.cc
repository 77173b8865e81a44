// LCS: the longest common subsequence of two strings, by the usual dynamic programming table
// (Wagner and Fischer, 1974). Tested by tests/src/commands/string_test.cc and tests/oracle.
#include <vector>

#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

constexpr uint64_t kTableCellsMax = uint64_t{1} << 30;  // 4 GiB of lengths

struct Options {
  bool length = false, index = false, with_length = false;
  int64_t match_length_min = 0;
};

struct Match {
  uint32_t a_first, a_last, b_first, b_last;
  uint32_t size() const { return a_last - a_first + 1; }
};

bool ParseOptions(const Args& args, Options* options, Reply& reply) {
  for (size_t i = 3; i < args.size(); ++i) {
    if (IsWord(args[i], "IDX")) {
      options->index = true;
    } else if (IsWord(args[i], "LEN")) {
      options->length = true;
    } else if (IsWord(args[i], "WITHMATCHLEN")) {
      options->with_length = true;
    } else if (IsWord(args[i], "MINMATCHLEN") && i + 1 < args.size()) {
      const auto value = ParseInt64(args[++i]);
      if (!value) {
        reply.Error(kErrNotInteger);
        return false;
      }
      options->match_length_min = std::max<int64_t>(0, *value);
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  if (options->index && options->length) {
    reply.Error("ERR If you want both the length and indexes, please just use IDX.");
    return false;
  }
  return true;
}

// lengths[i * (b + 1) + j] = length for the first i bytes of a and j of b.
std::vector<uint32_t> FillTable(std::string_view a, std::string_view b) {
  const size_t width = b.size() + 1;
  std::vector<uint32_t> lengths((a.size() + 1) * width);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      lengths[i * width + j] = a[i - 1] == b[j - 1]
                                   ? lengths[(i - 1) * width + j - 1] + 1
                                   : std::max(lengths[(i - 1) * width + j],
                                              lengths[i * width + j - 1]);
    }
  }
  return lengths;
}

// Walks the table back from its end; matches come last first.
std::string WalkBack(std::string_view a, std::string_view b, const std::vector<uint32_t>& lengths,
                     std::vector<Match>* matches) {
  const size_t width = b.size() + 1;
  std::string common(lengths.back(), '\0');
  size_t i = a.size(), j = b.size(), left = common.size();
  while (i > 0 && j > 0) {
    if (a[i - 1] == b[j - 1]) {
      common[--left] = a[i - 1];
      const auto ai = static_cast<uint32_t>(i - 1), bj = static_cast<uint32_t>(j - 1);
      if (!matches->empty() && matches->back().a_first == ai + 1 &&
          matches->back().b_first == bj + 1) {
        matches->back().a_first = ai;
        matches->back().b_first = bj;
      } else {
        matches->push_back({ai, ai, bj, bj});
      }
      --i;
      --j;
    } else if (lengths[(i - 1) * width + j] > lengths[i * width + j - 1]) {
      --i;
    } else {
      --j;
    }
  }
  return common;
}

void ReplyMatches(const std::vector<Match>& matches, const Options& options, size_t length,
                  Reply& reply) {
  std::vector<Match> shown;
  for (const Match& match : matches) {
    if (match.size() >= options.match_length_min) shown.push_back(match);
  }
  reply.Map(2);
  reply.Bulk("matches");
  reply.Array(shown.size());
  for (const Match& match : shown) {
    reply.Array(options.with_length ? 3 : 2);
    reply.Array(2);
    reply.Integer(match.a_first);
    reply.Integer(match.a_last);
    reply.Array(2);
    reply.Integer(match.b_first);
    reply.Integer(match.b_last);
    if (options.with_length) reply.Integer(match.size());
  }
  reply.Bulk("len");
  reply.Integer(static_cast<int64_t>(length));
}

// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN]
void Lcs(const Args& args, Tx& tx, Reply& reply) {
  const Object* a_object = tx.Find(args[1]);
  const Object* b_object = tx.Find(args[2]);
  for (const Object* object : {a_object, b_object}) {
    if (object != nullptr && object->type != ObjectType::kString) {
      return reply.Error("ERR The specified keys must contain string values");
    }
  }
  Options options;
  if (!ParseOptions(args, &options, reply)) return;
  const std::string_view a = a_object != nullptr ? a_object->value() : std::string_view();
  const std::string_view b = b_object != nullptr ? b_object->value() : std::string_view();
  if ((uint64_t{a.size()} + 1) * (uint64_t{b.size()} + 1) > kTableCellsMax) {
    return reply.Error("ERR Insufficient memory, transient memory for LCS exceeds "
                       "proto-max-bulk-len");
  }
  const std::vector<uint32_t> lengths = FillTable(a, b);
  if (options.length) return reply.Integer(lengths.back());
  std::vector<Match> matches;
  const std::string common = WalkBack(a, b, lengths, &matches);
  if (options.index) return ReplyMatches(matches, options, common.size(), reply);
  reply.Bulk(common);
}

constexpr KeySpec kBothKeys[] = {{.flags = "RO ACCESS", .last = 1}};

constexpr Command kCommands[] = {
    {.name = "lcs", .arity = -3, .flags = kCmdReadonly, .acl = kAclString,
     .key_specs = kBothKeys, .data = Lcs},
};

}  // namespace

std::span<const Command> LcsCommands() { return kCommands; }

}  // namespace hearth
