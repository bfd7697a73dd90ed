// What the number pool costs, each figure beside a peer measured by turns in the same run: the parts are in
// bench/pool_bench.h.

#include "bench/pool_bench.h"

int main(int argc, char** argv) {
  std::vector<ringtrace::bench::Row> rows;
  ringtrace::bench::pool_free_list(rows);
  ringtrace::bench::pool_threads(rows);
  ringtrace::bench::pool_readers(rows);
  ringtrace::bench::pool_cost(rows);
  ringtrace::bench::pool_size(rows);
  return ringtrace::bench::report(argc, argv, rows);
}
