#include "http/bind.h"

#include <utility>

#include "http/text.h"

namespace antiphon::http {
namespace {

bool is_json(std::string_view type) {
  type = trim(take_part(type, ';'));
  if (equal_ignoring_case(type, "application/json")) return true;
  return type.size() > 17 && equal_ignoring_case(type.substr(0, 12), "application/") &&
         equal_ignoring_case(type.substr(type.size() - 5), "+json");
}

/// Whether `{}` is an input of this shape.
bool takes_nothing(const json::Shape& shape) {
  if (shape.kind != json::Shape::Kind::object) return false;
  for (const json::Field& field : shape.fields)
    if (field.shape->required) return false;
  return true;
}

}  // namespace

std::string take_path_arg(Call& call) {
  std::string arg = std::move(call.path_args.front());
  call.path_args.erase(call.path_args.begin());
  return arg;
}

void parse_query(const json::Shape& shape, void* out, const Request& request) {
  json::accept(shape, out, json::from_query(shape, request.query), "query");
}

void parse_body(const json::Shape& shape, void* out, const Request& request) {
  // A page on another site can send forms and plain text without asking first, but not JSON.
  std::string_view type = request.headers.get("content-type");
  if (!type.empty() && !is_json(type))
    throw Problem(Problem::Kind::invalid, "Send this as Content-Type: application/json.")
        .answering(415);
  if (!request.body.empty()) return json::parse_into(shape, out, request.body, "body");
  if (takes_nothing(shape)) return;
  throw Problem(Problem::Kind::invalid, "body: Field required")
      .with_detail_json(R"([{"type":"missing","loc":["body"],"msg":"Field required","input":null}])")
      .answering(422);
}

UploadedFilePtr parse_form(const json::Shape& shape, void* out, const Call& call) {
  if (!call.form || !call.form->file)
    throw Problem(Problem::Kind::invalid, "body: Send a file as multipart/form-data.")
        .with_detail_json(
            R"([{"type":"missing","loc":["body","file"],"msg":"Field required","input":null}])")
        .answering(422);
  json::accept(shape, out, json::from_query(shape, call.form->texts), "body");
  return call.form->file;
}

Response json_response(std::string text) {
  return {.body = std::move(text)};
}

}  // namespace antiphon::http
