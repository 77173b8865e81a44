#pragma once

// Functions: the libraries of FUNCTION LOAD, their functions, and the interpreter that they share.
//
// A library is a row of the store; what is compiled here follows those rows. Libraries keep what
// their code left in local variables between calls, as in Redis: so there is one interpreter, and
// whoever uses it holds every shard.
//
// Thread:   any, under a Tx that locks all; counts, sizes, PublishedFlags and LoadAll (before the
//           first command) apart.
// Lifetime: the server's.
// Errors:   texts in Redis' words.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/store.h"
#include "engine/tx.h"
#include "src/scripting/function_loader.h"
#include "src/scripting/interpreter.h"

namespace hearth {

struct Library {
  std::string name, code;
  std::vector<LibraryFunction> functions;
};

class Functions {
 public:
  // By name, in the order of names.
  using Libraries = std::map<std::string, std::shared_ptr<const Library>, std::less<>>;

  // Compiles what the store holds, in place of what is here. What no longer compiles is left out
  // and told in *error.
  Status LoadAll(Store& store, std::string* error);

  // Compiles a library and keeps it, with its row. False: *error.
  bool Load(std::string_view code, bool replace, Tx& tx, std::string* name, std::string* error);
  bool Delete(std::string_view name, Tx& tx);
  void Flush(Tx& tx);

  enum class Policy : uint8_t { kFlush, kAppend, kReplace };
  // All libraries or, on an error, none.
  bool Restore(const std::vector<std::string>& codes, Policy policy, Tx& tx, std::string* error);

  // Null: there is none. Names are the same in any case.
  const LibraryFunction* Find(std::string_view function_name) const;
  Interpreter& interpreter();
  // The flags of a function as of the last change, for those who hold no locks; none: it is not
  // known. Any thread.
  std::optional<uint32_t> PublishedFlags(std::string_view function_name) const;

  const Libraries& libraries() const { return libraries_; }
  size_t library_count() const { return library_count_.load(std::memory_order_relaxed); }
  size_t function_count() const { return function_count_.load(std::memory_order_relaxed); }
  // Of the interpreter and of the libraries' texts, as of the last NoteMemory().
  size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }
  size_t code_bytes() const { return code_bytes_.load(std::memory_order_relaxed); }
  void NoteMemory() { memory_bytes_ = interpreter_ ? interpreter_->memory().used_bytes() : 0; }

 private:
  using LibraryPtr = std::shared_ptr<const Library>;

  LibraryPtr Compile(std::string_view code, std::string* error);
  // The other library that has a function of the new one; null: none.
  const LibraryFunction* Conflict(const Libraries& among, const Library& library) const;
  void Release(const Library& library);
  // Takes over libraries, and writes what differs.
  void Become(Libraries libraries, Tx* tx);
  void PublishFlags();

  std::unique_ptr<Interpreter> interpreter_;
  Libraries libraries_;
  std::map<std::string, const LibraryFunction*, std::less<>> by_name_;  // in lower case
  mutable std::mutex flags_mutex_;
  std::map<std::string, uint32_t, std::less<>> published_flags_;  // of by_name_; flags_mutex_
  std::atomic<size_t> library_count_{0}, function_count_{0};
  std::atomic<size_t> memory_bytes_{0}, code_bytes_{0};
};

}  // namespace hearth
