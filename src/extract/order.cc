#include "extract/order.h"

#include "extract/refused.h"
#include "json/text.h"

namespace antiphon::extract {

std::string written(const Order& o) {
  json::Object out;
  out["name"] = o.name;
  out["content_type"] = o.content_type;
  out["text"] = o.text;
  out["pages"] = o.pages;
  out["memory"] = o.memory;
  out["seconds"] = o.seconds;
  out["ocr_seconds"] = o.ocr_seconds;
  out["languages"] = o.languages;
  out["unconfined"] = o.unconfined;
  return json::serialize(out);
}

Order order_of(const std::string& text) {
  auto value = json::try_parse(text);
  if (!value) throw Refused(Refusal::damaged);
  return {.name = std::string(json::text_at(*value, "name")),
          .content_type = std::string(json::text_at(*value, "content_type")),
          .text = json::int_at(*value, "text"),
          .pages = json::int_at(*value, "pages"),
          .memory = json::int_at(*value, "memory"),
          .seconds = json::int_at(*value, "seconds"),
          .ocr_seconds = json::int_at(*value, "ocr_seconds"),
          .languages = std::string(json::text_at(*value, "languages")),
          .unconfined = json::bool_at(*value, "unconfined")};
}

}  // namespace antiphon::extract
