// All programs of the gallery.
#pragma once

#include "accept_at_the_limit.hpp"
#include "counter_overflow_blocks.hpp"
#include "dup_keeps_reporting.hpp"
#include "edge_reader_stops_early.hpp"
#include "edges_beyond_the_budget.hpp"
#include "exclusive_wakeup_lost.hpp"
#include "fd_number_reused.hpp"
#include "half_close_is_no_close.hpp"
#include "herd_on_one_event_fd.hpp"
#include "interrupted_wait_is_an_error.hpp"
#include "interrupted_wait_starts_over.hpp"
#include "locks_in_two_orders.hpp"
#include "one_shot_disarms_both.hpp"
#include "one_shot_rearmed_early.hpp"
#include "partial_write_dropped.hpp"
#include "short_read_hides_the_end.hpp"
#include "shutdown_flag_unsynchronised.hpp"
#include "signal_before_wait.hpp"
#include "stale_event_in_batch.hpp"
#include "stop_flag_after_wakeup.hpp"
#include "timeout_rounded_down.hpp"
#include "timer_disarmed_by_zero.hpp"
#include "wakeup_coalesced_away.hpp"
#include <rouse/sim/explore.hpp>

#include <tuple>

namespace gallery {

using Programs = std::tuple<EdgeReaderStopsEarly, EdgesBeyondTheBudget, ShortReadHidesTheEnd, OneShotRearmedEarly,
                            OneShotDisarmsBoth, StaleEventInBatch, FdNumberReused, DupKeepsReporting,
                            ExclusiveWakeupLost, HerdOnOneEventFd, CounterOverflowBlocks, WakeupCoalescedAway,
                            InterruptedWaitIsAnError, InterruptedWaitStartsOver, TimeoutRoundedDown,
                            TimerDisarmedByZero, AcceptAtTheLimit, HalfCloseIsNoClose, PartialWriteDropped,
                            StopFlagAfterWakeup, LocksInTwoOrders, SignalBeforeWait, ShutdownFlagUnsynchronised>;

/// None of them takes as many steps without time moving, unless it is in a loop that has no end.
inline constexpr rouse::sim::ExploreOptions options{
    .runs_max = 1'000'000,
    .world = {.steps_max = 1'000, .detectors = rouse::sim::Detectors{}.with(Ending::stale_registration)}};

}  // namespace gallery
