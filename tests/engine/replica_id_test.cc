#include "engine/replica_id.h"

#include <fstream>

#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

TEST(ReplicaIdTest, AFolderKeepsItsId) {
  TemporaryFolder folder, other;
  rocksdb::FileSystem* const files = rocksdb::FileSystem::Default().get();
  Status status;
  const std::string id = KeptReplicaId(files, folder.path(), &status);
  EXPECT_TRUE(status.ok());
  EXPECT_TRUE(IsReplicaId(id));
  EXPECT_EQ(KeptReplicaId(files, folder.path(), &status), id);
  EXPECT_NE(KeptReplicaId(files, other.path(), &status), id);
  // What is no id is replaced.
  std::ofstream(folder.path() + "/REPLICA-ID") << "nonsense\n";
  const std::string next = KeptReplicaId(files, folder.path(), &status);
  EXPECT_TRUE(IsReplicaId(next));
  EXPECT_NE(next, id);
  EXPECT_EQ(KeptReplicaId(files, folder.path() + "/missing", &status), "");
  EXPECT_FALSE(status.ok());
  EXPECT_FALSE(IsReplicaId(id + "0"));
  EXPECT_FALSE(IsReplicaId("X" + id.substr(1)));
}

}  // namespace
}  // namespace hearth
