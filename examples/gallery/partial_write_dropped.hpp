// A write to a full socket takes a part, and the writer goes on as if it had taken all.
#pragma once

#include "program.hpp"
#include <rouse/sim/thread.hpp>

#include <string>

namespace gallery {

struct PartialWriteDropped {
  static constexpr const char* name = "partial write dropped";
  static constexpr const char* source = "write(2), on the number of bytes written";
  static constexpr Ending ending = Ending::exception;
  static constexpr const char* call = "join";

  template <bool is_repaired>
  static void run(World& world) {
    Pipe pipe{world.backend()};
    const std::string block(40'000, 'x');  // Two do not fit into a pipe's 65,536 bytes.
    std::size_t got = 0;
    rouse::sim::thread reader{[&] {
      char buffer[32'768];
      while (const std::size_t n = pipe.reader.read(buffer)) got += n;
    }};
    for (int i = 0; i < 2; ++i) {
      if (is_repaired) {
        pipe.writer.write(block);
      } else {
        static_cast<void>(pipe.writer.try_write(block));
      }
    }
    pipe.writer.close();
    reader.join();
    require(got == 2 * block.size(), "bytes were lost");
  }
};

}  // namespace gallery
