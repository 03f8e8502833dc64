#pragma once

namespace antiphon::http {
class Router;
}

/// Features of Open WebUI that Antiphon does not have yet, as far as its browser client asks for them
/// whether they are there or not: on every page (tools, channels), on settings' and workspace pages. An
/// answer of 404 would break those pages, so each says truthfully that there is nothing, in the shape
/// of a deployment that has none. A feature that comes takes its lines out of here.
namespace antiphon::absent {

void add_routes(http::Router& router);

}  // namespace antiphon::absent
