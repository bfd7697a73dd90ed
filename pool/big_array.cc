#include "pool/big_array.h"

#include <sys/mman.h>

#include <cerrno>
#include <new>

namespace ringtrace::pool {
namespace {

/// mmap takes no empty length.
std::size_t length_of(std::size_t bytes) { return bytes == 0 ? 1 : bytes; }

}  // namespace

void* map_zeroes(std::size_t bytes) {
  void* const memory =
      ::mmap(nullptr, length_of(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  ::madvise(memory, length_of(bytes), MADV_HUGEPAGE);  // a wish: without it the pages are small
  const bool there = ::madvise(memory, length_of(bytes), MADV_POPULATE_WRITE) == 0;
  if (!there && errno == ENOMEM) {
    ::munmap(memory, length_of(bytes));
    throw std::bad_alloc();
  }
  return memory;  // with a Linux before 5.14 each page comes at its first use
}

void unmap(void* memory, std::size_t bytes) noexcept { ::munmap(memory, length_of(bytes)); }

}  // namespace ringtrace::pool
