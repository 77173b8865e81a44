#pragma once

// ScriptFixture: a server, and scripts run on it.

#include <string>
#include <vector>

#include "tests/src/server_fixture.h"

namespace hearth {

class ScriptFixture : public ServerFixture {
 protected:
  // The reply of EVAL, as wire text.
  std::string Eval(const std::string& script, const std::vector<std::string>& keys = {},
                   const std::vector<std::string>& arguments = {}) {
    std::vector<std::string> words = {"EVAL", script, std::to_string(keys.size())};
    words.insert(words.end(), keys.begin(), keys.end());
    words.insert(words.end(), arguments.begin(), arguments.end());
    return client_->RunWords(words);
  }
  // The same without what names the script: "-ERR boo script: <sha>, on @user_script:1.".
  std::string EvalError(const std::string& script) {
    const std::string reply = Eval(script);
    return reply.substr(0, reply.find(" script: "));
  }
};

}  // namespace hearth
