#pragma once

// PrimaryFollower: asks a primary what it is, and follows it as a Hearth (GroupFollower) or as a
// Redis (RedisFollower).
//
//   -> REPLCONF hearth 1      "+OK": a Hearth; a Redis does not know it
//
// It is asked anew at each connection: what stands at an address may change.
//
// Thread:   Follow and Finish: the link's; is_redis from any.
// Lifetime: its owner's; outlives the link.
// Errors:   of the link: by ReplicaLink::Fail.

#include <atomic>

#include "src/replication/group_follower.h"
#include "src/replication/redis_follower.h"
#include "src/replication/replica_link.h"

namespace hearth {

class PrimaryFollower final : public LinkFollower {
 public:
  PrimaryFollower(Server& server, FollowHost& host, bool accept_empty);

  GroupFollower& groups() { return groups_; }
  const RedisFollower& redis() const { return redis_; }
  // Whether the primary was a Redis when it was asked last.
  bool is_redis() const { return is_redis_; }

  void Follow(LinkSocket& socket, ReplicaLink& link) override;
  void Finish() override;

 private:
  bool BecomeRedisReplica(ReplicaLink& link);
  bool BecomeHearthReplica(ReplicaLink& link);

  Server& server_;
  GroupFollower groups_;
  RedisFollower redis_;
  std::atomic<bool> is_redis_{false};
};

}  // namespace hearth
