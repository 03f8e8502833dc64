#include "base/problem.h"

#include <utility>

namespace antiphon {
namespace {

int status_of(Problem::Kind kind) {
  switch (kind) {
    case Problem::Kind::invalid:
      return 400;
    case Problem::Kind::unauthenticated:
      return 401;
    case Problem::Kind::forbidden:
      return 403;
    case Problem::Kind::not_found:
      return 404;
    case Problem::Kind::conflict:
      return 409;
    case Problem::Kind::too_large:
      return 413;
    case Problem::Kind::too_many:
      return 429;
    case Problem::Kind::upstream:
      return 502;
    case Problem::Kind::unavailable:
      return 503;
    case Problem::Kind::internal:
      return 500;
  }
  __builtin_unreachable();
}

}  // namespace

Problem::Problem(Kind kind, std::string detail, std::source_location where)
    : kind_(kind), status_(status_of(kind)), detail_(std::move(detail)), where_(where) {}

Problem&& Problem::because(std::string cause) && {
  cause_ = std::move(cause);
  return std::move(*this);
}

Problem&& Problem::with_detail_json(std::string json) && {
  detail_json_ = std::move(json);
  return std::move(*this);
}

Problem&& Problem::retry_after(int seconds) && {
  retry_after_ = seconds;
  return std::move(*this);
}

Problem&& Problem::answering(int status) && {
  status_ = status;
  return std::move(*this);
}

Problem not_found(std::string_view what, std::source_location where) {
  return Problem(Problem::Kind::not_found, std::string(what) + " not found", where);
}

}  // namespace antiphon
