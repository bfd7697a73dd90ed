#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringtrace::pool {

/// A hash table of chains over nodes that are numbered from 0 and exist already: the records of the slots.
/// Fixed memory; the newest node of a chain comes first. Not thread-safe.
class ChainIndex {
 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  explicit ChainIndex(std::size_t nodes)
      : heads_(std::bit_ceil(nodes + nodes / 2 + 1), kNone), nodes_(nodes) {}

  bool contains(std::uint32_t node) const { return nodes_[node].linked; }

  void insert(std::uint32_t node, std::uint64_t hash) {
    std::uint32_t& head = heads_[bucket(hash)];
    nodes_[node] = {kNone, head, static_cast<std::uint32_t>(bucket(hash)), true};
    if (head != kNone) nodes_[head].previous = node;
    head = node;
  }

  /// Nothing happens when the node is not in the table.
  void erase(std::uint32_t node) {
    Node& gone = nodes_[node];
    if (!gone.linked) return;
    gone.linked = false;
    if (gone.next != kNone) nodes_[gone.next].previous = gone.previous;
    (gone.previous == kNone ? heads_[gone.bucket] : nodes_[gone.previous].next) = gone.next;
  }

  /// Calls `visit(node)` for every node that may have the hash, until it returns false.
  template <typename Visit>
  void for_each(std::uint64_t hash, Visit visit) const {
    for (std::uint32_t node = heads_[bucket(hash)]; node != kNone; node = nodes_[node].next) {
      if (!visit(node)) return;
    }
  }

  std::size_t memory_bytes() const {
    return heads_.size() * sizeof(heads_[0]) + nodes_.size() * sizeof(Node);
  }

 private:
  struct Node {
    std::uint32_t previous = kNone;
    std::uint32_t next = kNone;
    std::uint32_t bucket = 0;
    bool linked = false;
  };

  std::size_t bucket(std::uint64_t hash) const {
    return static_cast<std::size_t>(hash) & (heads_.size() - 1);
  }

  std::vector<std::uint32_t> heads_;
  std::vector<Node> nodes_;
};

}  // namespace ringtrace::pool
