#include "http/site.h"

namespace antiphon::http {
namespace {
constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Antiphon</title>
<style>body { font: 16px/1.6 system-ui; max-width: 36rem; margin: 12vh auto; padding: 0 1rem }</style>
<h1>The server runs; its web client is not built in.</h1>
<p>Run <code>make build</code> and start the server again, or set <code>FRONTEND_BUILD_DIR</code> to a built client.
The API is there all the same.</p>
</html>
)";
}  // namespace

std::span<const Asset> embedded_assets() {
  static const Asset assets[] = {{.path = "/index.html", .etag = "missing", .identity = kPage}};
  return assets;
}

}  // namespace antiphon::http
