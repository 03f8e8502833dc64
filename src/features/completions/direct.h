#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/scope.h"
#include "features/completions/provider.h"
#include "realtime/hub.h"

namespace antiphon {
class Loops;
}

namespace antiphon::completions {

/// Models that the user's browser reaches and this server does not (chat-flow.md §3,
/// `request:chat:completion`): the browser is asked over its socket, at whichever replica that is, and
/// says what its model server says. It keeps addresses and keys to itself.
class DirectProvider final : public Provider {
 public:
  struct Parts {
    realtime::Hub& hub;
    Loops& loops;
    std::function<bool()> enabled;                       ///< ENABLE_DIRECT_CONNECTIONS
    std::function<std::chrono::seconds()> idle_timeout;  ///< How long a model may be silent.
  };
  explicit DirectProvider(Parts parts) : p_(std::move(parts)) {}

  /// `item`: the model as the browser describes it; `session_id`: its socket. Throws Problem: 403 when
  /// direct connections are off, 400 without a socket.
  Model model(const json::Value& item, const std::string& session_id) const;
  /// After the hub has stopped.
  Task<> stop(std::chrono::milliseconds deadline);

  /// Always "Model not found": nothing is known of a direct model but what its browser says.
  Task<Model> resolve(const User& me, std::string model_id) override;
  Task<std::unique_ptr<Chunks>> stream(const User& me, const Model& model, json::Object body,
                                       Errand errand) override;
  Task<json::Value> complete(const User& me, const Model& model, json::Object body,
                             Errand errand) override;
  Task<std::optional<http::Response>> pass_on(const User& me, const Model& model, json::Object body,
                                              http::Stream& out) override;
  Task<Model> task_model(const User& me, Model model) override;

 private:
  /// Asks in the background; `then` gets what the browser acknowledges.
  void ask(const User& me, const Model& model, json::Object body, const Errand& errand,
           std::string channel, std::function<void(json::Value)> then);

  Parts p_;
  Scope scope_;
};

}  // namespace antiphon::completions
