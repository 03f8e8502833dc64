#include "features/chats/live.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/time.h"
#include "realtime/hub.h"

namespace antiphon::chats {
namespace {

using realtime::Room;
using realtime::Socket;
using Ack = std::optional<json::Value>;

constexpr std::string_view kRoom = "chat:";
constexpr std::size_t kMaxShown = 50;  ///< Of those present.

User user_of(Caller caller) {
  User me;
  static_cast<Caller&>(me) = std::move(caller);
  return me;
}

json::Object envelope(const std::string& chat_id, std::string_view type, json::Value data) {
  return {{"chat_id", chat_id},
          {"message_id", nullptr},
          {"data", json::Object{{"type", type}, {"data", std::move(data)}}}};
}

struct Live {
  LiveParts p;

  Task<Ack> handle(Socket& socket, json::Value event) {
    std::string chat_id(json::text_at(event, "chat_id"));
    const json::Value* data = json::find(event, "data");
    if (chat_id.empty() || chat_id.size() > 128 || !data) co_return json::Value(false);
    std::string_view type = json::text_at(*data, "type");
    if (type == "join") co_return json::Value(co_await join(socket, chat_id));
    if (type == "leave") co_return json::Value(co_await leave(socket, chat_id));
    if (type == "typing") co_return json::Value(type_in(socket, chat_id, *data));
    if (type == "last_read_at") co_await read(socket, chat_id);
    co_return std::nullopt;
  }

  Task<bool> join(Socket& socket, const std::string& chat_id) {
    if (!co_await socket.join(Room::chat(chat_id))) co_return false;
    co_await tell_presence(chat_id);
    co_return true;
  }

  Task<bool> leave(Socket& socket, const std::string& chat_id) {
    if (!socket.in(Room::chat(chat_id))) co_return false;
    socket.leave(Room::chat(chat_id));
    co_await tell_presence(chat_id);
    co_return true;
  }

  /// To the others in the room; only who has entered it may.
  bool type_in(Socket& socket, const std::string& chat_id, const json::Value& data) {
    if (!socket.in(Room::chat(chat_id))) return false;
    const json::Value* inner = json::find(data, "data");
    Caller who = socket.caller();
    json::Object out =
        envelope(chat_id, "typing", json::Object{{"typing", inner && json::bool_at(*inner, "typing")}});
    out["user"] = json::Object{{"id", who.id.value}, {"name", who.name}};
    out["user_id"] = who.id.value;
    out["shared"] = true;
    p.hub.emit(Room::chat(chat_id), realtime::Event::of("events", std::move(out)), socket.sid());
    return true;
  }

  Task<> read(Socket& socket, const std::string& chat_id) {
    UserId me = socket.caller().id;
    std::int64_t now = unix_seconds();
    if (!co_await p.unread.mark(me.value, chat_id, now)) co_return;
    json::Object data{{"chat_id", chat_id},
                      {"last_read_at", now},
                      {"folder_unread_counts", to_json(co_await p.unread.by_folder(me.value))}};
    p.hub.emit(Room::user(me),
               realtime::Event::of("events", envelope(chat_id, "chat:list", std::move(data))));
  }

  /// Every replica shows it to its own sockets, so that what each shows is the latest it knows.
  Task<> show_presence(std::string chat_id) {
    json::Array users;
    for (const std::string& id : p.hub.users_in(Room::chat(chat_id)))
      if (users.size() < kMaxShown)
        users.push_back(json::Object{{"id", id}, {"name", co_await p.name_of({id})}});
    json::Object out = envelope(chat_id, "chat:presence", json::Object{{"users", std::move(users)}});
    out["shared"] = true;
    p.hub.emit_here(Room::chat(chat_id), realtime::Event::of("events", std::move(out)));
  }

  Task<> tell_presence(const std::string& chat_id) {
    p.hub.tell_members(Room::chat(chat_id));
    co_await show_presence(chat_id);
  }
};

}  // namespace

void add_live(const LiveParts& parts) {
  parts.hub.on("events:chat", {.kind = "chat", .member = "chat_id"},
               [live = Live{parts}](Socket& socket, json::Value event) mutable {
                 return live.handle(socket, std::move(event));
               });
  parts.hub.on_members([live = Live{parts}](Room room) mutable {
    return live.show_presence(room.name.substr(std::min(kRoom.size(), room.name.size())));
  });
}

Task<bool> may_join(const Guard& guard, Caller caller, std::string room) {
  if (!room.starts_with(kRoom)) co_return false;
  User me = user_of(std::move(caller));
  co_return co_await guard.may_read(me, room.substr(kRoom.size()));
}

}  // namespace antiphon::chats
