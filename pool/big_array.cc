#include "pool/big_array.h"

#include <sys/mman.h>

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
  return memory;
}

void unmap(void* memory, std::size_t bytes) noexcept { ::munmap(memory, length_of(bytes)); }

}  // namespace ringtrace::pool
