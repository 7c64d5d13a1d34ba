// The calls of scripts on any fd, and on limits and paths. What calls.hpp says of them all holds here.
#pragma once

#include "run.hpp"
#include "values.hpp"

namespace differential {

using rouse::kernel::Call;

// -- what signatures are made of

[[nodiscard]] inline Param fd(const char* name, Wants wants) {
  return {.name = name, .kind = Kind::fd, .wants = wants};
}
[[nodiscard]] inline Param number(const char* name, Values usual, Values rare) {
  return {.name = name, .kind = Kind::number, .usual = usual, .rare = rare};
}
[[nodiscard]] inline Param set(const char* name, Names names, Values usual, Values rare) {
  return {.name = name, .kind = Kind::set, .names = names, .usual = usual, .rare = rare};
}
[[nodiscard]] inline Param choice(const char* name, Names names, Values usual, Values rare) {
  return {.name = name, .kind = Kind::choice, .names = names, .usual = usual, .rare = rare};
}
[[nodiscard]] inline Param keyed(const char* name, Kind kind, std::int64_t absent, Values usual, Values rare = {}) {
  return {.name = name, .kind = kind, .usual = usual, .rare = rare, .is_keyed = true, .absent = absent};
}
/// A pointer is good unless a script says otherwise.
[[nodiscard]] inline Param bad_pointer(const char* name) {
  return {.name = name,
          .kind = Kind::choice,
          .names = pointer_names,
          .usual = values::pointers,
          .rare = values::pointers_bad,
          .is_keyed = true};
}

/// One to a buffer, of which a part may be good.
[[nodiscard]] inline Param bad_buffer(const char* name) {
  Param param = bad_pointer(name);
  param.kind = Kind::buffer;
  param.rare = values::buffers_bad;
  return param;
}

/// One that the C library looks behind before the kernel does: it is good, or null.
[[nodiscard]] inline Param null_pointer(const char* name) {
  Param param = bad_pointer(name);
  param.rare = values::pointers_null;
  return param;
}

/// A signal mask for the length of a call.
[[nodiscard]] inline Param blocked_signals() {
  return {
      .name = "blocked", .kind = Kind::set, .names = signal_bit_names, .usual = values::signal_sets, .is_keyed = true};
}

[[nodiscard]] inline int int_of(const Step& step, std::size_t i) { return static_cast<int>(step.args[i]); }

// -- numbers

struct Close {
  static Signature signature() { return {"close", Call::close, 9, {fd("fd", Wants::any)}}; }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.result(run.backend.close(int_of(step, 0)));
  }
};

struct Dup {
  static Signature signature() { return {"dup", Call::dup, 5, {fd("fd", Wants::any)}}; }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.new_fd(run.backend.dup(int_of(step, 0)));
  }
};

[[nodiscard]] inline Param target() {
  return {.name = "to",
          .kind = Kind::fd,
          .usual = values::targets,
          .rare = values::targets_rare,
          .wants = Wants::fresh_number};
}

struct Dup2 {
  static Signature signature() { return {"dup2", Call::dup2, 3, {fd("fd", Wants::any), target()}}; }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.new_fd(run.backend.dup2(int_of(step, 0), int_of(step, 1)));
  }
};

struct Dup3 {
  static Signature signature() {
    return {"dup3",
            Call::dup3,
            2,
            {fd("fd", Wants::any), target(), set("flags", status_names, values::close_on_exec, values::flags_bad)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.new_fd(run.backend.dup3(int_of(step, 0), int_of(step, 1), int_of(step, 2)));
  }
};

/// fcntl by its commands, as each takes another argument.
template <class Run>
void make_fcntl(Run& run, const Step& step, int command) {
  run.result(run.backend.fcntl(int_of(step, 0), command, static_cast<long>(step.args[1])));
}

struct FcntlGetFd {
  static Signature signature() { return {"fcntl_GETFD", Call::fcntl, 1, {fd("fd", Wants::any)}}; }
  template <class Run>
  static void make(Run& run, const Step& step) {
    make_fcntl(run, step, F_GETFD);
  }
};
struct FcntlSetFd {
  static Signature signature() {
    return {"fcntl_SETFD",
            Call::fcntl,
            1,
            {fd("fd", Wants::any), number("flags", values::fd_flags, values::fd_flags_rare)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    make_fcntl(run, step, F_SETFD);
  }
};
struct FcntlGetFl {
  static Signature signature() { return {"fcntl_GETFL", Call::fcntl, 1, {fd("fd", Wants::any)}}; }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.last = 0;
    const auto got = run.backend.fcntl(int_of(step, 0), F_GETFL, 0);
    if (!got.ok()) return run.result(got);
    append_set(run.transcript.text(), got.value(), status_names);
  }
};
struct FcntlSetFl {
  static Signature signature() {
    return {"fcntl_SETFL",
            Call::fcntl,
            3,
            {fd("fd", Wants::any), set("flags", status_names, values::status_flags, values::status_flags_rare)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    make_fcntl(run, step, F_SETFL);
  }
};
struct FcntlDupFd {
  static Signature signature() {
    return {"fcntl_DUPFD", Call::fcntl, 2, {fd("fd", Wants::any), number("from", values::minima, values::minima_rare)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.new_fd(run.backend.fcntl(int_of(step, 0), F_DUPFD, static_cast<long>(step.args[1])));
  }
};
struct FcntlDupFdCloexec {
  static Signature signature() {
    return {"fcntl_DUPFD_CLOEXEC",
            Call::fcntl,
            1,
            {fd("fd", Wants::any), number("from", values::minima, values::minima_rare)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.new_fd(run.backend.fcntl(int_of(step, 0), F_DUPFD_CLOEXEC, static_cast<long>(step.args[1])));
  }
};
struct FcntlDupFdQuery {
  static Signature signature() {
    return {"fcntl_DUPFD_QUERY", Call::fcntl, 1, {fd("fd", Wants::any), fd("other", Wants::any)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    make_fcntl(run, step, rouse::kernel::sys::detail_fd::f_dupfd_query);
  }
};
struct FcntlGetPipeSize {
  static Signature signature() { return {"fcntl_GETPIPE_SZ", Call::fcntl, 1, {fd("fd", Wants::pipe)}}; }
  template <class Run>
  static void make(Run& run, const Step& step) {
    make_fcntl(run, step, F_GETPIPE_SZ);
  }
};
struct FcntlSetPipeSize {
  static Signature signature() {
    return {"fcntl_SETPIPE_SZ",
            Call::fcntl,
            3,
            {fd("fd", Wants::pipe), number("size", values::pipe_sizes, values::pipe_sizes_rare)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    make_fcntl(run, step, F_SETPIPE_SZ);
  }
};
struct FcntlBad {
  static Signature signature() {
    return {"fcntl",
            Call::fcntl,
            1,
            {fd("fd", Wants::any), number("command", values::commands_bad, {}),
             number("argument", values::any_number, {})}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.result(run.backend.fcntl(int_of(step, 0), int_of(step, 1), static_cast<long>(step.args[2])));
  }
};

struct Ioctl {
  static Signature signature() {
    return {"ioctl",
            Call::ioctl,
            6,
            {fd("fd", Wants::any), choice("request", ioctl_names, values::requests, values::requests_rare),
             keyed("value", Kind::number, 0, values::switches), bad_pointer("argument")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    std::int64_t value = static_cast<std::uint32_t>(step.args[2]);  // Some requests take eight bytes.
    run.result(run.backend.ioctl(int_of(step, 0), static_cast<unsigned long>(step.args[1]),
                                 Run::pointer(step.args[3], &value)));
    run.number("", static_cast<int>(value));
  }
};

// -- paths and limits

struct OpenNull {
  static Signature signature() {
    return {"open_null", Call::open, 4, {set("flags", status_names, values::open_flags, {}), bad_pointer("path")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.new_fd(run.backend.open(Run::pointer(step.args[1], "/dev/null"), int_of(step, 0)));
  }
};

struct Unlink {
  static constexpr std::int64_t paths[] = {2, 3};
  static Signature signature() {
    return {"unlink", Call::unlink, 2, {choice("path", address_names, paths, {}), bad_pointer("pointer")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const char* const path = static_cast<Address>(step.args[0]) == Address::path_a ? "a" : "b";
    run.result(run.backend.unlink(Run::pointer(step.args[1], path)));
  }
};

[[nodiscard]] inline Param resource() {
  return keyed("resource", Kind::number, RLIMIT_NOFILE, values::resources, values::resources_bad);
}

struct GetRlimit {
  static Signature signature() { return {"getrlimit", Call::getrlimit, 1, {resource(), bad_pointer("limit")}}; }
  template <class Run>
  static void make(Run& run, const Step& step) {
    ::rlimit limit{};
    run.result(run.backend.getrlimit(int_of(step, 0), Run::pointer(step.args[1], &limit)));
    run.number("", static_cast<std::int64_t>(limit.rlim_cur));
  }
};

/// Sets the soft limit on fd numbers; the hard one stays, as it could not be raised again.
struct SetRlimit {
  static Signature signature() {
    return {"setrlimit",
            Call::setrlimit,
            1,
            {number("soft", values::limits, values::limits_bad), resource(), bad_pointer("limit")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    ::rlimit limit{};
    static_cast<void>(run.backend.getrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = static_cast<::rlim_t>(step.args[0]);
    run.result(run.backend.setrlimit(int_of(step, 1), Run::pointer(step.args[2], &limit)));
  }
};

}  // namespace differential
