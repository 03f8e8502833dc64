// The tests, and the processes they start: this program is its own worker, as the server is, and when
// asked for a worker that has been taken over.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "base/problem.h"
#include "extract/test_documents.h"

namespace antiphon::extract::testing {

Source source_of(std::string_view bytes) {
  int writing = memfd_create("document", MFD_CLOEXEC);
  while (!bytes.empty()) {
    ssize_t n = write(writing, bytes.data(), bytes.size());
    if (n <= 0) throw std::runtime_error("memfd");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  Source out = Source::file("/proc/self/fd/" + std::to_string(writing));
  (void)close(writing);
  return out;
}

Document read(const Extractor& extractor, std::string_view bytes, const std::string& name,
              const std::string& type) {
  return extractor.extract_now(source_of(bytes), name, type);
}

Document read_in_process(std::string_view bytes, const std::string& name, std::int64_t most_text) {
  ReplyReader reply(most_text);
  Sink sink(most_text, [&](std::string_view frame) { EXPECT_TRUE(reply.feed(frame)); });
  MemoryBytes document(bytes);
  try {
    read_here(document, bytes.substr(0, 64 << 10), {.name = name}, sink);
    sink.end(false);
  } catch (const Sink::Enough&) {
    sink.end(true);
  }
  return reply.take();
}

namespace {

/// Workers as whoever took one over might have them.
int misbehave(std::string_view how) {
  auto say = [](std::string_view bytes) {
    return write(STDOUT_FILENO, bytes.data(), bytes.size()) > 0;
  };
  std::string frame = "t" + little(60'000, 4) + std::string(60'000, 'a');
  if (how == "garbage")
    say("\xff\xfe\x00garbage, not a frame at all, and more of it than fits into a head");
  if (how == "long-frame") say("t" + little(0xffffffff, 4));
  if (how == "flood" && say("s" + little(4, 4) + little(0, 4)))
    while (say(frame)) {
    }
  if (how == "sections")
    while (say("s" + little(4, 4) + little(1, 4))) {
    }
  if (how == "properties")
    while (say("p" + little(2, 4) + "tx")) {
    }
  if (how == "bad-text") say("s" + little(4, 4) + little(0, 4) + "t" + little(2, 4) + "\xc3\x28");
  if (how == "after-end") say("z" + little(1, 4) + std::string(1, '\0') + "more");
  if (how == "no-end") say("s" + little(4, 4) + little(0, 4) + "t" + little(1, 4) + "a");
  if (how == "hang")
    for (;;) pause();
  if (how == "hang-after-end") {
    say("s" + little(4, 4) + little(0, 4) + "t" + little(1, 4) + "a" + "z" + little(1, 4) +
        std::string(1, '\0'));
    for (;;) pause();
  }
  if (how == "crash") abort();
  if (how == "children")
    for (int i = 0; i < 20; ++i)
      if (fork() == 0)
        for (;;) pause();
  return 0;
}

}  // namespace
}  // namespace antiphon::extract::testing

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == antiphon::extract::kWorkerCommand) return antiphon::extract::worker_main();
  if (argc > 2 && std::strcmp(argv[1], "misbehave") == 0)
    return antiphon::extract::testing::misbehave(argv[2]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
