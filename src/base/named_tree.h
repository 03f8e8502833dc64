#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/problem.h"

namespace antiphon {

/// Folders that lie in one another, small enough to look at as a whole while a transaction changes
/// them. `Node` has `id`, `parent_id` (optional) and `name`.
template <class Node>
class NamedTree {
 public:
  static constexpr int kMaxDepth = 32;

  explicit NamedTree(std::vector<Node> all) : all_(std::move(all)) {
    for (const Node& node : all_) {
      by_id_.emplace(node.id, &node);
      inside_[node.parent_id.value_or("")].push_back(&node);
    }
  }
  NamedTree(NamedTree&&) noexcept = default;
  NamedTree& operator=(NamedTree&&) noexcept = default;
  NamedTree(const NamedTree&) = delete;
  NamedTree& operator=(const NamedTree&) = delete;
  ~NamedTree() = default;

  std::size_t size() const { return all_.size(); }
  const std::vector<Node>& all() const { return all_; }
  /// Null when it is not there.
  const Node* find(std::string_view id) const {
    auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
  }
  /// Throws 404 when it is not there.
  const Node& at(std::string_view id) const {
    const Node* node = find(id);
    if (!node) throw not_found("Folder");
    return *node;
  }
  /// What lies in it, not deeper; in no order. Null: at the top.
  const std::vector<const Node*>& inside(const std::optional<std::string>& parent) const {
    static const std::vector<const Node*> kNothing;
    auto found = inside_.find(parent.value_or(""));
    return found == inside_.end() ? kNothing : found->second;
  }
  /// From the top down to the node itself.
  std::vector<const Node*> way_to(std::string_view id) const {
    std::vector<const Node*> out;
    for (const Node* at = find(id); at && out.size() < kMaxDepth; at = above(*at)) out.push_back(at);
    std::ranges::reverse(out);
    return out;
  }
  /// "a/b/c", the last being the node itself.
  std::string path_to(std::string_view id) const {
    std::string out;
    for (const Node* node : way_to(id)) {
      if (!out.empty()) out += '/';
      out += node->name;
    }
    return out;
  }
  /// The node and all below it.
  std::vector<std::string> subtree(std::string_view id) const {
    std::vector<std::string> out;
    collect(id, 0, out);
    return out;
  }

  /// Throws 400 for a bad name, and one that is taken there. `except`: the id of what gets it.
  void check_name(std::string_view name, const std::optional<std::string>& parent,
                  std::string_view except) const {
    if (name.find_first_not_of(" \t\r\n") == name.npos || name.size() > 256)
      throw Problem(Problem::Kind::invalid, "A folder needs a name of 1 to 256 characters");
    for (const Node* beside : inside(parent))
      if (beside->name == name && beside->id != except)
        throw Problem(Problem::Kind::invalid, "There is a folder of this name here already");
  }
  /// Throws 400 when something with `height` levels, itself included, would lie too deep in `parent`.
  void check_depth(const std::optional<std::string>& parent, int height = 1) const {
    int depth = height + (parent ? static_cast<int>(way_to(*parent).size()) : 0);
    if (depth > kMaxDepth)
      throw Problem(Problem::Kind::invalid, "Folders may lie in one another 32 deep at most");
  }
  /// Throws what keeps `node` from lying in `parent`: 404 when that is not there, 400 when it lies in
  /// the node itself (row 120), for a name that is taken there and for too deep a tree.
  void check_move(const Node& node, const std::optional<std::string>& parent) const {
    if (parent) {
      (void)at(*parent);
      for (const Node* around : way_to(*parent))
        if (around->id == node.id)
          throw Problem(Problem::Kind::invalid, "A folder cannot be moved into itself");
    }
    check_name(node.name, parent, node.id);
    check_depth(parent, height(node.id, 0));
  }

 private:
  const Node* above(const Node& node) const { return node.parent_id ? find(*node.parent_id) : nullptr; }
  int height(std::string_view id, int depth) const {
    int below = 0;
    if (depth <= kMaxDepth)
      for (const Node* node : inside(std::string(id)))
        below = std::max(below, height(node->id, depth + 1));
    return below + 1;
  }
  void collect(std::string_view id, int depth, std::vector<std::string>& out) const {
    out.emplace_back(id);
    if (depth <= kMaxDepth)
      for (const Node* node : inside(std::string(id))) collect(node->id, depth + 1, out);
  }

  std::vector<Node> all_;
  std::map<std::string, const Node*, std::less<>> by_id_;
  std::map<std::string, std::vector<const Node*>, std::less<>> inside_;
};

}  // namespace antiphon
