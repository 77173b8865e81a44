// What is known of a batch before its commands run: their rows, their keys, what to fetch ahead.
// Tested by tests/src/dispatcher_test.cc.
#include "engine/collection.h"
#include "engine/member_table.h"
#include "src/dispatcher.h"
#include "src/key_finder.h"
#include "src/server.h"

namespace hearth {
namespace {

constexpr size_t kKeysAheadMax = 512;  // what they lead to stays in the processor's cache
constexpr uint32_t kMembersAheadMax = MemberTable::kPrefetchMax;

}  // namespace

void Dispatcher::Plan(Session& session, const RequestBatch& batch) {
  plan_.clear();
  keys_.clear();
  members_.clear();
  members_of_ = 0;
  planned_db_ = session.db();
  for (size_t i = 0; i < batch.size(); ++i) {
    const Args args = batch[i];
    Planned& plan = plan_.emplace_back();
    // Clients repeat themselves.
    plan.found = i != 0 && plan_[i - 1].found.by_name && args[0] == batch[i - 1][0]
                     ? plan_[i - 1].found
                 : session.applies_stream() ? server_.commands().ResolveAny(args)
                                            : server_.commands().Resolve(args);
    plan.first_key = static_cast<uint32_t>(keys_.size());
    const Command* command = plan.found.command;
    if (command == nullptr || (command->key_specs.empty() && command->keys == nullptr)) continue;
    plan.keys_fit = CollectKeys(*command, args, planned_db_, &keys_);
    if (!plan.keys_fit) keys_.erase(keys_.begin() + plan.first_key, keys_.end());
    plan.key_count = static_cast<uint32_t>(keys_.size()) - plan.first_key;
    if (command->members.first != 0) PlanMembers(args);
  }
  if (keys_.size() >= 2) {
    server_.keyspace().Prefetch(std::span(keys_).first(std::min(keys_.size(), kKeysAheadMax)));
  }
}

// The members that the last command of the plan names are fetched with those of the commands
// before it, as long as all are of one key.
void Dispatcher::PlanMembers(const Args& args) {
  const size_t index = plan_.size() - 1;
  const Planned& plan = plan_[index];
  if (plan.key_count != 1) return;
  const bool goes_on = index != 0 && plan_[index - 1].key_count == 1 &&
                       plan_[index - 1].found.command->members.first != 0 &&
                       plan_[members_of_].member_count < kMembersAheadMax &&
                       keys_[plan.first_key - 1].position == keys_[plan.first_key].position;
  if (!goes_on) {
    members_of_ = index;
    plan_[index].first_member = static_cast<uint32_t>(members_.size());
  }
  const MemberArgs at = plan.found.command->members;
  for (size_t i = at.first; i < args.size(); i += at.step) {
    members_.push_back(args[i]);
    if (++plan_[members_of_].member_count == kMembersAheadMax || at.step == 0) break;
  }
}

void Dispatcher::FetchMembers(Tx& tx, std::string_view key, const Planned& plan) {
  const Object* const object = tx.Peek(key);
  if (object == nullptr || !object->spread()) return;
  object->collection()->Prefetch(std::span(members_).subspan(plan.first_member, plan.member_count));
}

// Whether one command's locks may be kept for the next, as both need those of the same shard or,
// being scripts, of all: between them stand only gates that lock nothing of the keyspace.
bool Dispatcher::SharesLocks(const Session& session, const Planned& plan,
                             const Planned& next) const {
  const Command* const command = plan.found.command;
  const Command* const next_command = next.found.command;
  if (command == nullptr || next_command == nullptr) return false;
  const bool are_scripts = RunsScript(command->flags) && RunsScript(next_command->flags);
  if (!are_scripts && !NeedSameShard(plan, next)) return false;
  return session.db() == planned_db_ && session.MayDoEverything() && !session.applies_stream() &&
         !session.in_transaction() && !server_.monitors().any();
}

bool Dispatcher::NeedSameShard(const Planned& plan, const Planned& next) const {
  if (plan.key_count != 1 || next.key_count != 1) return false;
  const auto is_plain = [](const Command& command) {
    return command.data != nullptr && !(command.flags & kCmdLockAll) &&
           command.locks_all == nullptr;
  };
  const Keyspace& keyspace = server_.keyspace();
  return keyspace.ShardIndex(keys_[plan.first_key].position) ==
             keyspace.ShardIndex(keys_[next.first_key].position) &&
         is_plain(*plan.found.command) && is_plain(*next.found.command);
}

std::span<const KeyRef> Dispatcher::LaterKeys(Session& session, const Planned& plan) const {
  if (session.db() != planned_db_) return {};
  return std::span(keys_).subspan(plan.first_key + plan.key_count);
}

}  // namespace hearth
