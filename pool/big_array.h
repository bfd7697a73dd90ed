#pragma once

#include <cstddef>
#include <type_traits>

namespace ringtrace::pool {

/// `bytes` of zeroes straight from the system: all of it memory of this process by now, so that what does not
/// fit is found out at the start, and no lease waits for a page (2 MiB to be zeroed; some milliseconds where
/// a hypervisor has yet to find them). In large pages where the system has them: ten million numbers are
/// touched in a quarter of the time so. Throws std::bad_alloc.
void* map_zeroes(std::size_t bytes);
void unmap(void* memory, std::size_t bytes) noexcept;

/// An array whose elements begin as zero bytes and end with no one to tell: the tables that are fixed at
/// start.
template <typename T>
class BigArray {
 public:
  static_assert(std::is_trivially_destructible_v<T>);

  explicit BigArray(std::size_t size)
      : size_(size), elements_(static_cast<T*>(map_zeroes(size * sizeof(T)))) {}
  ~BigArray() { unmap(elements_, size_ * sizeof(T)); }
  BigArray(const BigArray&) = delete;
  BigArray& operator=(const BigArray&) = delete;

  T& operator[](std::size_t i) const { return elements_[i]; }
  T* get() const { return elements_; }

 private:
  const std::size_t size_;
  T* const elements_;
};

}  // namespace ringtrace::pool
