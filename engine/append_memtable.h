#pragma once
#include <memory>
#include <rocksdb/memtablerep.h>
namespace hearth { inline std::shared_ptr<rocksdb::MemTableRepFactory> NewAppendMemtableFactory() { return std::make_shared<rocksdb::SkipListFactory>(); } }
