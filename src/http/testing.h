#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/loops.h"
#include "base/problem.h"
#include "http/router.h"

/// What the tests of this folder share: a stream over a string, and callers of every kind.
namespace antiphon::http::testing {

class StringStream final : public Stream {
 public:
  Task<> begin(Response head) override {
    head_ = std::move(head);
    begun_ = true;
    co_return;
  }
  Task<> write(std::string_view bytes) override {
    if (gone_) throw ClientGone();
    text_ += bytes;
    co_return;
  }
  bool gone() const override { return gone_; }

  Response head_;
  std::string text_;
  bool begun_ = false;
  bool gone_ = false;
};

inline Caller a_caller(Caller::Via via, Role role) {
  Caller out;
  out.via = via;
  out.id = {"u1"};
  out.role = role;
  return out;
}

/// Finds and serves, as the server does. 404 and 405 included.
inline std::optional<Response> serve(const Router& router, Request request, Caller caller = {},
                                     StringStream* stream = nullptr) {
  StringStream own;
  Call call{.request = request, .stream = stream ? *stream : own, .caller = std::move(caller)};
  std::string allow;
  const Route* route = router.find(call, &allow);
  if (!route) return Router::no_route(allow);
  return run([&] { return router.serve(*route, call); });
}

/// For a path and its query, "/a?b=c&d=e"; nothing is decoded.
inline Request request(std::string method, std::string_view target) {
  std::size_t mark = std::min(target.find('?'), target.size());
  Request out{.method = std::move(method), .path = std::string(target.substr(0, mark))};
  for (std::size_t at = mark + 1; at < target.size();) {
    std::string_view pair = target.substr(at, target.find('&', at) - at);
    std::size_t is = std::min(pair.find('='), pair.size());
    out.query.emplace(pair.substr(0, is), pair.substr(std::min(is + 1, pair.size())));
    at += pair.size() + 1;
  }
  return out;
}

}  // namespace antiphon::http::testing
