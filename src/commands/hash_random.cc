// Tested by tests/src/commands/hash_random_test.cc.
#include <vector>

#include "engine/hash.h"
#include "engine/random.h"
#include "src/commands/draw.h"
#include "src/commands/groups.h"
#include "src/commands/hash.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

using Field = HashKey::Field;

// A draw walks a small hash: from a few draws on, a list of all fields is cheaper.
constexpr size_t kSmallFieldsMax = 1024;
constexpr size_t kDrawsBySmall = 3;

bool IsListed(const HashKey& hash, uint64_t draws) {
  return draws >= kDrawsBySmall && hash.size() <= kSmallFieldsMax;
}

// RESP3 has an array of pairs, RESP2 one of twice the size.
void BeginFields(size_t count, bool with_values, Reply& reply) {
  reply.Array(with_values && reply.protocol() == 2 ? count * 2 : count);
}

void ReplyField(const Field& field, bool with_values, Reply& reply) {
  if (with_values && reply.protocol() > 2) reply.Array(2);
  reply.Bulk(field.name);
  if (with_values) reply.Bulk(field.value);
}

// Different fields; all of them when there are not as many as wanted.
std::vector<Field> Draw(const HashKey& hash, size_t wanted) {
  if (wanted >= hash.size()) return AllOf<Field>(hash);
  if (IsListed(hash, wanted)) {
    auto fields = AllOf<Field>(hash);
    ShuffleFirst(&fields, wanted);
    fields.resize(wanted);
    return fields;
  }
  return DrawDifferent<Field>(hash, wanted, [](const Field& field) { return field.name; });
}

// Fields drawn again and again.
void ReplyDraws(const HashKey& hash, uint64_t count, bool with_values, Reply& reply) {
  std::vector<Field> all;
  if (IsListed(hash, count)) all = AllOf<Field>(hash);
  BeginFields(count, with_values, reply);
  for (; count > 0 && !reply.muted(); --count) {
    ReplyField(all.empty() ? hash.Random() : all[RandomBits() % all.size()], with_values, reply);
  }
}

}  // namespace

// HRANDFIELD key [count [WITHVALUES]] -> a field, or null; with count an array: of different
// fields when it is positive, of -count draws when it is negative
void HRandField(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (args.size() < 3) {
    if (!FindHash(args[1], tx, reply, &found)) return;
    if (found == nullptr) return reply.Null();
    return reply.Bulk(HashKey(tx, args[1], found).Random().name);
  }
  const auto count = ReadDrawCount(args[2], reply);
  if (!count) return;
  const bool with_values = args.size() > 3;
  if (args.size() > 4 || (with_values && !IsWord(args[3], "WITHVALUES"))) {
    return reply.Error(kErrSyntax);
  }
  if (!MayDraw(*count, with_values, reply)) return;
  if (!FindHash(args[1], tx, reply, &found)) return;
  if (found == nullptr || *count == 0) return reply.Array(0);

  const HashKey hash(tx, args[1], found);
  if (*count > 0) {
    const auto fields = Draw(hash, static_cast<size_t>(*count));
    BeginFields(fields.size(), with_values, reply);
    for (const Field& field : fields) ReplyField(field, with_values, reply);
    return;
  }
  ReplyDraws(hash, static_cast<uint64_t>(-*count), with_values, reply);
}

}  // namespace hearth
