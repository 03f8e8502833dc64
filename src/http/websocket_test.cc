#include "http/websocket.h"

#include <gtest/gtest.h>

#include <thread>

#include "http/meter.h"
#include "http/testing_server.h"

namespace antiphon::http {
namespace {

using testing::header_in;
using testing::Rig;
using testing::status_of;
using testing::Wire;
using namespace std::chrono_literals;

constexpr std::string_view kUpgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A frame as clients send them, masked with zeros so that the text stays legible.
std::string frame(int opcode, std::string_view text, bool fin = true) {
  std::string out(1, static_cast<char>((fin ? 0x80 : 0) | opcode));
  if (text.size() < 126) {
    out += static_cast<char>(0x80 | text.size());
  } else {
    bool wide = text.size() > 0xffff;
    out += static_cast<char>(wide ? 0xff : 0xfe);
    for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8)
      out += static_cast<char>(text.size() >> shift);
  }
  return out.append(4, '\0').append(text);
}
std::string repeat(std::string_view text, int times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}
/// A close frame of the server with this code.
std::string closing(int code) {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 255)};
}

std::string open(Wire& wire, std::string_view path = "/ws", std::string_view lines = "") {
  wire.send(Rig::get(path, std::string(kUpgrade) + std::string(lines)));
  return wire.read_until("\r\n\r\n");
}

/// True when the server says 0x88 (close) with `code` and hangs up within `wait`.
bool closes_with(Wire& wire, int code, std::chrono::milliseconds wait = 2s) {
  std::string all = wire.read_all(wait);
  std::size_t at = all.rfind('\x88');
  return at != all.npos && all.substr(at + 2, 2) == closing(code);
}

TEST(WebSocket, EchoesTextAndBytes) {
  Rig rig;
  rig.start();
  Wire wire(rig.port());
  std::string reply = open(wire);

  EXPECT_EQ(status_of(reply), 101);
  EXPECT_EQ(header_in(reply, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(header_in(reply, "X-Admitted"), "yes");
  EXPECT_EQ(header_in(reply, "Sec-WebSocket-Extensions"), "");
  wire.send(frame(1, "hello"));
  EXPECT_EQ(wire.read_until("hello"), "\x81\x05hello");
  wire.send(frame(2, "bytes"));
  EXPECT_EQ(wire.read_until("bytes"),
            "\x82\x05"
            "bytes");
  wire.send(frame(1, "a", false) + frame(9, "p") + frame(0, "b"));
  EXPECT_EQ(wire.read_until("ab"),
            "\x8a\x01p\x81\x02"
            "ab");
  wire.send(frame(8, closing(1000)));
  EXPECT_TRUE(closes_with(wire, 1000));
}

TEST(WebSocket, TakesWhatCameWithTheRequest) {
  Rig rig;
  rig.start();
  Wire wire(rig.port());
  wire.send(Rig::get("/ws/", kUpgrade) + frame(1, "early"));
  EXPECT_NE(wire.read_until("\x05"
                            "early")
                .find("\x81\x05"
                      "early"),
            std::string::npos);
}

TEST(WebSocket, RefusesForeignPagesAndBrokenHandshakes) {  // row 92
  Rig rig;
  rig.start();
  auto status = [&](std::string lines) { return status_of(rig.say(Rig::get("/ws", lines))); };
  std::string base = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

  EXPECT_EQ(status(std::string(kUpgrade) + "Origin: https://evil\r\n"), 403);
  EXPECT_EQ(status(std::string(kUpgrade) + "Origin: http://h\r\n"), 101);
  EXPECT_EQ(
      status(base + "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
      426);
  EXPECT_EQ(status(base + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n"), 400);
  EXPECT_EQ(status(base + "Sec-WebSocket-Version: 13\r\n"), 400);
  EXPECT_EQ(status(""), 404);
}

TEST(WebSocket, CapsMessagesByWhatIsAllowedNotByWhatIsAnnounced) {  // row 97
  Rig rig;
  rig.start();
  {
    Wire wire(rig.port());
    open(wire);
    wire.send(frame(1, std::string(60'000, 'a')));
    EXPECT_EQ(wire.read_until(std::string(60'000, 'a')).size(), 60'004u);
    wire.send(frame(1, std::string(70'000, 'a')));
    EXPECT_TRUE(closes_with(wire, 1009));
  }
  {
    Wire wire(rig.port());
    open(wire, "/ws?big=1");
    wire.send(frame(2, std::string(3 << 20, 'a')));
    EXPECT_EQ(wire.read_until(std::string(3 << 20, 'a')).size(), (3u << 20) + 10);
    std::string huge = "\x82\xff";
    wire.send(huge + "\x7f" + std::string(7, '\xff') + std::string(4, '\0'));
    EXPECT_TRUE(closes_with(wire, 1009));
  }
}

TEST(WebSocket, ClosesOnFramesThatAreNotSound) {  // row 97
  Rig rig;
  rig.start();
  for (const auto& [bytes, code] : std::vector<std::pair<std::string, int>>{
           {std::string("\x81\x05hello"), 1002},        // Not masked.
           {frame(1, "\xff\xfe"), 1007},                // Not UTF-8.
           {frame(3, "x"), 1002},                       // No such opcode.
           {frame(9, std::string(126, 'x')), 1002},     // Control frames are short,
           {frame(9, "x", false), 1002},                // and whole.
           {frame(0, "x"), 1002},                       // Continues nothing.
           {std::string("\xc1\x80\0\0\0\0", 6), 1002},  // A reserved bit.
       }) {
    Wire wire(rig.port());
    open(wire);
    wire.send(bytes);
    EXPECT_TRUE(closes_with(wire, code)) << code;
  }
}

TEST(WebSocket, ClosesOnFloods) {  // row 99
  Rig rig;
  rig.start();
  for (const std::string& flood :
       {repeat(frame(9, ""), 20'000), frame(1, "", false) + repeat(frame(0, "", false), 100'000),
        repeat(frame(1, "x"), 20'000), repeat(frame(10, ""), 20'000)}) {
    Wire wire(rig.port());
    open(wire);
    auto begin = std::chrono::steady_clock::now();
    wire.send(flood);
    EXPECT_TRUE(closes_with(wire, 1008));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  }
}

TEST(WebSocket, SendsFromAnyThreadInOrder) {
  ServerOptions options = Rig::quick();
  options.write_timeout = 10s;
  Rig rig(options);
  rig.start();
  Wire wire(rig.port());
  open(wire);
  wire.send(frame(1, "x"));
  wire.read_until("x");
  auto socket = rig.last_socket();

  std::thread other([&] {
    for (int i = 0; i != 10'000; ++i)
      socket->send(std::make_shared<std::string>("#" + std::to_string(i) + "#"));
  });
  std::string all = wire.read_until("#9999#");
  other.join();

  std::size_t at = 0;
  for (int i = 0; i != 10'000; ++i) {
    std::size_t next = all.find("#" + std::to_string(i) + "#", at);
    ASSERT_NE(next, std::string::npos) << i;
    at = next;
  }
}

TEST(WebSocket, SendsWhatIsQueuedBeforeItCloses) {
  Rig rig;
  rig.start();
  Wire wire(rig.port());
  open(wire);
  wire.send(frame(1, "x"));
  wire.read_until("x");

  rig.last_socket()->send(std::make_shared<std::string>("last"));
  rig.last_socket()->close(4001, "bye");
  rig.last_socket()->send(std::make_shared<std::string>("never"));
  std::string all = wire.read_until("bye");

  EXPECT_EQ(all, std::string("\x81\x04last\x88\x05") + closing(4001) + "bye");
  wire.send(frame(8, closing(4001)));
  wire.read_all();
  EXPECT_TRUE(wire.closed());
  auto begin = std::chrono::steady_clock::now();
  while (rig.sockets_ended == 0 && std::chrono::steady_clock::now() - begin < 2s)
    std::this_thread::sleep_for(1ms);
  EXPECT_EQ(rig.sockets_ended, 1);
}

TEST(WebSocket, DropsAConsumerThatIsTooSlow) {  // regressions 2.2
  ServerOptions options = Rig::quick();
  options.write_timeout = 1s;
  Rig rig(options);
  rig.start();
  Wire wire(rig.port(), 4096);
  open(wire);
  wire.send(frame(1, "x"));
  wire.read_until("x");
  auto text = std::make_shared<std::string>(64 << 10, 'y');
  auto socket = rig.last_socket();

  for (int i = 0; i != 1000; ++i) socket->send(text);
  std::string all = wire.read_all(6s);

  EXPECT_TRUE(wire.closed());
  EXPECT_LT(all.size(), 20u << 20);
}

TEST(WebSocket, ClosesAPeerThatNeverReads) {  // row 108
  Rig rig;
  rig.start();
  Wire wire(rig.port(), 4096);
  open(wire);
  wire.send(frame(1, "x"));
  wire.read_until("x");
  rig.last_socket()->send(std::make_shared<std::string>(6 << 20, 'y'));
  auto begin = std::chrono::steady_clock::now();
  while (rig.server().connections() > 0 && std::chrono::steady_clock::now() - begin < 5s)
    std::this_thread::sleep_for(5ms);

  EXPECT_EQ(rig.server().connections(), 0);
}

TEST(WebSocket, PingsAndThenClosesASilentPeer) {
  ServerOptions options = Rig::quick();
  options.socket_idle_timeout = 400ms;
  Rig rig(options);
  rig.start();
  Wire wire(rig.port());
  open(wire);
  auto begin = std::chrono::steady_clock::now();
  std::string all = wire.read_all(3s);

  EXPECT_EQ(all.substr(0, 1), "\x89");
  EXPECT_TRUE(wire.closed());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
}

TEST(WebSocket, ClosesWhenTheServerDrains) {
  Rig rig;
  rig.start();
  Wire wire(rig.port());
  open(wire);
  std::thread client([&] {
    EXPECT_EQ(wire.read_some(2s).substr(2, 2), closing(1001));
    wire.send(frame(8, closing(1001)));
  });

  auto begin = std::chrono::steady_clock::now();
  run([&] { return rig.server().drain(3s); });
  client.join();

  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_EQ(rig.server().connections(), 0);
}

TEST(WebSocket, OutlivesItsConnectionHarmlessly) {
  std::shared_ptr<WebSocket> socket;
  {
    Rig rig;
    rig.start();
    Wire wire(rig.port());
    open(wire);
    wire.send(frame(1, "x"));
    wire.read_until("x");
    socket = rig.last_socket();
  }
  socket->send(std::make_shared<std::string>("nobody"));
  socket->close(1000, "");
  EXPECT_FALSE(run([&] { return socket->read(); }));
}

TEST(FrameMeter, CountsTheSameWhereverTheBytesAreCut) {  // row 99
  std::string bytes = frame(1, std::string(300, 'a')) + frame(2, std::string(70'000, 'b')) +
                      repeat(frame(9, "ping"), 20) + frame(9, "one too many");
  auto now = FrameMeter::Clock::now();
  for (std::size_t step : {std::size_t(1), std::size_t(3), std::size_t(1000), bytes.size()}) {
    FrameMeter meter;
    std::size_t at = 0;
    while (at < bytes.size() && meter.take(std::string_view(bytes).substr(at, step), now)) at += step;
    EXPECT_TRUE(meter.tripped());
    EXPECT_GE(at + step, bytes.size() - 17) << step;
  }
}

TEST(FrameMeter, ForgivesWithTime) {
  FrameMeter meter;
  auto now = FrameMeter::Clock::now();
  for (int i = 0; i != 100; ++i) EXPECT_TRUE(meter.take(frame(9, ""), now + std::chrono::seconds(i)));
}

}  // namespace
}  // namespace antiphon::http
