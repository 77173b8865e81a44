#pragma once

// Walk: a command over the keys of a whole database, apart from the session that asks for it.
//
// A walk is made from the arguments, runs on any thread without a Tx (or in one that holds every
// shard), and its answer is written by the session's worker. SCAN and RANDOMKEY delete what has
// expired and would be an answer: it is as if they had asked for it.
//
// Errors: a failed read of the store is the answer's status, never a short answer.
// Limits: SCAN returns at most kScanCountMax keys a call, whatever COUNT says; KEYS what matches.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/key_walk.h"
#include "src/command.h"

namespace hearth {

inline constexpr size_t kScanCountMax = 1'000'000;

struct WalkAnswer {
  Status status;
  std::vector<std::string> keys;
  uint64_t cursor = 0;   // SCAN: where the next call goes on; 0 = the end
  uint64_t barrier = 0;  // what a reply that shows the keys must wait for
};

struct Walk {
  // tx: one that holds every shard (kHeld), or null. With kGiveWay the answer's status may be Busy.
  std::function<WalkAnswer(Keyspace& keyspace, uint32_t db, int64_t now_ms, Tx* tx,
                           ShardLocks locks)>
      run;
  void (*write)(const WalkAnswer& answer, Reply& reply);
  size_t key_count_max;         // how many keys it looks at, at most
  bool passes_expired = false;  // expired ones do not count among them
};

// What strtoul reads: a sign is allowed, a negative cursor wraps, an empty one is 0.
std::optional<uint64_t> ParseScanCursor(std::string_view text);

// Each of them: nullopt after an error reply.
std::optional<Walk> MakeScan(const Args& args, Reply& reply);
std::optional<Walk> MakeKeys(const Args& args, Reply& reply);
std::optional<Walk> MakeRandomKey(const Args& args, Reply& reply);

}  // namespace hearth
