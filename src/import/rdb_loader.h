#pragma once

// RdbLoader: makes the entries of an RDB file keys, function libraries and scripts of this server.
//
// Thread:   one at a time; never a worker's.
// Lifetime: not longer than the server and the client that it is given.
// Errors:   texts for people; what was loaded before stays.
// Limits:   commits every few MB, by the size of the entries; an entry is held twice meanwhile.

#include <cstdint>
#include <string>

#include "src/rdb/rdb_file_reader.h"

namespace hearth {

class Server;
class StreamClient;

class RdbLoader {
 public:
  // client: runs what comes as code. drops_expired: a key whose time has come is left out; else it
  // is there, hidden, for what follows the file may speak of it.
  RdbLoader(Server& server, StreamClient& client, bool drops_expired)
      : server_(server), client_(client), drops_expired_(drops_expired) {}

  // An error, or "". kAux: only of a script ("lua"). A key that is there already is an error.
  std::string Load(const RdbEntry& entry);
  // What was loaded is committed. False: the store refuses writes.
  bool Commit();

  uint64_t key_count() const { return key_count_; }
  uint64_t expired_count() const { return expired_count_; }

 private:
  std::string LoadKey(const RdbEntry& entry);

  Server& server_;
  StreamClient& client_;
  const bool drops_expired_;
  uint64_t uncommitted_bytes_ = 0;
  uint64_t key_count_ = 0, expired_count_ = 0;
};

}  // namespace hearth
