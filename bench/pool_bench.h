#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bench/report.h"

namespace ringtrace::bench {

// The parts of the pool's benchmark; each file says what is measured how, and what may be doubted.
void pool_free_list(std::vector<Row>& rows);  ///< pool_free_list.cc: the queue of resting numbers alone
void pool_cost(std::vector<Row>& rows);     ///< pool_cost.cc: one thread, pools of 100 to 10 million numbers
void pool_size(std::vector<Row>& rows);     ///< pool_size.cc: memory and start-up of 10 million numbers
void pool_threads(std::vector<Row>& rows);  ///< pool_threads.cc: 1 to 8 threads, beside a mutex
void pool_readers(std::vector<Row>& rows);  ///< pool_readers.cc: two readers beside one

inline Row pool_row(std::string what, std::string unit, std::string peer_name, Target target) {
  return {"pool", std::move(what), std::move(unit), 0, 0, std::move(peer_name), 0, target, {}};
}

}  // namespace ringtrace::bench
