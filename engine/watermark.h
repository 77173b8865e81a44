#pragma once

// Watermark: the small file beside the store that remembers what was certainly on the disk.
//
//   file      = "hearth-mark 1\n" field* "end\n"
//   field     = name " " value "\n"
//   name      = "synced-seq" | "clean" | "boot-id"
//
// RocksDB's recovery ends silently before a damaged record; the start compares what it recovered
// with synced-seq and refuses when that is less. clean is 1 after an orderly shutdown. boot-id
// tells a crash of the process from a crash of the machine.
//
// Thread: one writer.
// Errors: a damaged file is Corruption, a missing one NotFound. Written as a temporary file,
//         fsynced, renamed, and the directory fsynced: the old or the new, never half.

#include <rocksdb/file_system.h>

#include <cstdint>
#include <string>

#include "engine/status.h"

namespace hearth {

struct Watermark {
  uint64_t synced_seq = 0;
  bool clean = false;
  std::string boot_id;
};

inline constexpr char kWatermarkName[] = "hearth.mark";

Status ReadWatermark(rocksdb::FileSystem* file_system, const std::string& dir, Watermark* mark);
Status WriteWatermark(rocksdb::FileSystem* file_system, const std::string& dir,
                      const Watermark& mark);

// The kernel's id of this boot; empty when unknown.
std::string BootId();

// Writes a whole file so that a crash leaves the old one or the new one.
Status WriteFileAtomically(rocksdb::FileSystem* file_system, const std::string& dir,
                           const std::string& name, const std::string& contents);
Status ReadWholeFile(rocksdb::FileSystem* file_system, const std::string& path,
                     std::string* contents);

}  // namespace hearth
