#include <algorithm>
#include <boost/json.hpp>
#include <vector>

#include "base/encode.h"
#include "base/problem.h"
#include "features/utils/utils.h"
#include "http/bind.h"
#include "json/dto.h"

namespace antiphon::utils {

struct CodeForm {
  std::string code;
};
ANTIPHON_DTO(CodeForm, code)
ANTIPHON_DTO_DEFINE(CodeForm)

struct EmailQuery {
  json::Text<0, 320> email;
};
ANTIPHON_DTO(EmailQuery, email)
ANTIPHON_DTO_DEFINE(EmailQuery)

namespace {

using http::bind;
using http::Body;
using http::Cost;
using http::Query;

struct Api {
  RouteParts p;

  /// The address of a picture, by the rules of the service that keeps it: who asks for the picture is
  /// known there. Antiphon never does.
  Task<std::string> gravatar(const User&, Query<EmailQuery> q) {
    std::string email = q.email;
    auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (!email.empty() && blank(email.back())) email.pop_back();
    email.erase(0, static_cast<std::size_t>(std::ranges::find_if_not(email, blank) - email.begin()));
    for (char& c : email)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    co_return "https://www.gravatar.com/avatar/" + hex(sha256(email)) + "?d=mp";
  }

  /// What is formatted is Python, whose formatter is a program in Python.
  Task<json::Value> format(const Admin&, Body<CodeForm>) {
    throw Problem(Problem::Kind::invalid,
                  "Python code cannot be formatted here: there is no Python interpreter.");
    co_return nullptr;
  }

  Task<> download(const Admin&, http::Call& call) {
    constexpr std::size_t kPiece = 64 << 10;
    if (!p.may_export())
      throw Problem(Problem::Kind::forbidden, "Exports are turned off here.").answering(401);
    auto copy = co_await p.db.snapshot();
    if (!copy)
      throw Problem(Problem::Kind::invalid,
                    "Only an SQLite database can be downloaded; PostgreSQL has pg_dump.");
    http::Response head{.type = "application/octet-stream"};
    head.header("Content-Disposition", "attachment; filename=\"antiphon.db\"")
        .header("Cache-Control", "no-store");
    co_await call.stream.begin(std::move(head));
    std::vector<char> piece(kPiece);
    while (copy->read(piece.data(), kPiece) || copy->gcount() > 0)
      co_await call.stream.write({piece.data(), static_cast<std::size_t>(copy->gcount())});
    if (copy->bad())
      throw Problem(Problem::Kind::internal, "The copy of the database cannot be read to its end.");
  }
};

}  // namespace

void add_routes(http::Router& r, const RouteParts& parts) {
  Api api{parts};
  r.on("GET /api/v1/utils/gravatar", Cost::read, bind<&Api::gravatar>(api));
  r.on("POST /api/v1/utils/code/format", Cost::read, bind<&Api::format>(api));
  r.on("GET /api/v1/utils/db/download", Cost::write_heavy, bind<&Api::download>(api));
}

}  // namespace antiphon::utils
