// DefaultBackend: the kernel that the plain names (Epoll, EventFd, …) speak to. A build may set ROUSE_AMBIENT, the same
// for every unit of a program: code that is not a template can then be put on an emulated kernel.
//
// Units built both ways must not meet: the linker would merge the user's own inline functions by name and take either.
// So each unit defines one absolute symbol with its setting's value; equal values are one symbol, unequal ones are an
// error that names it. Link-time optimisation may assemble two units as one, hence the test inside.
#pragma once

#ifdef ROUSE_AMBIENT
#include "ambient.hpp"
asm(".globl rouse_units_were_built_with_different_default_backends\n"
    ".ifndef rouse_units_were_built_with_different_default_backends\n"
    ".set rouse_units_were_built_with_different_default_backends, 2\n"
    ".endif\n"
    ".if rouse_units_were_built_with_different_default_backends != 2\n"
    ".error \"rouse_units_were_built_with_different_default_backends\"\n"
    ".endif\n");
#else
#include "linux.hpp"
asm(".globl rouse_units_were_built_with_different_default_backends\n"
    ".ifndef rouse_units_were_built_with_different_default_backends\n"
    ".set rouse_units_were_built_with_different_default_backends, 1\n"
    ".endif\n"
    ".if rouse_units_were_built_with_different_default_backends != 1\n"
    ".error \"rouse_units_were_built_with_different_default_backends\"\n"
    ".endif\n");
#endif

namespace rouse::inline v0 {

#ifdef ROUSE_AMBIENT
using DefaultBackend = AmbientBackend;
#else
using DefaultBackend = LinuxBackend;
#endif

}  // namespace rouse::inline v0
