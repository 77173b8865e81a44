#pragma once

// RequestMaker: random requests for every command that the table knows, from its arguments'
// descriptions: right ones, wrong ones, and bytes that are no requests at all.
//
// A command that is added to the table is made from then on. What would end the server, stop it or
// lock its clients out is never made (kNever in the .cc).
//
// Thread: one.

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "src/command_table.h"

namespace hearth {

class RequestMaker {
 public:
  RequestMaker(const CommandTable& commands, uint64_t seed);

  struct Request {
    std::vector<std::string> words;
    // Its connection may be closed, fall silent or get more than one reply.
    bool disturbs_connection = false;
    bool kills = false;  // other connections may be closed
  };
  Request Next();
  // A request's bytes, cut and changed.
  std::string BrokenBytes();

  uint64_t Below(uint64_t bound) { return random_() % bound; }

 private:
  void AddArgument(const ArgDoc& doc, std::vector<std::string>* words);
  void AddValue(const ArgDoc& doc, std::vector<std::string>* words);
  void Mutate(std::vector<std::string>* words);
  void CollectTokens(std::span<const ArgDoc> docs);
  std::string AnyWord();
  std::string Key();
  std::string Text();
  std::string Integer();
  std::string Double();

  std::mt19937_64 random_;
  std::vector<const Command*> commands_;
  std::vector<std::string> tokens_;
};

}  // namespace hearth
