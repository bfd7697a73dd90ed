#include "gateway/program.h"

int main(int argc, char** argv) { return ringtrace::gateway::run_program(argc, argv); }
