// DEBUG PROTOCOL: replies of every RESP3 type that clients' own tests ask for.
// Tested by tests/src/server_test.cc.
#include <string_view>

#include "src/commands/server_commands.h"
#include "src/numbers.h"

namespace hearth {
namespace {

struct Example {
  std::string_view type;
  void (*write)(Reply& reply);
};

// One of each type.
const Example kExamples[] = {
    {"STRING", [](Reply& reply) { reply.Bulk("Hello World"); }},
    {"INTEGER", [](Reply& reply) { reply.Integer(12345); }},
    {"DOUBLE", [](Reply& reply) { reply.Double(3.141); }},
    {"NULL", [](Reply& reply) { reply.Null(); }},
    {"TRUE", [](Reply& reply) { reply.Bool(true); }},
    {"FALSE", [](Reply& reply) { reply.Bool(false); }},
    {"BIGNUM", [](Reply& reply) { reply.BigNumber("1234567999999999999999999999999999999"); }},
    {"VERBATIM", [](Reply& reply) { reply.Verbatim("txt", "This is a verbatim\nstring"); }},
    {"ARRAY",
     [](Reply& reply) {
       reply.Array(3);
       for (int i = 0; i < 3; ++i) reply.Integer(i);
     }},
    {"SET",
     [](Reply& reply) {
       reply.Set(3);
       for (int i = 0; i < 3; ++i) reply.Integer(i);
     }},
    {"MAP",
     [](Reply& reply) {
       reply.Map(3);
       for (int i = 0; i < 3; ++i) {
         reply.Integer(i);
         reply.Bool(i == 1);
       }
     }},
    {"ATTRIB",
     [](Reply& reply) {
       if (reply.protocol() == 3) {
         reply.Raw("|1\r\n");
         reply.Bulk("key-popularity");
         reply.Array(2);
         reply.Bulk("key:123");
         reply.Integer(90);
       }
       reply.Bulk("Some real reply following the attribute");
     }},
    {"PUSH",
     [](Reply& reply) {
       if (reply.protocol() == 2) {
         return reply.Error("ERR RESP2 is not supported by this command");
       }
       reply.Push(2);
       reply.Bulk("server-cpu-usage");
       reply.Integer(42);
       // Clients that wait for an answer do not take a push for one.
       reply.Bulk("Some real reply following the push reply");
     }},
};

}  // namespace

// DEBUG PROTOCOL type -> an example of it
void DebugProtocol(const Args& args, Session&, Reply& reply) {
  for (const Example& example : kExamples) {
    if (IsWord(args[2], example.type)) return example.write(reply);
  }
  reply.Error(
      "ERR Wrong protocol type name. Please use one of the following: "
      "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
}

}  // namespace hearth
