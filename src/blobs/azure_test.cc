#include "blobs/azure.h"

#include <gtest/gtest.h>

/// tests/blackbox/storage.test.mjs asks a server that checks signatures.
namespace antiphon::blobs {
namespace {

std::string value_of(const std::vector<client::Header>& headers, std::string_view name) {
  for (const auto& [n, value] : headers)
    if (n == name) return value;
  return "";
}

Azure at(const char* endpoint) {
  static Settings settings;
  settings.azure_endpoint.set(endpoint);
  settings.azure_container.set("files");
  settings.azure_key.set(Secret("a2V5"));
  return Azure(settings);
}

TEST(AzureTest, TheAccountIsInTheHostOrThePath) {
  EXPECT_EQ(azure_account("https://acc.blob.core.windows.net/"), "acc");
  EXPECT_EQ(azure_account("https://acc.blob.core.chinacloudapi.cn"), "acc");
  EXPECT_EQ(azure_account("http://127.0.0.1:10000/devstoreaccount1/"), "devstoreaccount1");
  EXPECT_EQ(azure_account("https://blobs.example.org"), "");
  EXPECT_EQ(at("https://acc.blob.core.windows.net/").place(),
            "the container https://acc.blob.core.windows.net/files");
}

TEST(AzureTest, WhatIsSaidIsSigned) {
  constexpr const char* kDate = "Fri, 27 Nov 2026 10:00:00 GMT";
  Azure azure = at("https://acc.blob.core.windows.net");
  auto signature = [&](const Azure& server, const Wanted& wanted) {
    return value_of(server.sign(wanted, kDate), "authorization");
  };
  Wanted put{"PUT", "/blobs/ab/abcd", "", 9};
  auto headers = azure.sign(put, kDate);
  EXPECT_EQ(value_of(headers, "x-ms-blob-type"), "BlockBlob");
  EXPECT_EQ(value_of(headers, "content-type"), "application/octet-stream");
  EXPECT_TRUE(value_of(headers, "authorization").starts_with("SharedKey acc:"));
  Wanted get{"GET", "/blobs/ab/abcd", "", 0, Range{2, 3}};
  EXPECT_EQ(value_of(azure.sign(get, kDate), "x-ms-range"), "bytes=2-4");
  std::string whole = signature(azure, put);
  for (const Wanted& other : {Wanted{"GET", put.name, "", 9}, Wanted{"PUT", "/blobs/ab/abce", "", 9},
                              Wanted{"PUT", put.name, "", 8}})
    EXPECT_NE(signature(azure, other), whole);
  EXPECT_NE(value_of(azure.sign(put, "Fri, 27 Nov 2026 10:00:01 GMT"), "authorization"), whole);
  EXPECT_NE(signature(at("https://bcc.blob.core.windows.net"), put), whole);
}

}  // namespace
}  // namespace antiphon::blobs
