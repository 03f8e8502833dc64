#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/problem.h"
#include "http/granted.h"
#include "http/router.h"
#include "http/upload.h"
#include "json/json.h"

/// Turns a member function into an Endpoint by reading its signature:
///
///     Task<ChatView> show(const User& me, Granted<Chat, Right::read> chat, Query<ShowOptions> q);
///
/// `Anyone`, `const SignedIn&`, `const PendingHuman&`, `const User&`, `const Human&`, `const Admin&`
/// say who may call (exactly one is required). Id and std::string take the path's {…} in order.
/// Granted<T, R> takes one too, and asks the api for the object: its member function template
/// `template <class G> Task<G> grant(const User& me, std::string id)` throws when the caller has no
/// such right. Query<T>, Body<T> and Upload<T> (a form with a file, which may be as large as the api's
/// `Task<FileLimit> file_limit(const Caller&) const` says) are parsed and validated, `Events` streams,
/// `Call&` is for what nothing else covers (cookies, raw bytes).
namespace antiphon::http {

template <class T>
struct Query : T {};
template <class T>
struct Body : T {};
/// A multipart/form-data body: T is made of its texts, as of a query, and `file` lies on disk until the
/// last copy of the pointer goes.
template <class T>
struct Upload : T {
  UploadedFilePtr file;
};

std::string take_path_arg(Call&);
void parse_query(const json::Shape&, void* out, const Request&);
/// Parses the body; throws 415 for another content type than JSON (row 90), 422 for what does not fit.
void parse_body(const json::Shape&, void* out, const Request&);
/// Fills `out` from the form's texts and yields its file; throws 422 for what is missing or does not
/// fit.
UploadedFilePtr parse_form(const json::Shape&, void* out, const Call&);
Response json_response(std::string text);

template <class P>
struct Arg;

template <class T, Who W>
struct CallerArg {
  static constexpr bool kSaysWho = true;
  static void note(Endpoint& e) { e.who = W, e.who_said = true; }
  static T take(Call& c) {
    T out;
    static_cast<Caller&>(out) = c.caller;
    return out;
  }
};
template <>
struct Arg<Anyone> {
  static constexpr bool kSaysWho = true;
  static void note(Endpoint& e) { e.who = Who::anyone, e.who_said = true; }
  static Anyone take(Call& c) { return {c.caller}; }
};
template <>
struct Arg<const SignedIn&> : CallerArg<SignedIn, Who::signed_in> {};
template <>
struct Arg<const PendingHuman&> : CallerArg<PendingHuman, Who::pending_human> {};
template <>
struct Arg<const User&> : CallerArg<User, Who::user> {};
template <>
struct Arg<const Human&> : CallerArg<Human, Who::human> {};
template <>
struct Arg<const Admin&> : CallerArg<Admin, Who::admin> {};

template <>
struct Arg<std::string> {
  static constexpr bool kSaysWho = false;
  static void note(Endpoint& e) { ++e.path_args; }
  static std::string take(Call& c) { return take_path_arg(c); }
};
template <class E>
struct Arg<Id<E>> {
  static constexpr bool kSaysWho = false;
  static void note(Endpoint& e) { ++e.path_args; }
  static Id<E> take(Call& c) { return {take_path_arg(c)}; }
};
template <class T>
struct Arg<Query<T>> {
  static constexpr bool kSaysWho = false;
  static void note(Endpoint& e) { e.query = &json::shape<T>(); }
  static Query<T> take(Call& c) {
    Query<T> out{};
    parse_query(json::shape<T>(), static_cast<T*>(&out), c.request);
    return out;
  }
};
template <class T>
struct Arg<Body<T>> {
  static constexpr bool kSaysWho = false;
  static void note(Endpoint& e) { e.body = &json::shape<T>(); }
  static Body<T> take(Call& c) {
    Body<T> out{};
    parse_body(json::shape<T>(), static_cast<T*>(&out), c.request);
    return out;
  }
};
template <class T>
struct Arg<Upload<T>> {
  static constexpr bool kSaysWho = false;
  static void note(Endpoint& e) { e.form = &json::shape<T>(); }
  static Upload<T> take(Call& c) {
    Upload<T> out{};
    out.file = parse_form(json::shape<T>(), static_cast<T*>(&out), c);
    return out;
  }
};
template <>
struct Arg<json::Value> {
  static constexpr bool kSaysWho = false;
  static void note(Endpoint& e) { e.body = &json::shape<json::Value>(); }
  static json::Value take(Call& c) {
    json::Value out;
    parse_body(json::shape<json::Value>(), &out, c.request);
    return out;
  }
};
template <>
struct Arg<Events> {
  static constexpr bool kSaysWho = false;
  static void note(Endpoint& e) { e.streams = true; }
  static Events take(Call& c) { return Events(c.stream); }
};
template <>
struct Arg<Call&> {
  static constexpr bool kSaysWho = false;
  static void note(Endpoint& e) { e.takes_call = true; }
  static Call& take(Call& c) { return c; }
};
template <class T, Right R>
struct Arg<Granted<T, R>> {
  static constexpr bool kSaysWho = false;
  static void note(Endpoint& e) {
    ++e.path_args;
    e.object = ObjectRight{Granted<T, R>::kind(), name_of(R)};
  }
};

template <class P>
struct IsGranted : std::false_type {};
template <class T, Right R>
struct IsGranted<Granted<T, R>> : std::true_type {};

template <class P>
struct IsUpload : std::false_type {};
template <class T>
struct IsUpload<Upload<T>> : std::true_type {};

/// Where an argument waits for the handler. Call is the only one that is not kept by value.
template <class P>
struct Slot {
  std::optional<std::remove_cvref_t<P>> value;
  std::string path_arg = {};  ///< Of a Granted: the id to ask for.

  void take(Call& call) {
    if constexpr (IsGranted<P>::value)
      path_arg = take_path_arg(call);
    else
      value.emplace(Arg<P>::take(call));
  }
  P&& pass() { return static_cast<P&&>(*value); }
};
template <>
struct Slot<Call&> {
  Call* call = nullptr;
  void take(Call& c) { call = &c; }
  Call& pass() { return *call; }
};

template <class P, class Api>
Task<> grant_one(Api& api, Call& call, Slot<P>& slot) {
  if constexpr (IsGranted<P>::value) {
    User me;
    static_cast<Caller&>(me) = call.caller;
    slot.value.emplace(co_await api.template grant<P>(me, std::move(slot.path_arg)));
  }
  co_return;
}

template <class... P, class Api, std::size_t... I>
Task<> grant_all(Api& api, Call& call, std::tuple<Slot<P>...>& slots, std::index_sequence<I...>) {
  (co_await grant_one<P>(api, call, std::get<I>(slots)), ...);
}

/// A handler's parameters say who may call it: once. Without it a route does not compile.
template <class... P>
concept SayWho = (Arg<P>::kSaysWho + ... + 0) == 1;

/// Input that does not fit is refused before objects are asked for, as FastAPI does.
template <auto M, class Api, class R, class... P>
  requires SayWho<P...>
Endpoint bind_as(Api api, Task<R> (Api::*)(P...)) {
  Endpoint e;
  (Arg<P>::note(e), ...);
  if constexpr ((IsUpload<P>::value || ...))
    e.file_limit = [api](const Caller& who) { return api.file_limit(who); };
  if constexpr (!std::is_void_v<R> && !std::is_same_v<R, Response> &&
                !std::is_same_v<R, std::optional<Response>>)
    e.reply = &json::shape<R>();
  e.run = [api](Call& call) mutable -> Task<std::optional<Response>> {
    std::tuple<Slot<P>...> slots;
    std::apply([&](auto&... slot) { (slot.take(call), ...); }, slots);
    if constexpr ((IsGranted<P>::value || ...))
      co_await grant_all<P...>(api, call, slots, std::index_sequence_for<P...>{});
    auto invoke = [&](auto&... slot) { return (api.*M)(slot.pass()...); };
    if constexpr (std::is_void_v<R>) {
      co_await std::apply(invoke, slots);
      co_return std::nullopt;
    } else if constexpr (std::is_same_v<R, Response> || std::is_same_v<R, std::optional<Response>>) {
      co_return co_await std::apply(invoke, slots);
    } else {
      R reply = co_await std::apply(invoke, slots);
      co_return json_response(json::dump(reply));
    }
  };
  return e;
}

/// `api` is a handful of references; every endpoint keeps its own copy.
template <auto M, class Api>
Endpoint bind(const Api& api)
  requires requires { bind_as<M>(api, M); }
{
  return bind_as<M>(api, M);
}

}  // namespace antiphon::http
