#pragma once

#include <boost/asio/awaitable.hpp>

namespace antiphon {

/// The one coroutine type of this code base.
///
/// Everything that may wait returns a Task. It is an alias, so cancellation, executors and
/// `co_spawn` work as the Asio manual says; but only kernel folders may include any other
/// Asio header (tools/check_layers.py enforces it).
template <class T = void>
using Task = boost::asio::awaitable<T>;

/// Where a coroutine runs: one of the io threads. A coroutine stays on its executor for life.
using Executor = boost::asio::any_io_executor;

}  // namespace antiphon
