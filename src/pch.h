// What most translation units see: the standard library and our own stable, light headers.
// Never a feature's header, never Beast, never asio.hpp: touching this file rebuilds everything.
#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
