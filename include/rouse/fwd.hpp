// Names only, for headers that mention rouse's types and need no more.
#pragma once

#include <cstddef>

namespace rouse::inline v0 {

// Vocabulary.
struct CreateFlags;
struct EventFdFlags;
struct EventFlags;
struct KernelAge;
struct Linger;
struct MessageFlags;
struct PipeFlags;
struct SignalFdFlags;
struct SocketFlags;
struct TimerFlags;
class CallSet;
class CallSite;
class ConstBuffer;
class Event;
class EventBuffer;
class EventData;
class EventVec;
class Fault;
class FaultPlan;
template <std::size_t N>
class EventArray;
class Ip;
class Ipv4;
class Ipv4Address;
class Ipv6;
class Ipv6Address;
class MutableBuffer;
class SignalInfo;
class SignalSet;
class SocketAddress;
class Timeout;
class UnixAbstract;
class UnixAddress;
class UnixPath;

// Backends.
struct LinuxBackend;
class AmbientBackend;
class EmulatedBackend;

namespace kernel {

class Host;
class Kernel;
class SoloHost;
class ThreadHost;

}  // namespace kernel

}  // namespace rouse::inline v0
