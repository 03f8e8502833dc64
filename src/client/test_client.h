#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "base/async.h"
#include "base/loops.h"
#include "base/problem.h"
#include "client/client.h"

namespace antiphon::client {

/// For tests: loops and a client that outlives the servers of a test.
class ClientTest : public testing::Test {
 protected:
  ClientTest() { loops_.start(); }
  ~ClientTest() override {
    run([&] { return client_->close(); });
    client_.reset();
    loops_.stop();
  }
  void use(Options options) {
    run([&] { return client_->close(); });
    client_ = make_client(std::move(options), loops_);
  }
  Response fetch(Request request) {
    return run([&] { return client_->fetch(request); });
  }
  /// The Problem that ends the request; fails when there is none.
  Problem failure(Request request) {
    try {
      fetch(std::move(request));
    } catch (const Problem& p) {
      return p;
    }
    ADD_FAILURE() << "no problem";
    return Problem(Problem::Kind::internal, "none");
  }
  static Request admin(std::string url) {
    Request out;
    out.url = std::move(url);
    out.reach = Reach::admin_configured;
    return out;
  }
  static Request stranger(std::string url) {
    Request out;
    out.url = std::move(url);
    return out;
  }

  Loops loops_{2};
  std::unique_ptr<Client> client_ = make_client({.proxies = Proxies{}}, loops_);
};

}  // namespace antiphon::client
