#include "http/upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "http/testing_server.h"
#include "json/dto.h"

namespace antiphon::http {

struct Note {
  std::optional<std::string> note;
  std::optional<std::int64_t> times;
};
ANTIPHON_DTO(Note, note, times)
ANTIPHON_DTO_DEFINE(Note)

namespace {

using namespace testing;
using ::testing::HasSubstr;

/// A server whose one route says what it was sent.
class Uploads : public ::testing::Test {
 protected:
  static constexpr std::size_t kLimit = 300'000;

  struct Api {
    Uploads& test;
    Task<FileLimit> file_limit(const Caller&) const { co_return FileLimit{kLimit, "More than fits."}; }
    Task<Response> take(const User&, Upload<Note> form) {
      test.file = form.file;
      std::string bytes(static_cast<std::size_t>(form.file->size()), '\0');
      EXPECT_EQ(::pread(form.file->descriptor(), bytes.data(), bytes.size(), 0), form.file->size());
      test.bytes = bytes;
      std::string text = form.file->name() + "|" + form.file->type() + "|" +
                         std::to_string(form.file->size()) + "|" + form.file->sha256() + "|" +
                         form.note.value_or("-") + "|" + std::to_string(form.times.value_or(1));
      co_return Response{.type = "text/plain", .body = text};
    }
  };
  static ServerOptions options(const std::string& folder) {
    ServerOptions out = Rig::quick();
    out.upload_folder = folder;
    return out;
  }
  Uploads() : rig(options(folder)) {
    std::filesystem::create_directories(folder);
    rig.router().on("POST /upload", Cost::write, bind<&Api::take>(Api{*this}));
    rig.start();
  }
  ~Uploads() override { std::filesystem::remove_all(folder); }

  static std::string part(const std::string& parameters, const std::string& bytes) {
    return "--b\r\nContent-Disposition: form-data; " + parameters +
           "\r\nContent-Type: text/plain\r\n\r\n" + bytes + "\r\n";
  }
  std::string send(const std::string& body,
                   const std::string& lines = "Authorization: Bearer alice\r\n") {
    return rig.say(
        Rig::post("/upload", body, "Content-Type: multipart/form-data; boundary=b\r\n" + lines));
  }
  static int status_of(const std::string& reply) {
    return reply.size() > 12 ? std::stoi(reply.substr(9, 3)) : 0;
  }
  bool folder_is_empty() { return std::filesystem::is_empty(folder); }

  std::string folder =
      std::filesystem::temp_directory_path() / ("uploads-" + std::to_string(::getpid()));
  UploadedFilePtr file;
  std::string bytes;
  Rig rig;
};

TEST_F(Uploads, GiveTheHandlerAFileAndTheTexts) {
  std::string body = part("name=note", "hello") + part("name=times", "3") +
                     part("name=file; filename=\"../a.txt\"", "abc") + "--b--\r\n";
  std::string reply = send(body);

  EXPECT_EQ(status_of(reply), 200) << reply;
  EXPECT_THAT(reply,
              HasSubstr("a.txt|text/plain|3|"
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad|hello|3"));
  EXPECT_EQ(bytes, "abc");
}

// row 17
TEST_F(Uploads, AreOnDiskWithoutAName) {
  std::string large(kLimit, 'x');
  for (std::size_t i = 0; i < large.size(); i += 97) large[i] = static_cast<char>(i);
  std::string reply = send(part("name=file; filename=x", large) + "--b--\r\n");

  ASSERT_EQ(status_of(reply), 200) << reply;
  EXPECT_TRUE(bytes == large);
  EXPECT_TRUE(folder_is_empty());
  struct stat about{};
  ASSERT_EQ(::fstat(file->descriptor(), &about), 0);
  EXPECT_EQ(about.st_nlink, 0u);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(Uploads, ComeInChunksToo) {
  std::string body = part("name=file; filename=x", std::string(100'000, 'y')) + "--b--\r\n";
  std::string chunks;
  for (std::size_t at = 0; at < body.size(); at += 7000) {
    std::string piece = body.substr(at, 7000);
    char head[16];
    std::snprintf(head, sizeof head, "%zx\r\n", piece.size());
    chunks += head + piece + "\r\n";
  }
  std::string reply = rig.say(
      "POST /upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer "
      "alice\r\n"
      "Content-Type: multipart/form-data; boundary=b\r\n\r\n" +
      chunks + "0\r\n\r\n");

  EXPECT_EQ(status_of(reply), 200) << reply;
  EXPECT_TRUE(bytes == std::string(100'000, 'y'));
}

// row 26
TEST_F(Uploads, AreBounded) {
  std::string over = part("name=file; filename=x", std::string(kLimit + 1, 'x')) + "--b--\r\n";
  EXPECT_EQ(status_of(send(over)), 413);
  EXPECT_EQ(status_of(send(part("name=file; filename=x", std::string(3 << 20, 'x')))), 413);
  EXPECT_EQ(status_of(send(part("name=note", std::string(270'000, 'x')) + "--b--")), 413);
  EXPECT_EQ(file, nullptr);
  EXPECT_TRUE(folder_is_empty());
}

TEST_F(Uploads, AreRefusedWhenTheyAreNone) {
  EXPECT_EQ(status_of(send(part("name=note", "x") + "--b--")), 422);
  EXPECT_EQ(status_of(send(part("name=file", "not a file") + "--b--")), 422);
  EXPECT_EQ(status_of(send(part("name=file; filename=x", "x") + part("name=times", "many") + "--b--")),
            422);
  EXPECT_EQ(status_of(send(part("name=other; filename=x", "x") + "--b--")), 400);
  EXPECT_EQ(status_of(send(part("name=file; filename=x", "x") + part("name=file; filename=y", "y"))),
            400);
  EXPECT_EQ(status_of(send(part("name=file; filename=\"a/\"", "x") + "--b--")), 400);
  EXPECT_EQ(status_of(send(part("name=file; filename=x", "it ends too early"))), 400);
  EXPECT_EQ(status_of(rig.say(Rig::post(
                "/upload", "{}", "Content-Type: application/json\r\nAuthorization: Bearer alice\r\n"))),
            422);
  EXPECT_EQ(file, nullptr);
}

TEST_F(Uploads, OfStrangersAreNotRead) {
  std::string body = part("name=file; filename=x", "x") + "--b--";
  EXPECT_EQ(status_of(send(body, "")), 401);
  EXPECT_EQ(status_of(send(body, "Cookie: token=alice\r\nOrigin: https://evil.example\r\n")), 403);
  EXPECT_EQ(file, nullptr);
}

TEST_F(Uploads, SayWhenTheDiskTakesNoMore) {
  std::filesystem::remove_all(folder);
  EXPECT_EQ(status_of(send(part("name=file; filename=x", "x") + "--b--")), 507);
}

}  // namespace
}  // namespace antiphon::http
