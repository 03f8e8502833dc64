#include <gtest/gtest.h>

#include <future>

#include "client/test_client.h"
#include "client/test_server.h"

namespace antiphon::client {
namespace {

using namespace std::chrono_literals;
using Peer = TestServer::Peer;

class Gather : public ClientTest {
 protected:
  std::unique_ptr<Incoming> open(const TestServer& server) {
    return run([&] { return client_->open(admin(server.url())); });
  }
  static std::string read(Incoming& incoming) {
    return run([&] { return incoming.read(); });
  }
  /// All that comes, up to the end.
  static std::string rest(Incoming& incoming) {
    std::string text;
    for (std::string piece = read(incoming); !piece.empty(); piece = read(incoming)) text += piece;
    return text;
  }
};

TEST_F(Gather, TakesWhatTricklesInByGulps) {
  constexpr int kPieces = 60;
  TestServer server([&](Peer& peer) {
    peer.begin_chunked();
    for (int i = 0; i != kPieces; ++i) {
      peer.chunk("x");
      std::this_thread::sleep_for(5ms);
    }
    peer.send("0\r\n\r\n");
  });
  // On the loop that reads for it, as an answer is: one reading, one piece.
  std::promise<std::pair<std::string, int>> done;
  spawn_detached(loops_.at(0), [&]() -> Task<> {
    auto incoming = co_await client_->open(admin(server.url()));
    incoming->gather();
    std::string text;
    int pieces = 0;
    for (;; ++pieces) {
      std::string piece = co_await incoming->read();
      if (piece.empty()) break;
      text += piece;
    }
    done.set_value({text, pieces});
  });
  auto [text, pieces] = done.get_future().get();

  EXPECT_EQ(text, std::string(kPieces, 'x'));
  EXPECT_LT(pieces, kPieces / 3);
}

TEST_F(Gather, LosesNothingToAPauseAFloodOrTheEnd) {
  std::string flood(3'000'000, 'f');
  TestServer server([&](Peer& peer) {
    peer.begin_chunked();
    for (int i = 0; i != 10; ++i) {
      peer.chunk("a");
      std::this_thread::sleep_for(5ms);
    }
    std::this_thread::sleep_for(200ms);
    peer.chunk("b");
    std::this_thread::sleep_for(60ms);
    peer.chunk(flood);
    peer.chunk("c");
    peer.send("0\r\n\r\n");
  });
  // Again on the same connection: what was gathered before is watched like any other.
  for (int round = 0; round != 3; ++round) {
    auto incoming = open(server);
    incoming->gather();
    EXPECT_EQ(rest(*incoming), std::string(10, 'a') + "b" + flood + "c");
  }
  EXPECT_EQ(server.requests(), 3);
  EXPECT_LE(server.connections(), 2) << "one for each loop";
}

TEST_F(Gather, IsClosedAtOnceByACancel) {
  std::atomic<bool> closed = false;
  TestServer server([&](Peer& peer) {
    peer.begin_chunked();
    for (int i = 0; i != 1000 && !closed; ++i) {
      peer.chunk("x");
      closed = peer.closed_within(5ms);
    }
  });
  auto incoming = open(server);
  incoming->gather();
  for (int i = 0; i != 3; ++i) EXPECT_FALSE(read(*incoming).empty());

  incoming->cancel();

  EXPECT_THROW(read(*incoming), Problem);
  for (int i = 0; i != 500 && !closed; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(closed);
}

TEST_F(Gather, TellsOfAPeerThatBreaksOff) {
  TestServer server([&](Peer& peer) {
    peer.begin_chunked();
    for (int i = 0; i != 20; ++i) {
      peer.chunk("x");
      std::this_thread::sleep_for(5ms);
    }
    peer.close();
  });
  auto incoming = open(server);
  incoming->gather();
  std::string text;
  EXPECT_THROW(while (true) text += read(*incoming), Problem);
  EXPECT_EQ(text, std::string(20, 'x'));
}

}  // namespace
}  // namespace antiphon::client
