#include "chat.h"

#include <fmt/core.h>

#include <memory>
#include <random>
#include <unordered_map>
#include <utility>

#include "http.h"
#include "report.h"
#include "socket.h"

namespace bench {
namespace {

std::string uuid() {
  static std::mt19937_64 random{std::random_device{}()};
  std::uint64_t a = random(), b = random();
  return fmt::format("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", a >> 32, a >> 16 & 0xffff, a & 0xfff,
                     b >> 48 & 0xfff, b & 0xffffffffffff);
}

/// The text behind `"key":"`, as it stands; "" when there is none. Blanks after the colon are skipped.
std::string_view text_at(std::string_view json, std::string_view key) {
  std::size_t at = json.find(key);
  if (at == json.npos) return {};
  at += key.size();
  while (at < json.size() && (json[at] == ':' || json[at] == ' ')) ++at;
  if (at >= json.size() || json[at] != '"') return {};
  std::size_t end = json.find('"', at + 1);  // No text of the load has a quote in it.
  return end == json.npos ? std::string_view{} : json.substr(at + 1, end - at - 1);
}

bool says_done(std::string_view json) {
  return json.find("\"done\":true") != json.npos || json.find("\"done\": true") != json.npos;
}

struct Answer {
  Clock::time_point begun;
  double accepted = -1, first = -1, finished = -1;  ///< Milliseconds after `begun`.
  std::size_t characters = 0;                       ///< Of the deltas.
  bool failed = false;
  /// When so many characters had come, here and at the other replica; only when there is one.
  std::vector<std::pair<std::size_t, Clock::time_point>> here, there;
};

/// Milliseconds by which each piece came later at the other replica; what never came there is not in
/// it. A piece that came sooner counts with what it is, below zero.
void delays_of(const Answer& a, std::vector<double>& out) {
  std::size_t at = 0;
  for (const auto& [characters, when] : a.here) {
    while (at != a.there.size() && a.there[at].first < characters) ++at;
    if (at == a.there.size()) return;
    out.push_back(std::chrono::duration<double, std::milli>(a.there[at].second - when).count());
  }
}

double since(Clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

class Asking {
 public:
  explicit Asking(const Load& load) : load_(load), answers_(static_cast<std::size_t>(load.answers)) {}

  void run() {
    connect();
    loop_.after(std::chrono::milliseconds(static_cast<std::int64_t>(load_.patience * 1000)),
                [this] { loop_.stop(); });
    loop_.run();
  }

  void print() const {
    std::vector<double> accepted, first, whole, delays;
    std::size_t pieces = 0;
    int finished = 0, complete = 0, failed = 0;
    std::size_t expected = 0;
    for (const Answer& a : answers_) expected = std::max(expected, a.characters);
    for (const Answer& a : answers_) {
      if (a.accepted >= 0) accepted.push_back(a.accepted);
      if (a.first >= 0) first.push_back(a.first);
      failed += a.failed;
      pieces += a.here.size();
      delays_of(a, delays);
      if (a.finished < 0 || a.failed) continue;
      ++finished;
      complete += a.characters == expected;
      whole.push_back(a.finished);
    }
    fmt::print(
        "{{\"answers\":{},\"finished\":{},\"complete\":{},\"failed\":{},\"characters\":{},{},{},{},"
        "{},\"pieces\":{},\"pieces_elsewhere\":{},"
        "\"most_at_once\":{},\"seconds\":{:.3f},\"client_cpu_seconds\":{:.3f}}}\n",
        answers_.size(), finished, complete, failed, expected, spread("accepted", accepted),
        spread("first", first), spread("whole", whole), spread("delay_elsewhere", delays), pieces,
        delays.size(), most_, seconds_, cpu_);
  }

 private:
  /// Connections first, so that they are no part of the times.
  void connect() {
    for (std::size_t i = 0; i != answers_.size(); ++i) {
      lines_.push_back(new HttpClient(loop_, load_.port));
      lines_.back()->on_closed = [this, i] { lines_[i] = nullptr; };
    }
    if (load_.tokens.empty()) return begin();
    users_.reserve(load_.tokens.size());
    for (const std::string& token : load_.tokens) {
      users_.push_back(join(load_.port, token));
      users_.back()->on_packet = [this](std::string_view packet) { take(packet); };
      if (!load_.elsewhere) continue;
      join(load_.elsewhere, token)->on_packet = [this](std::string_view packet) {
        take_elsewhere(packet);
      };
    }
  }
  Socket* join(int port, const std::string& token) {
    auto* socket = new Socket(loop_, port, token);
    ++joining_;
    socket->on_ready = [this] {
      if (--joining_ == 0) loop_.after(std::chrono::milliseconds(300), [this] { begin(); });
    };
    return socket;
  }

  void begin() {
    began_ = Clock::now();
    cpu_before_ = cpu_seconds();
    double step = load_.over / std::max<double>(1, static_cast<double>(answers_.size()));
    for (std::size_t i = 0; i != answers_.size(); ++i)
      loop_.at(began_ + std::chrono::microseconds(
                            static_cast<std::int64_t>(step * 1000 * static_cast<double>(i))),
               [this, i] { ask_one(i); });
  }

  void ask_one(std::size_t i) {
    answers_[i].begun = Clock::now();
    most_ = std::max(most_, ++now_);
    if (!lines_[i]) return note_end(answers_[i], true);
    load_.tokens.empty() ? stream(i) : turn(i);
  }
  void note_text(Answer& answer, std::size_t characters) {
    if (answer.first < 0) answer.first = since(answer.begun);
    answer.characters += characters;
  }
  void note_end(Answer& answer, bool failed) {
    if (answer.finished >= 0) return;
    answer.finished = since(answer.begun);
    answer.failed = failed;
    --now_;
    if (++ended_ != answers_.size()) return;
    seconds_ = since(began_) / 1000;
    cpu_ = cpu_seconds() - cpu_before_;
    // What the other replica has still to say.
    loop_.after(std::chrono::milliseconds(load_.elsewhere ? 1000 : 0), [this] { loop_.stop(); });
  }

  /// Straight from the provider.
  void stream(std::size_t i) {
    Answer& answer = answers_[i];
    lines_[i]->on_piece = [this, &answer](std::string_view piece) {
      for (std::size_t at = piece.find("\"delta\""); at != piece.npos;
           at = piece.find("\"delta\"", at + 1))
        if (std::size_t size = text_at(piece.substr(at), "\"content\"").size()) note_text(answer, size);
    };
    std::string body = fmt::format(
        R"({{"model":"{}","stream":true,"messages":[{{"role":"user","content":"Go on"}}]}})",
        load_.model);
    lines_[i]->post("/v1/chat/completions", "x", body,
                    [this, &answer](auto reply) { note_end(answer, !reply || reply->status != 200); });
  }

  /// A turn, with the fields the web client sends.
  void turn(std::size_t i) {
    std::size_t user = i % users_.size();
    std::string question = uuid(), id = uuid();
    by_message_[id] = i;
    std::string body = fmt::format(
        R"({{"stream":true,"model":"{0}","params":{{}},"tool_servers":[],"features":{{}},"variables":{{}},)"
        R"("session_id":"{1}","id":"{2}","message_ids":[{{"model_id":"{0}","message_id":"{2}","modelIdx":0}}],)"
        R"("parent_id":null,"user_message":{{"id":"{3}","parentId":null,"childrenIds":["{2}"],"role":"user",)"
        R"("content":"Go on","models":["{0}"],"timestamp":1700000000}},"background_tasks":)"
        R"({{"title_generation":false,"tags_generation":false,"follow_up_generation":false}}}})",
        load_.model, users_[user]->sid(), id, question);
    Answer& answer = answers_[i];
    lines_[i]->post("/api/chat/completions", load_.tokens[user], body, [this, &answer](auto reply) {
      answer.accepted = since(answer.begun);
      if (reply && reply->status == 200) return;
      if (std::exchange(told_, true)) return note_end(answer, true);
      fmt::print(stderr, "refused: {} {}\n", reply ? reply->status : 0,
                 reply ? std::string_view(reply->body).substr(0, 300) : "connection broke");
      note_end(answer, true);
    });
  }

  /// Null when it is about no answer of ours.
  Answer* answer_of(std::string_view packet) {
    auto found = by_message_.find(std::string(text_at(packet, "\"message_id\"")));
    return found == by_message_.end() ? nullptr : &answers_[found->second];
  }
  static bool is_text(std::string_view packet) {
    return packet.find("response.output_text.delta") != packet.npos;
  }

  void take_elsewhere(std::string_view packet) {
    Answer* answer = answer_of(packet);
    if (!answer || !is_text(packet)) return;
    std::size_t before = answer->there.empty() ? 0 : answer->there.back().first;
    answer->there.emplace_back(before + text_at(packet, "\"delta\"").size(), Clock::now());
  }

  void take(std::string_view packet) {
    Answer* found = answer_of(packet);
    if (!found) return;
    Answer& answer = *found;
    if (is_text(packet)) {
      note_text(answer, text_at(packet, "\"delta\"").size());
      if (load_.elsewhere) answer.here.emplace_back(answer.characters, Clock::now());
    } else if (packet.find("chat:message:error") != packet.npos) {
      if (!std::exchange(told_, true)) fmt::print(stderr, "an error: {}\n", packet.substr(0, 300));
      note_end(answer, true);
    } else if (packet.find("chat:completion") != packet.npos && says_done(packet)) {
      note_end(answer, false);
    }
  }

  const Load& load_;
  Loop loop_;
  std::vector<Answer> answers_;
  std::vector<HttpClient*> lines_;
  std::vector<Socket*> users_;
  std::unordered_map<std::string, std::size_t> by_message_;
  std::size_t joining_ = 0, ended_ = 0;
  int now_ = 0, most_ = 0;
  bool told_ = false;
  Clock::time_point began_;
  double cpu_before_ = 0, cpu_ = 0, seconds_ = 0;
};

}  // namespace

int ask(const Load& load) {
  Asking asking(load);
  asking.run();
  asking.print();
  return 0;
}

}  // namespace bench
