#include "client/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace antiphon::client {
namespace {

sockaddr_storage address(const std::string& text) {
  sockaddr_storage out{};
  auto* four = reinterpret_cast<sockaddr_in*>(&out);
  auto* six = reinterpret_cast<sockaddr_in6*>(&out);
  if (inet_pton(AF_INET, text.c_str(), &four->sin_addr) == 1)
    four->sin_family = AF_INET;
  else if (inet_pton(AF_INET6, text.c_str(), &six->sin6_addr) == 1)
    six->sin6_family = AF_INET6;
  else
    ADD_FAILURE() << text;
  return out;
}

Network network(const std::string& text) {
  sockaddr_storage a = address(text);
  return classify(reinterpret_cast<sockaddr&>(a));
}

// rows 1, 6, 7
TEST(Address, EveryFormOfAPlaceThatIsNotPublicIsSeenThrough) {
  const std::pair<const char*, Network> cases[] = {
      {"127.0.0.1", Network::loopback},
      {"127.255.255.254", Network::loopback},
      {"0.0.0.0", Network::loopback},
      {"0.1.2.3", Network::loopback},
      {"10.0.0.1", Network::private_use},
      {"10.255.255.255", Network::private_use},
      {"172.16.0.1", Network::private_use},
      {"172.31.255.255", Network::private_use},
      {"192.168.0.1", Network::private_use},
      {"100.64.0.1", Network::private_use},
      {"100.127.255.255", Network::private_use},
      {"169.254.1.1", Network::link_local},
      {"192.0.0.8", Network::reserved},
      {"192.0.2.1", Network::reserved},
      {"198.18.0.1", Network::reserved},
      {"198.19.255.255", Network::reserved},
      {"198.51.100.7", Network::reserved},
      {"203.0.113.9", Network::reserved},
      {"192.88.99.1", Network::reserved},
      {"224.0.0.1", Network::reserved},
      {"239.255.255.250", Network::reserved},
      {"240.0.0.1", Network::reserved},
      {"255.255.255.255", Network::reserved},
      {"169.254.169.254", Network::metadata},
      {"169.254.170.2", Network::metadata},
      {"168.63.129.16", Network::metadata},
      {"100.100.100.200", Network::metadata},
      {"192.0.0.192", Network::metadata},
      {"::", Network::loopback},
      {"::1", Network::loopback},
      {"fe80::1", Network::link_local},
      {"fec0::1", Network::private_use},
      {"fc00::1", Network::private_use},
      {"fd12:3456::1", Network::private_use},
      {"ff02::1", Network::reserved},
      {"100::1", Network::reserved},
      {"2001:db8::1", Network::reserved},
      {"2001:10::1", Network::reserved},
      {"3fff::1", Network::reserved},
      {"5f00::1", Network::reserved},
      {"4000::1", Network::reserved},
      {"fd00:ec2::254", Network::metadata},
      {"fd20:ce::254", Network::metadata},
      {"::ffff:127.0.0.1", Network::loopback},
      {"::ffff:a9fe:a9fe", Network::metadata},
      {"::ffff:10.0.0.1", Network::private_use},
      {"::127.0.0.1", Network::loopback},
      {"::a9fe:a9fe", Network::metadata},
      {"::ffff:0:127.0.0.1", Network::loopback},
      {"64:ff9b::7f00:1", Network::loopback},
      {"64:ff9b::a9fe:a9fe", Network::metadata},
      {"64:ff9b:1:7f00:0:100::", Network::private_use},
      {"64:ff9b:1:a9fe:a9:fe00::", Network::metadata},
      {"64:ff9b:1::a9fe:a9fe", Network::metadata},
      {"64:ff9b:1::808:808", Network::private_use},
      {"2002:7f00:1::1", Network::loopback},
      {"2002:a9fe:a9fe::1", Network::metadata},
      {"2002:c0a8:1::1", Network::private_use},
      {"2001:0:4136:e378:8000:63bf:80ff:fffe", Network::loopback},  // Teredo client 127.0.0.1
      {"2001:0:7f00:1:8000:63bf:f7f7:f7f7", Network::loopback},     // Teredo server 127.0.0.1
      {"2001:0:4136:e378:8000:63bf:5601:5601", Network::metadata},  // Teredo client 169.254.169.254
      {"2606:4700::5efe:7f00:1", Network::loopback},                // ISATAP
      {"fe80::5efe:a9fe:a9fe", Network::link_local},
  };
  for (auto [text, expected] : cases) EXPECT_EQ(network(text), expected) << text;
}

TEST(Address, PublicAddressesStayPublic) {
  for (const char* text : {"1.1.1.1",         "8.8.8.8",          "9.255.255.255",
                           "11.0.0.0",        "100.63.255.255",   "100.128.0.0",
                           "126.255.255.255", "128.0.0.1",        "169.253.255.255",
                           "169.255.0.0",     "172.15.255.255",   "172.32.0.0",
                           "191.255.255.255", "192.167.255.255",  "192.169.0.0",
                           "198.17.255.255",  "198.20.0.0",       "223.255.255.255",
                           "2606:4700::1111", "2a00:1450::1",     "2001:4860:4860::8888",
                           "::ffff:1.1.1.1",  "64:ff9b::808:808", "2002:808:808::1"})
    EXPECT_EQ(network(text), Network::global) << text;
}

TEST(Address, WhatIsNoInternetAddressIsNotReached) {
  sockaddr_un socket{};
  socket.sun_family = AF_UNIX;
  EXPECT_EQ(classify(reinterpret_cast<sockaddr&>(socket)), Network::not_ip);
}

// row 7
TEST(Address, TheNamesOfMetadataServicesAreKnownHoweverTheyAreWritten) {
  EXPECT_TRUE(metadata_name("metadata.google.internal"));
  EXPECT_TRUE(metadata_name("Metadata.GOOGLE.internal."));
  EXPECT_TRUE(metadata_name("metadata"));
  EXPECT_FALSE(metadata_name("metadata.example.com"));
  EXPECT_FALSE(metadata_name("xmetadata.google.internal"));
}

TEST(Cidr, ContainsWhatItsBitsSay) {
  auto contains = [](const char* range, const char* text) {
    sockaddr_storage a = address(text);
    return Cidr::parse(range)->contains(reinterpret_cast<sockaddr&>(a));
  };
  EXPECT_TRUE(contains("10.1.0.0/16", "10.1.255.3"));
  EXPECT_FALSE(contains("10.1.0.0/16", "10.2.0.0"));
  EXPECT_TRUE(contains("10.1.0.0/16", "::ffff:10.1.2.3"));
  EXPECT_TRUE(contains("127.0.0.2", "127.0.0.2"));
  EXPECT_FALSE(contains("127.0.0.2", "127.0.0.3"));
  EXPECT_TRUE(contains("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(contains("0.0.0.0/0", "fd00::1"));
  EXPECT_TRUE(contains("fd00::/9", "fd7f::1"));
  EXPECT_FALSE(contains("fd00::/9", "fd80::1"));
  for (const char* wrong :
       {"", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/x", "fd00::/129", "host"})
    EXPECT_FALSE(Cidr::parse(wrong)) << wrong;
}

}  // namespace
}  // namespace antiphon::client
