// Generator: random scripts that get somewhere. It plays each call on an emulated kernel as it makes it, and looks at
// that kernel for what to do next: which fds there are, what they are good for, what is full and what is watched.
//
// Half of a script are single calls, with arguments as its table says; the other half are manoeuvres (manoeuvres.hpp),
// which are several calls that lead to states chance does not reach, with other calls strewn in between.
#pragma once

#include "choices.hpp"
#include "kernels.hpp"
#include "world.hpp"

#include <initializer_list>

namespace differential {

/// How far scripts got.
struct Shares {
  std::uint64_t scripts = 0;
  std::uint64_t calls = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t not_modelled = 0;
  std::uint64_t blocked = 0;
  std::uint64_t nested = 0;  ///< Scripts in which an epoll watched an epoll.
  std::uint64_t reused = 0;  ///< Scripts in which a number was given out again under a live registration.
  std::uint64_t full = 0;    ///< Scripts in which a pipe or a socket was full.
};

/// Told of every call, before and after the emulated kernel makes it: the counters of coverage.hpp.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void start() = 0;  ///< A new script, on a new kernel.
  virtual void before(EmulatedSide& side, const Step& step) = 0;
  virtual void after(EmulatedSide& side, const Step& step, Outcome outcome) = 0;
};

class Generator {
 public:
  Generator(Choices& choices, EmulatedSide& side, Shares& shares, Observer* observer = nullptr)
      : choices_(choices), side_(side), shares_(shares), observer_(observer) {}

  /// Makes a script and plays it.
  void generate();

  [[nodiscard]] const Script& script() const { return script_; }

  // -- for manoeuvres

  [[nodiscard]] Choices& choices() { return choices_; }
  [[nodiscard]] kernel::Kernel& kernel() { return side_.kernel(); }
  [[nodiscard]] const std::vector<OpenFd>& fds() const { return fds_; }
  /// True if the script is long enough, or there is nothing left to decide with.
  [[nodiscard]] bool is_done() const { return script_.steps.size() >= length_ || choices_.exhausted(); }
  /// Lets the script be longer, for a manoeuvre that takes many calls.
  void extend(std::size_t calls) { length_ += calls; }
  /// An fd that fits, or -1.
  [[nodiscard]] int find(Wants wants);
  /// Makes a call, with the arguments in order; those left out are as if they were not written. Now and then another
  /// call is made first. Returns what it returned, as a word: negative is an errno.
  template <class C>
  std::int64_t call(std::initializer_list<std::int64_t> args, std::vector<Item> items = {});
  /// Makes any call.
  void random_call();
  /// Makes one that probably fails, for several reasons.
  void careless_call() { careless_call(random_signature()); }
  void careless_call(std::size_t call);
  /// New data for a registration, so that each can be told from the others.
  [[nodiscard]] std::int64_t fresh_data() { return ++data_; }
  [[nodiscard]] std::int64_t random_mask();
  /// The numbers that the last call that made two of them gave back.
  [[nodiscard]] int first_fd() const { return newest_[0]; }
  [[nodiscard]] int second_fd() const { return newest_[1]; }

 private:
  void play(Step step);
  void tame(Step& step);
  [[nodiscard]] std::size_t random_signature();
  [[nodiscard]] std::int64_t random_argument(const Param& param);
  [[nodiscard]] std::int64_t careless_argument(const Param& param);
  [[nodiscard]] std::int64_t random_fd(Wants wants);
  void adapt(Step& step, const Signature& signature);
  void random_items(Step& step, List list);
  void note_state(const Step& step);
  void final_sweep();

  Choices& choices_;
  EmulatedSide& side_;
  Shares& shares_;
  Observer* const observer_;

  Script script_;
  std::size_t length_ = 0;
  bool looks_sometimes_ = false;
  std::int64_t data_ = 0;
  int tcp_sends_ = 0;
  std::vector<OpenFd> fds_;
  std::vector<OpenFd> before_;
  std::array<int, 2> newest_{-1, -1};
  std::array<int, 4> focus_{-1, -1, -1, -1};  // What calls were about of late.
  std::size_t focus_next_ = 0;
  bool nested_ = false;
  bool reused_ = false;
  bool full_ = false;
};

inline int Generator::find(Wants wants) {
  std::size_t fitting = 0;
  for (const OpenFd& open : fds_) fitting += fits(*open.file, wants) ? 1 : 0;
  if (fitting == 0) return -1;
  std::size_t chosen = choices_.below(fitting);
  for (const OpenFd& open : fds_) {
    if (fits(*open.file, wants) && chosen-- == 0) return open.fd;
  }
  return -1;
}

inline std::int64_t Generator::random_fd(Wants wants) {
  constexpr std::int64_t junk[] = {-1, 99, INT_MAX, 250};
  const std::size_t kind = choices_.below(64);
  if (kind < 2 || (fds_.empty() && wants != Wants::fresh_number)) {
    if (kind == 0) return choices_.one_of(junk);
    return static_cast<std::int64_t>(3 + choices_.below(12));
  }
  if (kind < 5 && !fds_.empty()) return choices_.one_of(fds_).fd;
  if (kind < 24) {
    const int recent = choices_.one_of(focus_);
    kernel::File* const file = side_.kernel().file(recent);
    if (file != nullptr && fits(*file, wants)) return recent;
  }
  return find(wants);
}

inline std::int64_t Generator::random_mask() {
  if (choices_.one_in(24)) return choices_.one_of(values::masks_rare);
  return choices_.one_of(values::masks);
}

inline std::int64_t Generator::random_argument(const Param& param) {
  if (param.kind == Kind::fd && param.wants != Wants::fresh_number) return random_fd(param.wants);
  const bool rarely = !param.rare.empty() && choices_.one_in(param.is_keyed ? 28 : 20);
  if (rarely && param.kind == Kind::set && choices_.one_in(8)) {
    return static_cast<std::int64_t>(std::uint32_t{1} << choices_.below(32));
  }
  if (rarely) return choices_.one_of(param.rare);
  if (param.wants == Wants::fresh_number && !fds_.empty() && choices_.one_in(3)) return choices_.one_of(fds_).fd;
  return param.usual.empty() ? param.absent : choices_.one_of(param.usual);
}

// Half of the arguments are wrong, so that several errors apply at once: which one comes first?
inline std::int64_t Generator::careless_argument(const Param& param) {
  if (choices_.one_in(2)) return random_argument(param);
  if (param.kind != Kind::fd) return param.rare.empty() ? random_argument(param) : choices_.one_of(param.rare);
  if (fds_.empty() || choices_.one_in(4)) return choices_.one_in(2) ? -1 : 99;
  const int plain = choices_.one_in(2) ? find(Wants::unpollable) : -1;
  return plain >= 0 ? plain : choices_.one_of(fds_).fd;
}

inline void Generator::random_items(Step& step, List list) {
  const std::size_t n = choices_.below(5);
  for (std::size_t i = 0; i < n; ++i) {
    if (list == List::polls) {
      constexpr std::int64_t asked[] = {POLLIN, POLLOUT, POLLIN | POLLOUT, POLLRDNORM | POLLWRNORM, 0, POLLPRI, 0x2fff};
      step.items.push_back({random_fd(Wants::any), choices_.one_of(asked)});
    } else {
      const bool bad = choices_.one_in(40);
      const std::int64_t size =
          choices_.one_in(12) ? choices_.one_of(values::lengths_rare) : choices_.one_of(values::lengths);
      step.items.push_back({bad ? choices_.one_of(values::buffers_bad) : 0, size});
    }
  }
}

// What makes a call of the table a sensible one for the file it is about.
inline void Generator::adapt(Step& step, const Signature& signature) {
  if (signature.params.empty() || signature.params[0].kind != Kind::fd) {
    if (signature.call == Call::setrlimit && !choices_.one_in(3)) {
      const int top = fds_.empty() ? 3 : fds_.back().fd;
      step.args[0] = top + static_cast<std::int64_t>(choices_.below(4));
    }
    return;
  }
  kernel::File* const file = side_.kernel().file(int_of(step, 0));
  if (file == nullptr) return;
  const bool is_eventfd = kernel::file_cast<kernel::EventFdFile>(file) != nullptr;
  if (signature.call == Call::write && is_eventfd && !choices_.one_in(12)) {
    step.args[1] = 8;
    if (step.args[2] == values::no_value) step.args[2] = 1;
  }
  if (signature.call == Call::writev && is_eventfd && step.args[1] == values::no_value) step.args[1] = 1;
  const bool is_timerfd = fits(*file, Wants::timerfd);
  if (signature.call == Call::read && (is_eventfd || is_timerfd) && !choices_.one_in(8)) step.args[1] = 8;
  if (signature.call == Call::read && fits(*file, Wants::signalfd) && !choices_.one_in(8)) {
    step.args[1] = choices_.one_of(values::record_rooms);
  }
  if (signature.call == Call::epoll_ctl) {
    step.args[4] = fresh_data();
    const auto* const epoll = kernel::file_cast<kernel::EpollFile>(file);
    kernel::File* const watched = side_.kernel().file(int_of(step, 2));
    if (epoll == nullptr || watched == nullptr || choices_.one_in(10)) return;
    const bool known = epoll->find(*watched, int_of(step, 2)) != nullptr;
    if (!known) step.args[1] = EPOLL_CTL_ADD;
    if (known && step.args[1] == EPOLL_CTL_ADD) step.args[1] = choices_.one_in(4) ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    if (known && step.args[1] == EPOLL_CTL_MOD) step.args[3] &= ~values::exclusive;
  }
}

inline std::size_t Generator::random_signature() {
  static const int total = [] {
    int sum = 0;
    for (const Signature& signature : all_signatures()) sum += signature.weight;
    return sum;
  }();
  int at = static_cast<int>(choices_.below(static_cast<std::size_t>(total)));
  std::size_t call = 0;
  for (const Signature& signature : all_signatures()) {
    if (at < signature.weight) break;
    at -= signature.weight;
    ++call;
  }
  return call;
}

inline void Generator::careless_call(std::size_t call) {
  Step step;
  step.call = call;
  const Signature& signature = all_signatures()[step.call];
  for (std::size_t i = 0; i < signature.params.size(); ++i) step.args[i] = careless_argument(signature.params[i]);
  if (signature.list != List::none) random_items(step, signature.list);
  play(step);
}

inline void Generator::random_call() {
  if (choices_.one_in(10)) return careless_call();
  // A call that finds no file to be about is given up for another one.
  for (int attempt = 0; attempt < 4; ++attempt) {
    Step step;
    step.call = random_signature();
    const Signature& signature = all_signatures()[step.call];
    bool found = true;
    for (std::size_t i = 0; i < signature.params.size(); ++i) {
      step.args[i] = random_argument(signature.params[i]);
      if (signature.params[i].kind == Kind::fd && step.args[i] == -1) found = choices_.one_in(16);
    }
    if (!found) continue;
    if (signature.list != List::none) random_items(step, signature.list);
    adapt(step, signature);
    play(step);
    return;
  }
  play({index_of<EventFd>, {0, EFD_NONBLOCK}, {}});
}

template <class C>
std::int64_t Generator::call(std::initializer_list<std::int64_t> args, std::vector<Item> items) {
  if (is_done()) return -ECANCELED;
  if (choices_.one_in(10)) random_call();
  const Signature& signature = all_signatures()[index_of<C>];
  Step step{index_of<C>, {}, std::move(items)};
  for (std::size_t i = 0; i < signature.params.size(); ++i) step.args[i] = signature.params[i].absent;
  std::copy(args.begin(), args.end(), step.args.begin());
  play(step);
  return side_.run().last;
}

// What TCP leaves open, scripts keep away from: how much is under way at once, when it is acknowledged, and who of
// several that share a port gets what comes.
inline void Generator::tame(Step& step) {
  if (step.is_look()) return;
  const Signature& signature = all_signatures()[step.call];
  for (std::size_t i = 0; i < signature.params.size(); ++i) {
    const std::string_view name = signature.params[i].name;
    const bool is_time = name == "timeout" || name == "seconds" || name == "nanoseconds" || name == "microseconds";
    const bool is_forever = step.args[i] == static_cast<std::int64_t>(Pointer::null);  // If it is a pointer.
    const bool takes_time = signature.params[i].kind == Kind::number || is_forever;
    if (is_time && takes_time && is_ending(fds_)) step.args[i] = 0;
  }
  if (signature.params.empty() || signature.params[0].kind != Kind::fd) return;
  kernel::File* const file = side_.kernel().file(int_of(step, 0));
  const bool waits = file != nullptr && !file->is_nonblocking() && signature.call != Call::close &&
                     kernel::file_cast<kernel::EpollFile>(file) == nullptr;
  if (waits && is_ending(fds_)) {
    step = {Step::look, {}, {}};
    return;
  }
  const kernel::InetSocketFile* const inet = inet_cast(file);
  if (inet == nullptr) return;
  const bool is_udp = kernel::file_cast<kernel::UdpSocketFile>(file) != nullptr;
  const bool is_for_one =
      signature.call == (is_udp ? Call::sendto : Call::connect) ||
      (is_udp && (signature.call == Call::write || signature.call == Call::writev || signature.call == Call::sendmsg));
  if (is_for_one && is_shared(is_udp ? inet->net().udp_ports : inet->net().tcp_ports)) {
    step = {Step::look, {}, {}};
    return;
  }
  const auto inet_address = [this] {
    return choices_.one_in(6) ? choices_.one_of(values::inet_addresses_rare) : choices_.one_of(values::inet_addresses);
  };
  const bool takes_address = signature.call == Call::bind || signature.call == Call::connect;
  if (takes_address && step.args[1] < first_inet_address) step.args[1] = inet_address();
  const std::size_t target = signature.call == Call::sendto ? 3 : signature.call == Call::sendmsg ? 2 : 0;
  const bool is_named = target != 0 && step.args[target] > 0 && step.args[target] < first_inet_address;
  if (is_named) step.args[target] = inet_address();
  const auto* const tcp = kernel::file_cast<kernel::TcpSocketFile>(file);
  if (tcp == nullptr) return;
  constexpr std::int64_t most = 1000;
  constexpr std::size_t unread_max = 20000;
  const std::int64_t limit = unread_by_peer(*tcp) > unread_max ? 0 : most;
  const bool sends = signature.call == Call::write || signature.call == Call::sendto;
  const auto is_much = [limit](std::int64_t n) { return n < 0 || n > limit; };
  // Linux acknowledges the first sixteen at once.
  constexpr int segments_max = 15;
  const bool is_message = signature.call == Call::writev || signature.call == Call::sendmsg;
  if ((sends || is_message) && ++tcp_sends_ > segments_max) {
    step = {Step::look, {}, {}};
    return;
  }
  if (sends && is_much(step.args[1])) step.args[1] = limit;
  if (is_message) {
    for (Item& item : step.items) {
      if (is_much(item.second)) item.second = limit;
    }
  }
  if (signature.call == Call::setsockopt && (step.args[2] == SO_RCVBUF || step.args[2] == SO_SNDBUF)) {
    step.args[2] = SO_KEEPALIVE;
  }
  if (signature.call == Call::ioctl && step.args[1] == SIOCOUTQ) step.args[1] = FIONREAD;
}

inline void Generator::play(Step step) {
  tame(step);
  script_.steps.push_back(step);
  before_.swap(fds_);
  if (observer_ != nullptr) observer_->before(side_, step);
  const Outcome outcome = side_.play(step, script_.looks_always);
  if (observer_ != nullptr) observer_->after(side_, step, outcome);
  list_fds(side_.kernel(), fds_);
  if (step.is_look()) return;

  ++shares_.calls;
  if (outcome == Outcome::not_modelled) ++shares_.not_modelled;
  if (outcome == Outcome::blocks) ++shares_.blocked;
  if (outcome == Outcome::done && side_.run().last >= 0) {
    ++shares_.succeeded;
    note_state(step);
  }
  if (looks_sometimes_ && choices_.one_in(4)) play({Step::look, {}, {}});
}

inline void Generator::note_state(const Step& step) {
  const Signature& signature = all_signatures()[step.call];
  if (!signature.params.empty() && signature.params[0].kind == Kind::fd) {
    focus_[focus_next_++ % focus_.size()] = int_of(step, 0);
  }
  kernel::Kernel& kernel = side_.kernel();
  if (signature.call == Call::epoll_ctl && step.args[1] == EPOLL_CTL_ADD) {
    nested_ = nested_ || kernel::file_cast<kernel::EpollFile>(kernel.file(int_of(step, 2))) != nullptr;
  }
  if (signature.call == Call::write || signature.call == Call::sendto || signature.call == Call::writev) {
    kernel::File* const file = kernel.file(int_of(step, 0));
    full_ = full_ || (file != nullptr && is_full(*file));
  }
  // Fds that were not there, or are another file's now.
  std::size_t made = 0;
  for (const OpenFd& open : fds_) {
    const bool known = std::any_of(before_.begin(), before_.end(),
                                   [&](const OpenFd& was) { return was.fd == open.fd && was.file == open.file; });
    if (known) continue;
    if (made < newest_.size()) newest_[made++] = open.fd;
    focus_[focus_next_++ % focus_.size()] = open.fd;
    reused_ = reused_ || is_reused_under_registration(fds_, open);
  }
}

// What is still hidden comes out: ready lists, and who is left in them.
inline void Generator::final_sweep() {
  const std::vector<OpenFd> last = fds_;
  for (const OpenFd& open : last) {
    if (!fits(*open.file, Wants::epoll)) continue;
    play({index_of<EpollWait>, {open.fd, 64, 0}, {}});
  }
}

}  // namespace differential

#include "manoeuvres.hpp"

namespace differential {

inline void Generator::generate() {
  if (observer_ != nullptr) observer_->start();
  constexpr std::size_t modes = 3;
  const std::size_t mode = choices_.below(modes);
  script_.looks_always = mode == 0;
  looks_sometimes_ = mode == 1;
  length_ = 8 + choices_.below(88);
  Manoeuvres manoeuvres{*this};
  while (!is_done()) {
    if (choices_.one_in(8)) {
      manoeuvres.make_one();
    } else {
      random_call();
    }
  }
  if (!choices_.one_in(4)) final_sweep();
  side_.finish();
  ++shares_.scripts;
  if (nested_) ++shares_.nested;
  if (reused_) ++shares_.reused;
  if (full_) ++shares_.full;
}

}  // namespace differential
