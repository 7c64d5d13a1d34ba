// What a call throws, as text to be compared.
#pragma once

#include <string>
#include <system_error>

namespace test {

/// What the std::system_error of `call` says; nothing if there is none.
template <class Call>
std::string thrown_by(Call call) {
  try {
    call();
  } catch (const std::system_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace test
