#pragma once

#include <cstdint>
#include <string>

namespace antiphon::extract {

/// What a worker is told. The document itself is its descriptor 0.
struct Order {
  std::string name;                 ///< As the user called it; only its ending is looked at.
  std::string content_type;         ///< As the sender said.
  std::int64_t text = 16 << 20;     ///< Bytes of text at most.
  std::int64_t pages = 2000;        ///< Pages of a PDF at most.
  std::int64_t memory = 512 << 20;  ///< Bytes of address space of a process.
  std::int64_t seconds = 10;        ///< Of a processor.
  std::int64_t ocr_seconds = 120;   ///< The same for a picture.
  std::string languages = "eng";    ///< As tesseract takes them.
  bool unconfined = false;          ///< Goes on where the machine cannot confine it.
};

/// As text for the worker's descriptor 3, and back; throws Refused for what is none.
std::string written(const Order& order);
Order order_of(const std::string& text);

}  // namespace antiphon::extract
