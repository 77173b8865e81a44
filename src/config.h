#pragma once

// Config: every directive, its value now, and how it got there: defaults, the file, the command
// line, CONFIG SET.
//
// Values are kept as the text that CONFIG GET prints, checked against the directive's row
// (src/config_table.cc); typed accessors read them. What a change does is a callback of the server.
//
// Thread:   any; accessors lock. Callbacks run on the thread that sets, one Set at a time.
// Errors:   texts for people: with file and line from Load, in Redis' words from Set.

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth {

enum class DirectiveKind : uint8_t {
  kBool,
  kInt,
  kMemory,  // bytes, with units
  kEnum,
  kText,
  kWords,         // several words, kept as one text
  kSave,          // pairs of seconds and changes
  kOutputLimits,  // class hard soft seconds, by class
  kOctal,
  kAmountOrPercent,
  kMemoryOrPercent,  // bytes, with units, or "5%"
  kEvents,           // letters of notify-keyspace-events
  kReplicaOf,        // a host and a port, or nothing
};

enum DirectiveFlag : uint8_t {
  kImmutable = 1,  // only before the start
  kProtected = 2,  // CONFIG SET needs enable-protected-configs
  kNoMeaning = 4,  // accepted and kept, but nothing here heeds it
  kSecret = 8,     // not logged
  kHidden = 16,    // CONFIG GET * leaves it out
  kRepeated = 32,  // further lines add words instead of replacing them
  kNotYet = 64,    // refused unless harmless: to ignore it would be less safe than it says
  kLines = 128,    // every line says something of its own (see Lines); no value, no CONFIG SET
};

struct Directive {
  std::string_view name;
  DirectiveKind kind;
  std::string_view default_text;
  uint8_t flags = 0;
  std::string_view choices = {};  // kEnum: space separated
  int64_t min = INT64_MIN, max = INT64_MAX;
  std::string_view alias = {};  // an older or newer name of the same
};

std::span<const Directive> Directives();
std::span<const Directive> IgnoredDirectives();  // those that carry kNoMeaning

class Config {
 public:
  Config();

  // Reads the command line (argv[1...]): an optional file, "-" for the standard input, then --name
  // value... Returns an error text, empty when all went well.
  std::string Load(const std::vector<std::string>& args);
  // Lines about directives that were given but have no meaning here.
  std::vector<std::string> Notes() const;
  const std::string& file() const { return file_; }

  // Requires: a directive of that name and kind.
  bool Bool(std::string_view name) const;
  int64_t Int(std::string_view name) const;
  std::string Text(std::string_view name) const;

  // Whether the file, the command line or CONFIG SET named it.
  bool IsGiven(std::string_view name) const {
    std::lock_guard lock(mutex_);
    return At(name).given;
  }

  // A line about a directive that has kLines.
  struct Line {
    std::vector<std::string> words;  // behind the name
    std::string place;               // "Reading the configuration file f, at line 3\n>>> 'text'"
  };
  std::vector<Line> Lines(std::string_view name) const;
  // What refuses to start because of such a line.
  static std::string LineError(const Line& line, std::string_view error);
  // Whole lines that Rewrite writes in place of those about this directive; asked for without
  // any lock held.
  void OnRewrite(std::string_view name, std::function<std::vector<std::string>()> lines) {
    lines_to_write_[std::string(name)] = std::move(lines);
  }

  // Matching directives and their values, sorted by name.
  std::vector<std::pair<std::string, std::string>> Get(std::string_view pattern) const;
  // All or nothing; returns the error reply, empty when it took effect.
  std::string Set(const std::vector<std::pair<std::string, std::string>>& pairs);
  // The value has changed by another command than CONFIG SET (REPLICAOF): no callback is called.
  // Requires: a canonical text.
  void Note(std::string_view name, const std::string& text);
  // Called after the value changed; false and an error text takes the whole Set back.
  using Apply = std::function<bool(std::string* error)>;
  // Requires: nobody watches it yet; one apply may watch several.
  void OnChange(std::string_view name, Apply apply);
  // Writes the values of now into the file: its comments and order stay.
  std::string Rewrite();

 private:
  struct Value {
    const Directive* directive;
    std::string text;
    bool given = false;
  };

  std::string LoadFile(const std::string& path, int depth);
  std::string LoadIncluded(const std::string& pattern, int depth);
  std::string LoadStream(std::istream& file, const std::string& path, int depth);
  std::string SetWords(const std::vector<std::string>& words, const std::string& place);
  Value* Find(std::string_view name);
  const Value& At(std::string_view name) const;
  static bool Canonical(const Directive& directive, const std::vector<std::string>& words,
                        std::string_view old_text, std::string* text, std::string* error);
  static bool CanonicalText(const Directive& directive, const std::vector<std::string>& words,
                            std::string_view old_text, std::string* text, std::string* error);

  mutable std::mutex mutex_;
  std::mutex set_mutex_;
  std::map<std::string, Value, std::less<>> values_;
  std::map<std::string, std::string, std::less<>> aliases_;
  std::map<std::string, Apply, std::less<>> on_change_;
  std::map<std::string, std::vector<Line>, std::less<>> lines_;
  std::map<std::string, std::function<std::vector<std::string>()>, std::less<>> lines_to_write_;
  std::string file_;
};

}  // namespace hearth
