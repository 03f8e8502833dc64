#pragma once

#include <functional>
#include <string_view>

#include "extract/bytes.h"
#include "extract/order.h"
#include "extract/reply.h"

namespace antiphon::extract {

/// The word that makes this program a worker; not in its help.
inline constexpr std::string_view kWorkerCommand = "extract-worker";

/// The whole life of a worker: the order from descriptor 3, walls, the document from descriptor 0, the
/// reply to descriptor 1. Before it reads a byte it has given up all that reading does not take.
int worker_main();

/// Reads what needs no other program: everything but PDF and pictures. `begin`: the first bytes of
/// `bytes`. Throws Refused.
void read_here(const Bytes& bytes, std::string_view begin, const Order& order, Sink& out);

}  // namespace antiphon::extract
