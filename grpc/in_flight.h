#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace ringtrace::rpc {

/// Counts what each client has under way, up to a limit. Holds as many entries as clients have something
/// under way. Every member may be called from any thread.
class InFlight {
 public:
  /// One thing under way; it ends with the slot, which may outlive the counter.
  class Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept = default;
    Slot& operator=(Slot&& other) noexcept {
      end();
      counts_ = std::move(other.counts_);
      client_ = std::move(other.client_);
      return *this;
    }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() { end(); }

    /// False when it was refused.
    explicit operator bool() const { return counts_ != nullptr; }

   private:
    friend InFlight;
    struct Counts {
      std::mutex mutex;  // held for a few instructions
      std::unordered_map<std::string, std::size_t> by_client;
    };

    Slot(std::shared_ptr<Counts> counts, std::string client)
        : counts_(std::move(counts)), client_(std::move(client)) {}

    void end() {
      if (!counts_) return;
      const std::lock_guard lock(counts_->mutex);
      const auto found = counts_->by_client.find(client_);
      if (--found->second == 0) counts_->by_client.erase(found);
    }

    std::shared_ptr<Counts> counts_;
    std::string client_;
  };

  explicit InFlight(std::size_t limit) : limit_(limit) {}

  /// A slot for one more thing of the client's; an empty one when it has `limit` already.
  Slot take(const std::string& client) {
    {
      const std::lock_guard lock(counts_->mutex);
      std::size_t& count = counts_->by_client[client];
      if (count >= limit_) return {};
      ++count;
    }
    return {counts_, client};
  }

  std::size_t limit() const { return limit_; }

 private:
  const std::size_t limit_;
  const std::shared_ptr<Slot::Counts> counts_ = std::make_shared<Slot::Counts>();
};

}  // namespace ringtrace::rpc
