// Tested by tests/src/commands/hyperloglog_test.cc.
//
// Approximate counts of distinct elements: PFADD, PFCOUNT, PFMERGE, PFDEBUG, PFSELFTEST. What the
// strings hold is told in hyperloglog_registers.h.
#include "src/commands/hyperloglog.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "engine/change_count.h"
#include "src/commands/groups.h"
#include "src/commands/hyperloglog_registers.h"
#include "src/commands/string.h"
#include "src/numbers.h"

namespace hearth {
namespace {

constexpr std::string_view kErrNotHll = "WRONGTYPE Key is not a valid HyperLogLog string value.";
constexpr std::string_view kErrCorrupted = "INVALIDOBJ Corrupted HLL object detected";

size_t SparseSizeMax() {
  return HllSparseSizeMax().load(std::memory_order_relaxed);
}

// The key's string, or nullptr in *object when it is absent. False after a WRONGTYPE reply.
bool FindHll(std::string_view key, Tx& tx, Reply& reply, const Object** object) {
  if (!FindString(key, tx, reply, object)) return false;
  if (*object == nullptr || IsHll((*object)->value())) return true;
  reply.Error(kErrNotHll);
  return false;
}

// Redis turns a string raw before it knows whether it will change it.
void MakeRaw(std::string_view key, const Object& object, Tx& tx) {
  if (object.encoding == Encoding::kRaw || !tx.may_change()) return;
  tx.SetString(key, std::string(object.value()), Expiry::Keep(), Encoding::kRaw);
}

constexpr size_t kMarksWrittenSingly = 4;

// Requires: a dense HyperLogLog.
void WriteRegisters(std::string_view key, Tx& tx, std::span<const HllMark> marks) {
  const std::string_view hll = tx.Peek(key)->value();
  size_t first = hll.size();
  size_t end = 0;
  for (const HllMark mark : marks) {
    const size_t at = DenseHllRegisterOffset(mark.index);
    first = std::min(first, at);
    end = std::max(end, std::min(at + 2, hll.size()));
  }
  std::string bytes(hll.substr(first, end - first));
  for (const HllMark mark : marks) SetDenseHllRegister(&bytes, first, mark);
  tx.WriteRange(key, first, bytes);
}

// Writes only the bytes that change: the registers' and, when the count was valid, its mark.
void AddToDense(const Args& args, const Object& object, Tx& tx, Reply& reply) {
  const std::string_view hll = object.value();
  std::vector<HllMark> marks;
  for (const std::string_view element : args.subspan(2)) {
    const HllMark mark = HllMarkOf(element);
    if (DenseHllRegister(hll, mark.index) < mark.rank) marks.push_back(mark);
  }
  if (marks.empty()) return reply.Integer(0);
  ChangeCount changes(tx);
  changes.Is(marks.size());

  if (CachedHllCount(hll)) {
    std::string header(hll.substr(0, kHllHeaderSize));
    MarkHllCountOld(&header);
    tx.WriteRange(args[1], 0, header);
  }
  // Of two ranks for one register the greater one is to stay.
  std::ranges::sort(marks, {}, &HllMark::rank);
  const size_t together = marks.size() > kMarksWrittenSingly ? marks.size() : 1;
  for (std::span<const HllMark> rest(marks); !rest.empty(); rest = rest.subspan(together)) {
    WriteRegisters(args[1], tx, rest.first(together));
  }
  tx.Notify(EventClass::kString, "pfadd", args[1]);
  reply.Integer(1);
}

void AddToSparse(const Args& args, const Object* object, Tx& tx, Reply& reply) {
  // One buffer a thread: its room is used again.
  thread_local std::string hll;
  uint64_t change_count = object == nullptr ? 1 : 0;
  if (object == nullptr) {
    hll = EmptyHll();
  } else {
    hll.assign(object->value());
  }
  for (const std::string_view element : args.subspan(2)) {
    const HllChange change = MarkHll(&hll, HllMarkOf(element), SparseSizeMax());
    if (change == HllChange::kCorrupted) return reply.Error(kErrCorrupted);
    change_count += change == HllChange::kChanged;
  }
  if (change_count == 0) {
    MakeRaw(args[1], *object, tx);
    return reply.Integer(0);
  }
  ChangeCount changes(tx);
  changes.Is(change_count);
  MarkHllCountOld(&hll);
  tx.SetString(args[1], hll, Expiry::Keep(), Encoding::kRaw);
  tx.Notify(EventClass::kString, "pfadd", args[1]);
  reply.Integer(1);
}

// The count of one key, which is kept in its header.
void CountOne(std::string_view key, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindHll(key, tx, reply, &object)) return;
  tx.NoteSource(key, object != nullptr);
  if (object == nullptr) return reply.Integer(0);
  const auto cached = CachedHllCount(object->value());
  const auto count = cached ? cached : CountHll(object->value());
  if (!count) return reply.Error(kErrCorrupted);
  if (cached) {
    MakeRaw(key, *object, tx);
  } else if (tx.may_change()) {
    std::string header(object->value().substr(0, kHllHeaderSize));
    StoreHllCount(&header, *count);
    tx.WriteRange(key, 0, header);
  }
  reply.Integer(static_cast<int64_t>(*count));
}

// Raises the registers to those of all keys; false after an error reply.
bool MergeKeys(const Args& keys, Tx& tx, Reply& reply, HllRegisters* registers, bool* any_dense) {
  for (const std::string_view key : keys) {
    const Object* object;
    if (!FindHll(key, tx, reply, &object)) return false;
    tx.NoteSource(key, object != nullptr);
    if (object == nullptr) continue;
    *any_dense |= IsDenseHll(object->value());
    if (!MergeHll(object->value(), registers)) {
      reply.Error(kErrCorrupted);
      return false;
    }
  }
  return true;
}

void ReplyRegisters(std::string_view dense, Reply& reply) {
  reply.Array(kHllRegisterCount);
  for (uint32_t index = 0; index < kHllRegisterCount; ++index) {
    reply.Integer(DenseHllRegister(dense, index));
  }
}

// -- PFSELFTEST. Numbers of Vigna's splitmix64, so that every run is the same.
uint64_t NextRandom(uint64_t* state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Sets every register and reads all back: none touches its neighbours.
bool RegistersKeepTheirValues() {
  std::string dense = EmptyHll();
  if (!MakeHllDense(&dense)) return false;
  auto expected = std::make_unique<HllRegisters>();
  uint64_t state = 1;
  for (int round = 0; round < 10; ++round) {
    for (uint32_t index = 0; index < kHllRegisterCount; ++index) {
      (*expected)[index] = static_cast<uint8_t>(NextRandom(&state) % 64);
      SetDenseHllRegister(&dense, 0, {index, (*expected)[index]});
    }
    for (uint32_t index = 0; index < kHllRegisterCount; ++index) {
      if (DenseHllRegister(dense, index) != (*expected)[index]) return false;
    }
  }
  return true;
}

// Adds elements to two strings, one of them dense from the start: their counts are the same and
// near the truth, at each power of ten.
bool CountsAreNear() {
  constexpr uint64_t kElementCount = 100'000;
  constexpr double kDeviationsMax = 6;
  const double relative_error = 1.04 / std::sqrt(double{kHllRegisterCount});
  std::string sparse = EmptyHll();
  std::string dense = EmptyHll();
  if (!MakeHllDense(&dense)) return false;
  uint64_t state = 2;
  uint64_t checkpoint = 1;
  for (uint64_t added = 1; added <= kElementCount; ++added) {
    const uint64_t number = NextRandom(&state);
    const HllMark mark = HllMarkOf({reinterpret_cast<const char*>(&number), sizeof(number)});
    if (MarkHll(&sparse, mark, SparseSizeMax()) == HllChange::kCorrupted) return false;
    MarkHll(&dense, mark, SparseSizeMax());
    if (added != checkpoint) continue;
    const auto count = CountHll(sparse);
    if (!count || count != CountHll(dense)) return false;
    const double error_max =
        std::ceil(relative_error * kDeviationsMax * static_cast<double>(added));
    if (std::abs(static_cast<double>(*count) - static_cast<double>(added)) > error_max) {
      return false;
    }
    checkpoint *= 10;
  }
  return true;
}

}  // namespace

std::atomic<size_t>& HllSparseSizeMax() {
  static std::atomic<size_t> size_max{3000};
  return size_max;
}

// PFADD key [element ...] -> 1 when a register rose or the key is new, else 0
void PfAdd(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindHll(args[1], tx, reply, &object)) return;
  if (object != nullptr && IsDenseHll(object->value())) {
    return AddToDense(args, *object, tx, reply);
  }
  AddToSparse(args, object, tx, reply);
}

// PFCOUNT key [key ...] -> the count of distinct elements in all of them together
void PfCount(const Args& args, Tx& tx, Reply& reply) {
  if (args.size() == 2) return CountOne(args[1], tx, reply);
  HllRegisters registers{};
  bool any_dense = false;
  if (!MergeKeys(args.subspan(1), tx, reply, &registers, &any_dense)) return;
  reply.Integer(static_cast<int64_t>(CountHllRegisters(registers)));
}

bool PfMergeKeys(const Args& args, uint32_t session_db, std::vector<KeyRef>* keys) {
  for (const std::string_view key : args.subspan(1)) keys->emplace_back(session_db, key);
  return true;
}

// PFMERGE target [key ...] -> OK; the target holds the elements of all, its own too
// It becomes dense if any of them is.
void PfMerge(const Args& args, Tx& tx, Reply& reply) {
  HllRegisters registers{};
  bool any_dense = false;
  if (!MergeKeys(args.subspan(1), tx, reply, &registers, &any_dense)) return;
  const Object* target = tx.Find(args[1]);
  std::string hll = target == nullptr ? EmptyHll() : std::string(target->value());
  if (any_dense && !MakeHllDense(&hll)) return reply.Error(kErrCorrupted);
  for (uint32_t index = 0; index < kHllRegisterCount; ++index) {
    if (registers[index] != 0) MarkHll(&hll, {index, registers[index]}, SparseSizeMax());
  }
  MarkHllCountOld(&hll);
  tx.SetString(args[1], hll, Expiry::Keep(), Encoding::kRaw);
  tx.Notify(EventClass::kString, "pfadd", args[1]);
  reply.Ok();
}

// PFDEBUG GETREG|DECODE|ENCODING|TODENSE key
//   -> all registers, which makes it dense | the runs as text | sparse or dense | whether it was
//      made dense
void PfDebug(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindHll(args[2], tx, reply, &object)) return;
  if (object == nullptr) return reply.Error("ERR The specified key does not exist");
  const bool is_dense = IsDenseHll(object->value());
  const bool wants_registers = IsWord(args[1], "GETREG");
  if (wants_registers || IsWord(args[1], "TODENSE")) {
    std::string hll(object->value());
    if (!MakeHllDense(&hll)) return reply.Error(kErrCorrupted);
    if (!is_dense) tx.SetString(args[2], hll, Expiry::Keep(), Encoding::kRaw);
    if (wants_registers) return ReplyRegisters(hll, reply);
    return reply.Integer(is_dense ? 0 : 1);
  }
  if (IsWord(args[1], "DECODE")) {
    if (is_dense) return reply.Error("ERR HLL encoding is not sparse");
    return reply.Bulk(DescribeSparseHll(object->value()));
  }
  if (IsWord(args[1], "ENCODING")) return reply.Simple(is_dense ? "dense" : "sparse");
  reply.Error("ERR Unknown PFDEBUG subcommand '" + std::string(args[1]) + "'");
}

// PFSELFTEST -> OK, or what is wrong with the algorithm
void PfSelfTest(const Args&, Tx&, Reply& reply) {
  if (!RegistersKeepTheirValues()) return reply.Error("TESTFAILED registers are not independent");
  if (!CountsAreNear()) return reply.Error("TESTFAILED the count is too far from the truth");
  reply.Ok();
}

}  // namespace hearth
