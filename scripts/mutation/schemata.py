"""Writes headers in which every mutant waits behind a switch, so that all of them share one build."""
import bisect


def render(finder, constants):
    """The file with all its mutants; as it was if there are none and nothing else is to change."""
    if not finder.mutants and not finder.changes:
        return finder.source
    spans = {}
    for mutant in finder.mutants:
        spans.setdefault((mutant.start, mutant.end), []).append(mutant)
    changes = {(change.start, change.end): change for change in finder.changes}
    starts = sorted(set(spans) | set(changes), key=lambda span: (span[0], -span[1]))
    check_nesting(finder, starts)
    own_constants = [c for c in constants.values() if c.path == finder.path]

    def body(start, end, within=None):
        """The source of a span with the mutants inside it, but not those of the span `within` itself."""
        out = []
        at = start
        index = bisect.bisect_left(starts, (start, -end), key=lambda span: (span[0], -span[1]))
        while index < len(starts):
            span = starts[index]
            index += 1
            if span[0] >= end:
                break
            if span[0] < at or span[1] > end or span == within:
                continue
            out += [finder.source[at:span[0]], site(span)]
            at = span[1]
        out.append(finder.source[at:end])
        return b"".join(out)

    def site(span):
        change = changes.get(span)
        inside = change.text if change else body(*span, within=span)
        mutants = spans.get(span, [])
        if not mutants:
            return inside
        asks = b"is_active" if any(s <= span[0] and span[1] <= e for s, e in finder.at_start) else b"is"
        if mutants[0].operator == "statement":
            return b"{ if (!rouse_mutants::%s(%d)) { %s } }" % (asks, mutants[0].number, inside)
        is_bool = any(mutant.is_bool for mutant in mutants)
        to_bool = b"static_cast<bool>(%s)" if is_bool else b"(%s)"
        arms = b"".join(b"rouse_mutants::%s(%d) ? %s : " % (asks, m.number, to_bool % m.text) for m in mutants)
        return b"(" + arms + to_bool % inside + b")"

    def constant(c):
        init = body(*c.init)
        value = c.type.encode() + (init if init.startswith(b"{") else b"(" + init + b")")
        how = b"static constexpr" if c.is_member else b"constexpr"
        return b" %s %s %s_mutants() { return %s; }" % (how, c.type.encode(), c.name.encode(), value)

    # A constant itself stays as it is; the function that computes it stands behind it.
    out = [b'#include "rouse_mutants.hpp"\n']
    at = 0
    for c in sorted(own_constants, key=lambda c: c.end):
        out += [body(at, c.init[0]), finder.source[c.init[0]:c.end], constant(c)]
        at = c.end
    out.append(body(at, len(finder.source)))
    text = b"".join(out)
    once = b"#pragma once\n"
    include, rest = text.split(b"\n", 1)
    return rest.replace(once, once + include + b"\n", 1)


def check_nesting(finder, spans):
    open_ends = []
    for start, end in spans:
        while open_ends and open_ends[-1] <= start:
            open_ends.pop()
        if open_ends and end > open_ends[-1]:
            raise SystemExit(f"mutate: mutants of {finder.path} overlap at {finder.source[start:end]!r}")
        open_ends.append(end)
