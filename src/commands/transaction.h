#pragma once

// The functions of the transaction commands; their rows stand in transaction.cc.

#include "src/command.h"

namespace hearth {

void Multi(const Args& args, Session& session, Reply& reply);
void Exec(const Args& args, Session& session, Reply& reply);
void Discard(const Args& args, Session& session, Reply& reply);
void Watch(const Args& args, Session& session, Reply& reply);
void Unwatch(const Args& args, Session& session, Reply& reply);

}  // namespace hearth
