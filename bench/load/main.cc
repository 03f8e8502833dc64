// The load of the benchmarks, in one thread and cheap enough not to be what is measured.
//   bench_load provider [PORT]                        serves until killed
//   bench_load straight PORT MODEL ANSWERS OVER_MS [PATIENCE_S]
//   bench_load chat PORT MODEL ANSWERS OVER_MS [PATIENCE_S [PORT]]    tokens of users on standard
//   input, one
//                                                     a line; PORT: another replica, where they listen
//                                                     too
//   bench_load sockets PORT COUNT TOKEN               holds them until standard input ends
//   bench_load move PORT NEXT COUNT TOKEN [PATIENCE_S]         holds them, and takes them to NEXT when
//   PORT is gone
#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include "chat.h"
#include "provider.h"
#include "socket.h"

namespace {

int usage() {
  fmt::print(stderr, "usage: bench_load provider|straight|chat|sockets|move …; see main.cc\n");
  return 2;
}

int main_of(int argc, char** argv) {
  std::string what = argc > 1 ? argv[1] : "";
  auto number = [&](int at, double fallback) { return argc > at ? std::atof(argv[at]) : fallback; };
  if (what == "provider") return bench::serve_provider(static_cast<int>(number(2, 0)));
  if (what == "sockets" && argc > 4)
    return bench::hold_sockets(static_cast<int>(number(2, 0)), static_cast<int>(number(3, 0)), argv[4]);
  if (what == "move" && argc > 5)
    return bench::move_sockets(static_cast<int>(number(2, 0)), static_cast<int>(number(3, 0)),
                               static_cast<int>(number(4, 0)), argv[5], number(6, 60));
  if ((what != "straight" && what != "chat") || argc < 6) return usage();
  bench::Load load{.port = static_cast<int>(number(2, 0)),
                   .elsewhere = static_cast<int>(number(7, 0)),
                   .answers = static_cast<int>(number(4, 1)),
                   .model = argv[3],
                   .over = number(5, 0),
                   .patience = number(6, 60),
                   .tokens = {}};
  std::string line;
  if (what == "chat")
    while (std::getline(std::cin, line))
      if (!line.empty()) load.tokens.push_back(line);
  if (what == "chat" && load.tokens.empty()) return usage();
  return bench::ask(load);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return main_of(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_load: {}\n", error.what());
    return 1;
  }
}
