// Names only, for headers that mention rouse's types and need no more.
#pragma once

#include <cstddef>

namespace rouse::inline v0 {

// Vocabulary.
struct CreateFlags;
struct EventFdFlags;
struct EventFlags;
struct MessageFlags;
struct PipeFlags;
struct SocketFlags;
class ConstBuffer;
class Event;
class EventBuffer;
class EventData;
class EventVec;
template <std::size_t N>
class EventArray;
class MutableBuffer;
class SocketAddress;
class Timeout;

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
