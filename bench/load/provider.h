#pragma once

namespace bench {

/// An OpenAI-compatible server that streams on time and costs little. Model `n200d5` gives 200 tokens,
/// 5 ms apart, the first one at once. Prints {"port":N}; serves until killed.
int serve_provider(int port);

}  // namespace bench
