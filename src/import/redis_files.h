#pragma once

// RedisFiles: which files in a directory hold the data of the Redis that served from it.
//
//   <dir>/<appenddirname>/<appendfilename>.manifest    an AOF since Redis 7.0 (aof_manifest.h)
//   <dir>/<appendfilename>                             an AOF before
//   <dir>/<dbfilename>                                 an RDB file
//
// Thread: any; looks at the disk.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hearth {

struct RedisFiles {
  struct File {
    std::string path;
    uint64_t size_bytes = 0;
  };
  std::string name;         // of the whole: a path; empty: there is nothing
  bool is_aof = false;      // else one RDB file
  std::vector<File> files;  // in the order to be read

  bool empty() const { return name.empty(); }
  uint64_t size_bytes() const;
};

// What Redis refuses where a file's name is wanted.
bool IsPath(const std::string& name);

struct RedisFileNames {
  std::string dir, dbfilename, appenddirname, appendfilename;
  // Decides where there are both: yes takes the AOF, no the RDB file.
  std::optional<bool> appendonly;
};

// Empty when all went well; an error text when it can't be told which they are, or one is missing.
std::string FindRedisFiles(const RedisFileNames& names, RedisFiles* found);

}  // namespace hearth
