// Tested by tests/src/scripting/function_test.cc.
#include "src/scripting/functions.h"

#include <algorithm>

#include "engine/rows.h"
#include "src/scripting/script_run.h"
#include "src/scripting/shebang.h"

namespace hearth {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// The error on top of the stack as text. Requires: a protected call around it.
std::string ErrorText(lua_State* lua) {
  if (lua_istable(lua, -1)) {
    lua_pushliteral(lua, "err");
    lua_rawget(lua, -2);
    const char* const message = lua_tostring(lua, -1);
    return message != nullptr ? message : "unknown error";
  }
  const char* const message = lua_tostring(lua, -1);
  return message != nullptr ? "ERR " + std::string(message) : "unknown error";
}

struct Registration {
  int chunk_ref;
  std::string error;  // empty: none
};

int Register(lua_State* lua) {
  Registration& registration = *static_cast<Registration*>(lua_touserdata(lua, 1));
  lua_rawgeti(lua, LUA_REGISTRYINDEX, registration.chunk_ref);
  if (lua_pcall(lua, 0, 0, 0) != 0) registration.error = ErrorText(lua);
  return 0;
}

}  // namespace

Interpreter& Functions::interpreter() {
  constexpr size_t kMemoryMaxAtStart = size_t{256} << 20;  // until the first run sets its own
  if (!interpreter_) {
    interpreter_ = std::make_unique<Interpreter>(/*for_functions=*/true);
    interpreter_->memory().set_limit(kMemoryMaxAtStart);
  }
  return *interpreter_;
}

Functions::LibraryPtr Functions::Compile(std::string_view code, std::string* error) {
  LibraryShebang shebang;
  if (!ParseLibraryShebang(code, &shebang, error)) return nullptr;
  if (Lower(shebang.engine) != "lua") {
    *error = "ERR Engine '" + shebang.engine + "' not found";
    return nullptr;
  }
  Interpreter& interpreter = this->interpreter();
  std::string lua_error;
  const int chunk_ref = interpreter.Load(code.substr(shebang.size), "@user_function", &lua_error);
  if (chunk_ref == LUA_NOREF) {
    *error = "ERR Error compiling function: " + lua_error;
    return nullptr;
  }
  auto library = std::make_shared<Library>();
  library->name = shebang.name;
  library->code = code;
  FunctionLoader loader;
  interpreter.SetLoader(&loader);
  lua_State* const lua = interpreter.lua();
  Registration registration{chunk_ref, {}};
  if (lua_cpcall(lua, Register, &registration) != 0) registration.error = "ERR not enough memory";
  lua_settop(lua, 0);
  luaL_unref(lua, LUA_REGISTRYINDEX, chunk_ref);
  interpreter.SetLoader(nullptr);
  library->functions = std::move(loader.functions);
  if (!registration.error.empty()) {
    *error = "ERR Error registering functions: " + registration.error;
  } else if (library->functions.empty()) {
    *error = "ERR No functions registered";
  } else {
    return library;
  }
  Release(*library);
  return nullptr;
}

void Functions::Release(const Library& library) {
  for (const LibraryFunction& function : library.functions) {
    luaL_unref(interpreter().lua(), LUA_REGISTRYINDEX, function.ref);
  }
}

const LibraryFunction* Functions::Conflict(const Libraries& among, const Library& library) const {
  for (const auto& [name, other] : among) {
    if (name == library.name) continue;
    for (const LibraryFunction& function : library.functions) {
      const std::string lower = Lower(function.name);
      const bool taken = std::ranges::any_of(
          other->functions, [&](const LibraryFunction& f) { return Lower(f.name) == lower; });
      if (taken) return &function;
    }
  }
  return nullptr;
}

void Functions::Become(Libraries libraries, Tx* tx) {
  for (const auto& [name, library] : libraries_) {
    const auto found = libraries.find(name);
    if (found != libraries.end() && found->second == library) continue;
    Release(*library);
    if (tx != nullptr && found == libraries.end()) tx->DeleteLibrary(name);
  }
  for (const auto& [name, library] : libraries) {
    const auto found = libraries_.find(name);
    const bool is_new = found == libraries_.end() || found->second != library;
    if (tx != nullptr && is_new) tx->PutLibrary(name, library->code);
  }
  libraries_ = std::move(libraries);
  by_name_.clear();
  size_t code_bytes = 0;
  for (const auto& [name, library] : libraries_) {
    code_bytes += library->code.size();
    for (const LibraryFunction& function : library->functions) {
      by_name_[Lower(function.name)] = &function;
    }
  }
  library_count_ = libraries_.size();
  function_count_ = by_name_.size();
  code_bytes_ = code_bytes;
  PublishFlags();
  NoteMemory();
}

void Functions::PublishFlags() {
  std::lock_guard lock(flags_mutex_);
  published_flags_.clear();
  for (const auto& [name, function] : by_name_) published_flags_.emplace(name, function->flags);
}

std::optional<uint32_t> Functions::PublishedFlags(std::string_view function_name) const {
  const std::string lower = Lower(function_name);
  std::lock_guard lock(flags_mutex_);
  const auto found = published_flags_.find(lower);
  if (found == published_flags_.end()) return std::nullopt;
  return found->second;
}

bool Functions::Load(std::string_view code, bool replace, Tx& tx, std::string* name,
                     std::string* error) {
  LibraryShebang shebang;
  if (!ParseLibraryShebang(code, &shebang, error)) return false;
  if (!replace && libraries_.contains(shebang.name)) {
    *error = "ERR Library '" + shebang.name + "' already exists";
    return false;
  }
  const LibraryPtr library = Compile(code, error);
  if (library == nullptr) return false;
  if (const LibraryFunction* const taken = Conflict(libraries_, *library)) {
    *error = "ERR Function " + taken->name + " already exists";
    Release(*library);
    return false;
  }
  Libraries next = libraries_;
  next[library->name] = library;
  Become(std::move(next), &tx);
  *name = library->name;
  return true;
}

bool Functions::Delete(std::string_view name, Tx& tx) {
  Libraries next = libraries_;
  const auto found = next.find(name);
  if (found == next.end()) return false;
  next.erase(found);
  Become(std::move(next), &tx);
  return true;
}

void Functions::Flush(Tx& tx) {
  Become({}, &tx);
}

bool Functions::Restore(const std::vector<std::string>& codes, Policy policy, Tx& tx,
                        std::string* error) {
  Libraries next = policy == Policy::kFlush ? Libraries() : libraries_;
  std::vector<LibraryPtr> compiled;
  const auto add = [&](const std::string& code) {
    const LibraryPtr library = Compile(code, error);
    if (library == nullptr) return false;
    compiled.push_back(library);
    if (policy != Policy::kReplace && next.contains(library->name)) {
      *error = "ERR Library " + library->name + " already exists";
      return false;
    }
    next[library->name] = library;
    return true;
  };
  bool sound = std::ranges::all_of(codes, add);
  for (const LibraryPtr& library : compiled) {
    if (!sound) break;
    const LibraryFunction* const taken = Conflict(next, *library);
    if (taken == nullptr) continue;
    *error = "ERR Function " + taken->name + " already exists";
    sound = false;
  }
  if (!sound) {
    for (const LibraryPtr& library : compiled) Release(*library);
    return false;
  }
  Become(std::move(next), &tx);
  return true;
}

const LibraryFunction* Functions::Find(std::string_view function_name) const {
  const auto found = by_name_.find(Lower(function_name));
  return found == by_name_.end() ? nullptr : found->second;
}

Status Functions::LoadAll(Store& store, std::string* error) {
  std::vector<std::string> codes;
  bool damaged = false;
  uint64_t seq;
  const std::string from(1, kLibraryTable), to(1, kLibraryTable + 1);
  const Status status = store.Scan(from, to, &seq, [&](std::string_view, std::string_view value) {
    std::string_view code;
    damaged |= !ParseLibraryValue(value, &code);
    codes.emplace_back(code);
    return true;
  });
  if (!status.ok()) return status;
  if (damaged) return Status::Corruption("the row of a function library is damaged");
  Libraries next;
  for (const std::string& code : codes) {
    std::string why;
    if (const LibraryPtr library = Compile(code, &why)) {
      next[library->name] = library;
    } else {
      *error += (error->empty() ? "" : "; ") + why;
    }
  }
  Become(std::move(next), nullptr);
  return Status::Ok();
}

}  // namespace hearth
