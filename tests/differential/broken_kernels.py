#!/usr/bin/env python3
"""Ten kernels that are broken on purpose, each in one place, as the differential tester has to find them.

    broken_kernels.py INCLUDE OUTPUT    copies INCLUDE to OUTPUT/include with all ten built in, behind a switch:
                                        `broken_kernel` in <broken_kernels.hpp> says which one is on

Each is a header, a piece of its text that must stand there exactly once, and what takes its place.
"""
import pathlib
import re
import shutil
import sys

# name, header below rouse/kernel, original text, broken text. BROKEN stands for "this one is on".
TABLE = [
    ("a write onto a pipe that holds something is no edge",
     "pipe_file.hpp",
     "    if (was_empty || ring_->was_polled) wake_reader();",
     "    if (was_empty || (!BROKEN && ring_->was_polled)) wake_reader();"),
    ("writing 0 to an eventfd wakes nobody",
     "eventfd_file.hpp",
     "    queue.wake(EventFlags::in);",
     "    if (!BROKEN || amount > 0) queue.wake(EventFlags::in);"),
    ("modifying a registration that is queued puts it at the tail of the ready list",
     "epoll_file.hpp",
     "  registration.set_interest({flags, data});\n",
     "  registration.set_interest({flags, data});\n"
     "  if (BROKEN) registration.leave_ready_list();\n"),
    ("a one-shot registration that was reported still tells of a hang-up",
     "interest.hpp",
     "      mask_ &= modes;",
     "      mask_ &= BROKEN ? modes | EventFlags::hup : modes;"),
    ("looking at an epoll drops nothing from its ready list",
     "epoll_file.hpp",
     "  while (Registration* const first = ready_.front()) {",
     "  if (BROKEN) {\n"
     "    ready_.for_each([&bits](const Registration& registration) {\n"
     "      if (!registration.due().empty()) bits = EventFlags::in | EventFlags::rdnorm;\n"
     "    });\n"
     "    return bits;\n"
     "  }\n"
     "  while (Registration* const first = ready_.front()) {"),
    ("a unix socket is writable with a quarter of its buffer in use, not only below",
     "unix_socket_file.hpp",
     "(used + 1) * 4 <= static_cast<std::size_t>(send_buffer_)",
     "(BROKEN ? used : used + 1) * 4 <= static_cast<std::size_t>(send_buffer_)"),
    ("only writes of less than a page top up a pipe's last slot",
     "pipe_file.hpp",
     "  const std::size_t odd = from.left() % page_size;",
     "  const std::size_t odd = BROKEN && from.left() > page_size ? 0 : from.left() % page_size;"),
    ("a file may have one wakeup path of five epolls more than Linux allows",
     "epoll_topology.hpp",
     "++counts[length] > most[length]",
     "++counts[length] - (BROKEN ? 1 : 0) > most[length]"),
    ("the exclusive registration that came last is the first to be told",
     "epoll_topology.hpp",
     "    file.wait_queue().add_tail(*registration);",
     "    BROKEN ? file.wait_queue().add_head(*registration) : file.wait_queue().add_tail(*registration);"),
    ("epoll_ctl looks whether the first fd is an epoll before it looks whether the second can be waited for",
     "syscalls_epoll.hpp",
     "    if (!file->kind().is_pollable) return SysResult<void>::failure(EPERM);",
     "    if (BROKEN && file_cast<EpollFile>(outer) == nullptr) return SysResult<void>::failure(EINVAL);\n"
     "    if (!file->kind().is_pollable) return SysResult<void>::failure(EPERM);"),
]

SWITCH = """// Which of the broken kernels is on; 0 is none. Made by broken_kernels.py.
#pragma once

inline int broken_kernel = 0;
inline bool is_broken_kernel(int number) {{ return broken_kernel == number; }}
inline constexpr const char* broken_kernel_names[] = {{
{names}
}};
"""


def break_one(include, number, row):
    name, header, original, broken = row
    path = include / "rouse/kernel" / header
    text = path.read_text(encoding="utf-8")
    if text.count(original) != 1:
        sys.exit(f"broken_kernels.py: \"{name}\" replaces a text that {header} holds {text.count(original)} times, and "
                 f"has to hold once. If the header has changed, the table has to follow. The text is:\n{original}")
    text = text.replace(original, broken.replace("BROKEN", f"is_broken_kernel({number})"))
    include_line = "#include <broken_kernels.hpp>\n"
    if include_line not in text:
        text = re.sub(r"^#pragma once\n", "#pragma once\n\n" + include_line, text, count=1, flags=re.M)
    path.write_text(text, encoding="utf-8")


def main():
    source, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    include = output / "include"
    shutil.rmtree(include, ignore_errors=True)
    shutil.copytree(source, include, ignore=shutil.ignore_patterns("*.md"))
    for number, row in enumerate(TABLE, 1):
        break_one(include, number, row)
    names = "\n".join(f'    "{row[0]}",' for row in TABLE)
    (include / "broken_kernels.hpp").write_text(SWITCH.format(names=names), encoding="utf-8")
    (output / "broken_kernels.stamp.hpp").write_text("", encoding="utf-8")


main()
