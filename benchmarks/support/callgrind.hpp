// Instruction counts by callgrind, which repeat exactly where times do not.
#pragma once

#include <map>
#include <string>

namespace bench {

/// Runs this program again under callgrind, where its meters count, and returns the instructions of one operation by
/// the meters' labels. Of the counts I(n) and I(2n) of n and 2n operations it is (I(2n) - I(n)) / n: what is done once
/// falls out. Throws if valgrind is missing, or the program fails there.
///
/// What could make two runs differ is the same in all: an empty environment, a path of fixed length, and the C
/// library's plainest string functions, whatever the processor.
[[nodiscard]] std::map<std::string, double> count_instructions();

}  // namespace bench
