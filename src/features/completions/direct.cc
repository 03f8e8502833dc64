#include "features/completions/direct.h"

#include <boost/json.hpp>
#include <deque>
#include <mutex>

#include "base/ids.h"
#include "base/loops.h"
#include "base/problem.h"
#include "base/signal.h"
#include "http/bind.h"

namespace antiphon::completions {
namespace {

using realtime::Channel;

/// For the browser to say that its model server answers; for a whole answer that is not streamed.
constexpr std::chrono::seconds kAnswer{300};
constexpr std::size_t kMaxItem = 64 << 10;

struct Target {
  json::Value item;
  std::string session_id;
};

const Target& target_of(const Model& model) {
  return *static_cast<const Target*>(model.target.get());
}

/// The words of {"error": …}, as model servers and browsers say it; "" when it is none.
std::string error_in(const json::Value& said) {
  const json::Value* error = json::find(said, "error");
  if (!error || error->is_null()) return {};
  if (error->is_string()) return std::string(json::view(error->as_string()));
  std::string_view words = json::text_at(*error, "message");
  return words.empty() ? json::serialize(*error) : std::string(words);
}

Problem broken(std::string words) {
  return Problem(Problem::Kind::upstream, std::move(words));
}

std::string_view trimmed(std::string_view text) {
  auto from = text.find_first_not_of(" \t\r");
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

/// The lines of a model server, as one browser passes them on.
class Lines final : public Chunks {
 public:
  Lines(realtime::Hub& hub, std::string name, std::shared_ptr<Channel> channel,
        std::chrono::seconds idle)
      : hub_(hub), name_(std::move(name)), channel_(std::move(channel)), idle_(idle) {}
  ~Lines() override { hub_.close_channel(name_); }

  Task<std::optional<json::Value>> next() override {
    while (chunks_.empty() && !ended_) take(co_await channel_->next(idle_));
    if (chunks_.empty()) co_return std::nullopt;
    json::Value chunk = std::move(chunks_.front());
    chunks_.pop_front();
    if (std::string words = error_in(chunk); !words.empty()) throw broken(std::move(words));
    co_return std::move(chunk);
  }
  void cancel() override { channel_->fail("The answer was stopped."); }

 private:
  void take(const json::Value& said) {
    if (!said.is_string()) {
      ended_ = json::bool_at(said, "done");
      if (!error_in(said).empty()) chunks_.push_back(said);
      return;
    }
    std::string_view rest = json::view(said.as_string());
    while (!rest.empty() && !ended_) {
      std::size_t end = rest.find('\n');
      take_line(trimmed(rest.substr(0, end)));
      rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    }
  }
  void take_line(std::string_view line) {
    if (line.starts_with("data:")) line = trimmed(line.substr(5));
    if (line == "[DONE]") return;  // Not the end yet: that is said by the browser.
    auto chunk = json::try_parse(line);
    if (chunk && chunk->is_object()) chunks_.push_back(std::move(*chunk));
  }

  realtime::Hub& hub_;
  const std::string name_;
  const std::shared_ptr<Channel> channel_;
  const std::chrono::seconds idle_;
  std::deque<json::Value> chunks_;  ///< Of one line of the browser's.
  bool ended_ = false;
};

}  // namespace

Model DirectProvider::model(const json::Value& item, const std::string& session_id) const {
  if (!p_.enabled())
    throw Problem(Problem::Kind::forbidden, "Direct connections are switched off on this server.");
  if (session_id.empty() || session_id.size() > 128 || session_id.find(':') != session_id.npos)
    throw Problem(Problem::Kind::invalid,
                  "A direct model is asked through a browser: send its session_id.");
  if (json::serialize(item).size() > kMaxItem)
    throw Problem(Problem::Kind::too_large, "model_item is larger than a model's description may be.");
  Model out;
  out.id = json::text_at(item, "id");
  out.name = json::text_at(item, "name");
  out.params = json::Object();
  out.meta = json::Object();
  out.target = std::make_shared<Target>(Target{item, session_id});
  return out;
}

Task<> DirectProvider::stop(std::chrono::milliseconds deadline) {
  (void)co_await scope_.close(deadline);
}

Task<Model> DirectProvider::resolve(const User&, std::string) {
  throw Problem(Problem::Kind::not_found, "Model not found");
  co_return Model();
}

void DirectProvider::ask(const User& me, const Model& model, json::Object body, const Errand& errand,
                         std::string channel, std::function<void(json::Value)> then) {
  const Target& target = target_of(model);
  body["model"] = model.id;
  json::Object question{{"form_data", std::move(body)},
                        {"model", target.item},
                        {"channel", channel},
                        {"session_id", target.session_id}};
  realtime::Event event = realtime::Event::of(
      "events", json::Object{{"chat_id", errand.chat_id},
                             {"message_id", errand.message_id},
                             {"data", json::Object{{"type", "request:chat:completion"},
                                                   {"data", std::move(question)}}}});
  bool started = scope_.start(
      p_.loops.next(), "a browser's model",
      [this, sid = target.session_id, user = me.id, event = std::move(event), channel,
       then]() -> Task<> { then(co_await p_.hub.call(sid, user, event, kAnswer, channel)); });
  if (!started) throw Problem(Problem::Kind::unavailable, "The server is stopping.");
}

Task<std::unique_ptr<Chunks>> DirectProvider::stream(const User& me, const Model& model,
                                                     json::Object body, Errand errand) {
  body["stream"] = true;
  const std::string& sid = target_of(model).session_id;
  std::string name = me.id.value + ":" + sid + ":" + uuid7();
  auto channel = p_.hub.open_channel(name, sid, me.id);
  auto lines = std::make_unique<Lines>(p_.hub, name, channel, p_.idle_timeout());
  ask(me, model, std::move(body), errand, name, [channel](json::Value answer) {
    std::string words = error_in(answer);
    if (words.empty() && !json::bool_at(answer, "status")) words = "The browser did not ask its model.";
    if (!words.empty()) channel->fail(std::move(words));
  });
  co_return lines;
}

Task<json::Value> DirectProvider::complete(const User& me, const Model& model, json::Object body,
                                           Errand errand) {
  body["stream"] = false;
  struct Whole {
    Signal changed;
    std::mutex mutex;
    std::optional<json::Value> answer;  ///< Guarded by mutex.
    bool stopped = false;               ///< Guarded by mutex.
    bool settled() {
      std::scoped_lock lock(mutex);
      return stopped || answer.has_value();
    }
  };
  auto whole = std::make_shared<Whole>();
  if (errand.on_begin)
    errand.on_begin([whole] {
      {
        std::scoped_lock lock(whole->mutex);
        whole->stopped = true;
      }
      whole->changed.notify();
    });
  std::string name = me.id.value + ":" + target_of(model).session_id + ":" + uuid7();
  ask(me, model, std::move(body), errand, name, [whole](json::Value answer) {
    {
      std::scoped_lock lock(whole->mutex);
      whole->answer = std::move(answer);
    }
    whole->changed.notify();
  });
  co_await whole->changed.until([whole] { return whole->settled(); });
  std::scoped_lock lock(whole->mutex);
  if (!whole->answer) throw broken("The answer was stopped.");
  if (std::string words = error_in(*whole->answer); !words.empty()) throw broken(std::move(words));
  if (!whole->answer->is_object()) throw broken("The browser did not ask its model.");
  co_return std::move(*whole->answer);
}

Task<std::optional<http::Response>> DirectProvider::pass_on(const User& me, const Model& model,
                                                            json::Object body, http::Stream& out) {
  if (!json::bool_at(body, "stream"))
    co_return http::json_response(json::serialize(co_await complete(me, model, std::move(body), {})));
  std::shared_ptr<Chunks> chunks = co_await stream(me, model, std::move(body), {});
  out.on_gone([chunks] { chunks->cancel(); });
  http::Events events(out);
  while (auto chunk = co_await chunks->next()) co_await events.send(json::serialize(*chunk));
  co_await events.done();
  co_return std::nullopt;
}

Task<Model> DirectProvider::task_model(const User&, Model model) {
  co_return model;
}

}  // namespace antiphon::completions
