#pragma once

#include <string_view>
#include <utility>

namespace antiphon {

enum class Right { read, write, own };
constexpr std::string_view name_of(Right right) {
  return right == Right::read ? "read" : right == Right::write ? "write" : "own";
}

/// An object together with the caller's right to it. Handlers take it as a parameter, and cannot
/// get the object otherwise (lesson 1 of the advisories): only `grant`, the feature's one function
/// that decides, makes these. T::kKind names the object in the route table.
template <class T, Right R>
class Granted {
 public:
  using Object = T;
  static constexpr Right right = R;
  static constexpr std::string_view kind() { return T::kKind; }

  const T& operator*() const { return object_; }
  const T* operator->() const { return &object_; }

  /// Called where the right was checked, nowhere else: grep for `::after_check(`.
  static Granted after_check(T object) { return Granted(std::move(object)); }

 private:
  explicit Granted(T object) : object_(std::move(object)) {}
  T object_;
};

}  // namespace antiphon
