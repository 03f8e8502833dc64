#include "http/peers.h"

#include <gtest/gtest.h>

#include "base/problem.h"

namespace antiphon::http {
namespace {

TEST(Address, IsTheSameInEverySpelling) {
  EXPECT_EQ(address_of("1.2.3.4"), address_of("::ffff:1.2.3.4"));
  EXPECT_EQ(address_of("::1"), address_of("0:0:0:0:0:0:0:1"));
  EXPECT_TRUE(address_of("127.3.2.1")->is_loopback());
  EXPECT_TRUE(address_of("::1")->is_loopback());
  EXPECT_FALSE(address_of("128.0.0.1")->is_loopback());
  for (std::string_view bad :
       {"", "x", "1.2.3", "1.2.3.4.5", "[::1]", "1.2.3.4:80", "0x7f.1", "1.2.3.4 "})
    EXPECT_FALSE(address_of(bad)) << bad;
}

TEST(TrustedPeers, KnowBlocks) {
  TrustedPeers peers({"10.0.0.0/9", "192.168.1.1", "2001:db8::/33", " 172.16.0.0/12 ", ""});
  for (std::string_view in : {"10.127.255.255", "192.168.1.1", "2001:db8:7fff::1", "172.31.0.1"})
    EXPECT_TRUE(peers.trusts(*address_of(in))) << in;
  for (std::string_view out : {"10.128.0.0", "192.168.1.2", "2001:db8:8000::1", "172.32.0.1", "::1"})
    EXPECT_FALSE(peers.trusts(*address_of(out))) << out;
  EXPECT_TRUE(TrustedPeers({"*"}).trusts(*address_of("8.8.8.8")));
  EXPECT_FALSE(TrustedPeers({}).trusts(*address_of("127.0.0.1")));
  for (std::string bad : {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "proxy", "10.0.0.0/-1"})
    EXPECT_THROW(TrustedPeers({bad}), Problem) << bad;
}

Request settled(const TrustedPeers& peers, std::string_view peer,
                std::vector<std::pair<std::string, std::string>> headers) {
  Request request;
  request.headers.add("Host", "inner:8080");
  for (auto& [name, value] : headers) request.headers.add(name, value);
  peers.settle(request, *address_of(peer), peer, false);
  return request;
}

TEST(TrustedPeers, ReadTheChainFromItsEnd) {  // row 89
  TrustedPeers peers({"10.0.0.0/8"});

  EXPECT_EQ(settled(peers, "10.0.0.1", {{"X-Forwarded-For", "6.6.6.6, 9.9.9.9"}}).remote, "9.9.9.9");
  EXPECT_EQ(settled(peers, "10.0.0.1", {{"X-Forwarded-For", "9.9.9.9, 10.0.0.2"}}).remote, "9.9.9.9");
  EXPECT_EQ(settled(peers, "10.0.0.1", {{"X-Forwarded-For", "6.6.6.6"}, {"X-Forwarded-For", "9.9.9.9"}})
                .remote,
            "9.9.9.9");
  EXPECT_EQ(settled(peers, "10.0.0.1", {{"X-Forwarded-For", "[2001:db8::1]:443"}}).remote,
            "2001:db8::1");
  EXPECT_EQ(settled(peers, "10.0.0.1", {{"X-Forwarded-For", "9.9.9.9:1234"}}).remote, "9.9.9.9");
  EXPECT_EQ(settled(peers, "10.0.0.1", {{"X-Forwarded-For", "<script>"}}).remote, "10.0.0.1");
  EXPECT_EQ(settled(peers, "10.0.0.1", {}).remote, "10.0.0.1");
}

TEST(TrustedPeers, HaveTheirWordAboutHostAndScheme) {
  TrustedPeers peers({"10.0.0.0/8"});
  Request request = settled(peers, "10.0.0.1",
                            {{"X-Forwarded-Host", "chat.example"}, {"X-Forwarded-Proto", "https"}});

  EXPECT_TRUE(request.from_proxy);
  EXPECT_EQ(request.host, "chat.example");
  EXPECT_EQ(request.scheme, "https");
  request =
      settled(peers, "10.0.0.1", {{"X-Forwarded-Host", "a b"}, {"X-Forwarded-Proto", "javascript"}});
  EXPECT_EQ(request.host, "inner:8080");
  EXPECT_EQ(request.scheme, "http");
}

TEST(TrustedPeers, TakeTheHeadersFromStrangers) {  // row 89
  Request request =
      settled(TrustedPeers({"10.0.0.0/8"}), "9.9.9.9",
              {{"X-Forwarded-Host", "evil"}, {"x-forwarded-for", "1.1.1.1"}, {"X-Other", "1"}});

  EXPECT_FALSE(request.from_proxy);
  EXPECT_EQ(request.remote, "9.9.9.9");
  EXPECT_EQ(request.host, "inner:8080");
  EXPECT_EQ(request.headers.get("x-forwarded-host"), "");
  EXPECT_EQ(request.headers.get("X-Forwarded-For"), "");
  EXPECT_EQ(request.headers.get("x-other"), "1");
}

}  // namespace
}  // namespace antiphon::http
