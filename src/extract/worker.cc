#include "extract/worker.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <new>

#include "extract/format.h"
#include "extract/html.h"
#include "extract/mail.h"
#include "extract/office.h"
#include "extract/pages.h"
#include "extract/sandbox.h"
#include "extract/text.h"

namespace antiphon::extract {
namespace {

constexpr int kOrder = 3;
constexpr std::size_t kBegin = 64 << 10;

void write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(EXIT_FAILURE);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

Order read_order() {
  constexpr std::size_t kMost = 64 << 10;
  Order order = order_of(FileBytes(kOrder).read(0, kMost));
  (void)close(kOrder);
  return order;
}

void read_document(const Order& order, Sink& out) {
  Walls walls = confine(order.memory, std::max(order.seconds, order.ocr_seconds));
  if (!walls.calls && !order.unconfined) throw Refused(Refusal::unconfined);
  FileBytes bytes(STDIN_FILENO);
  std::string begin = bytes.read(0, kBegin);
  Format format = format_of(begin, order.name, order.content_type);
  bool by_tool = format == Format::pdf || format == Format::picture;
  // Other programs open files, so files must be walled off.
  bool confined = by_tool ? walls.files : confine_to_computing();
  if (!confined && !order.unconfined) throw Refused(Refusal::unconfined);
  if (format == Format::pdf)
    read_pdf(order, bytes.size(), out);
  else if (format == Format::picture)
    read_picture(order, begin, out);
  else
    read_here(bytes, begin, order, out);
}

}  // namespace

void read_here(const Bytes& bytes, std::string_view begin, const Order& order, Sink& out) {
  Format format = format_of(begin, order.name, order.content_type);
  if (format == Format::zip) return read_container(bytes, out);
  if (format == Format::old_office) {
    // How Office wraps what it encrypts, which has the name of the stream in it, in UTF-16.
    constexpr std::string_view kEncrypted("E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", 32);
    throw Refused(begin.contains(kEncrypted) ? Refusal::password : Refusal::old_office);
  }
  if (format == Format::unknown) throw Refused(Refusal::unsupported);
  constexpr std::uint64_t kMostText = 64 << 20;
  if (bytes.size() > kMostText) throw Refused(Refusal::too_large);
  std::string all = bytes.read(0, static_cast<std::size_t>(bytes.size()));
  switch (format) {
    case Format::html:
      return read_html(all, out);
    case Format::markdown:
      return read_markdown(all, out);
    case Format::mail:
      return read_mail(all, out);
    case Format::csv:
      return read_text(all, "csv", out);
    default:
      return read_text(all, "text", out);
  }
}

int worker_main() {
  // Whoever started us may have died already.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return EXIT_FAILURE;
  Sink out(0, write_all);
  try {
    Order order = read_order();
    out = Sink(order.text, write_all);
    read_document(order, out);
    out.end(false);
  } catch (const Sink::Enough&) {
    out.end(true);
  } catch (const Refused& refused) {
    out.refuse(refused.why());
  } catch (const std::bad_alloc&) {
    out.refuse(Refusal::memory);
  }
  // Nothing is given back piece by piece: the process goes, and with it all.
  _exit(EXIT_SUCCESS);
}

}  // namespace antiphon::extract
