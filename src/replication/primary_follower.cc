// Tested by tests/src/replication/redis_follower_test.cc.
#include "src/replication/primary_follower.h"

#include "src/replication/replication.h"
#include "src/server.h"

namespace hearth {

PrimaryFollower::PrimaryFollower(Server& server, FollowHost& host, bool accept_empty)
    : server_(server),
      groups_(server.engine(), host, accept_empty),
      redis_(server, host, accept_empty) {}

void PrimaryFollower::Follow(LinkSocket& socket, ReplicaLink& link) {
  const int64_t timeout_ms = link.settings().timeout_ms;
  constexpr std::string_view kHello[] = {"REPLCONF", "hearth", "1"};
  std::optional<std::string> reply;
  if (socket.WriteCommand(kHello, timeout_ms)) reply = socket.ReadLine(timeout_ms);
  if (!reply) return link.Fail("REPLCONF hearth: " + socket.error());
  link.NoteIo();
  const bool is_hearth = reply->starts_with("+");
  if (!is_hearth && !reply->starts_with("-ERR Unrecognized REPLCONF option")) {
    return link.Fail("REPLCONF hearth: " + *reply);
  }
  if (is_hearth) {
    if (!BecomeHearthReplica(link)) return;
    return groups_.Follow(socket, link);
  }
  if (BecomeRedisReplica(link)) redis_.Follow(socket, link);
}

// The stream is written as groups of this server's own: in the engine it is a primary.
bool PrimaryFollower::BecomeRedisReplica(ReplicaLink& link) {
  Engine& engine = server_.engine();
  server_.keyspace().SetExpiryHeld(true);
  is_redis_ = true;
  if (!engine.log().accepting()) {
    link.Fail("the store refuses writes");
    return false;
  }
  if (!engine.is_replica()) return true;
  groups_.Finish();  // nothing is applied any more
  const Status status = engine.Promote();
  if (!status.ok()) link.Fail("ending the old history: " + status.message());
  return status.ok();
}

bool PrimaryFollower::BecomeHearthReplica(ReplicaLink& link) {
  if (is_redis_) redis_.Finish();
  is_redis_ = false;
  if (server_.replication().is_loading()) {
    link.Fail("what was loaded of a Redis is not dropped yet");
    return false;
  }
  server_.engine().SetReplica(true);
  server_.keyspace().SetExpiryHeld(false);
  return true;
}

void PrimaryFollower::Finish() {
  groups_.Finish();
  redis_.Finish();
}

}  // namespace hearth
