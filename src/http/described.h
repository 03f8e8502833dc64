#pragma once

#include "http/router.h"

/// For OpenAPI alone: what a handler takes or answers that reads or builds its JSON by hand, or sends
/// it as text that is kept. Nothing is checked by it; tests/blackbox/described.test.mjs holds the
/// answers against it.
namespace antiphon::http {

template <class T>
Endpoint answering(Endpoint e) {
  e.reply = &json::shape<T>();
  return e;
}

template <class T>
Endpoint taking(Endpoint e) {
  e.body = &json::shape<T>();
  return e;
}

}  // namespace antiphon::http
