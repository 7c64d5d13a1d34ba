#include "program_file.hpp"

#include "split.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <elf.h>
#include <fstream>
#include <optional>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace rouse::interpose {
namespace {

#if defined(__x86_64__)
constexpr std::uint16_t our_machine = EM_X86_64;
constexpr const char* our_machine_name = "x86-64";
#elif defined(__aarch64__)
constexpr std::uint16_t our_machine = EM_AARCH64;
constexpr const char* our_machine_name = "aarch64";
#endif

constexpr int scripts_max = 5;  // As Linux follows them.

/// A file, read by pieces: what is not there is nothing.
class Bytes {
 public:
  explicit Bytes(const std::string& path) : file_(path, std::ios::binary) {}

  template <class T>
  [[nodiscard]] std::optional<T> get(std::uint64_t at) {
    T value{};
    return read(&value, at, sizeof value) == sizeof value ? std::optional<T>{value} : std::nullopt;
  }
  /// Up to `end`, or so many bytes.
  [[nodiscard]] std::string text(std::uint64_t at, std::size_t max, char end) {
    std::string bytes(max, '\0');
    bytes.resize(read(bytes.data(), at, max));
    return bytes.substr(0, bytes.find(end));
  }

 private:
  std::size_t read(void* to, std::uint64_t at, std::size_t n) {
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(at));
    file_.read(static_cast<char*>(to), static_cast<std::streamsize>(n));
    return static_cast<std::size_t>(file_.gcount());
  }

  std::ifstream file_;
};

/// An executable's parts that the dynamic linker reads.
class Elf {
 public:
  Elf(Bytes& bytes, const ::Elf64_Ehdr& header) : bytes_(bytes) {
    for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
      const auto part = bytes_.get<::Elf64_Phdr>(header.e_phoff + i * header.e_phentsize);
      if (part) parts_.push_back(*part);
    }
  }

  [[nodiscard]] std::string interpreter() const {
    const ::Elf64_Phdr* const part = find(PT_INTERP);
    return part == nullptr ? std::string{} : bytes_.text(part->p_offset, part->p_filesz, '\0');
  }
  /// The libraries that it names.
  [[nodiscard]] std::vector<std::string> needed() const {
    const ::Elf64_Phdr* const dynamic = find(PT_DYNAMIC);
    if (dynamic == nullptr) return {};
    std::vector<std::uint64_t> names;
    std::uint64_t strings = 0;
    for (std::uint64_t at = 0; at < dynamic->p_filesz; at += sizeof(::Elf64_Dyn)) {
      const auto entry = bytes_.get<::Elf64_Dyn>(dynamic->p_offset + at);
      if (!entry || entry->d_tag == DT_NULL) break;
      if (entry->d_tag == DT_NEEDED) names.push_back(entry->d_un.d_val);
      if (entry->d_tag == DT_STRTAB) strings = in_file(entry->d_un.d_ptr);
    }
    std::vector<std::string> libraries;
    for (const std::uint64_t name : names) libraries.push_back(bytes_.text(strings + name, 256, '\0'));
    return libraries;
  }

 private:
  [[nodiscard]] const ::Elf64_Phdr* find(std::uint32_t type) const {
    const auto found =
        std::find_if(parts_.begin(), parts_.end(), [=](const auto& part) { return part.p_type == type; });
    return found == parts_.end() ? nullptr : &*found;
  }
  /// Where an address of the loaded program is in its file.
  [[nodiscard]] std::uint64_t in_file(std::uint64_t address) const {
    for (const ::Elf64_Phdr& part : parts_) {
      if (part.p_type != PT_LOAD || address < part.p_vaddr || address >= part.p_vaddr + part.p_filesz) continue;
      return address - part.p_vaddr + part.p_offset;
    }
    return 0;
  }

  Bytes& bytes_;
  std::vector<::Elf64_Phdr> parts_;
};

bool is_sanitizer(std::string_view library) {
  return library.starts_with("libasan.so") || library.starts_with("libtsan.so") ||
         library.starts_with("libclang_rt.asan") || library.starts_with("libclang_rt.tsan");
}

/// Linux has such a program's dynamic linker ignore LD_PRELOAD. Where nobody gains anything by it, it does not.
std::string why_privileged(const std::string& path) {
  struct ::stat found {};
  struct ::statvfs mounted {};
  if (::stat(path.c_str(), &found) != 0) return {};
  const bool gains_nothing = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
                             (::statvfs(path.c_str(), &mounted) == 0 && (mounted.f_flag & ST_NOSUID) != 0);
  if (gains_nothing) return {};
  if ((found.st_mode & S_ISUID) != 0 && found.st_uid != ::getuid()) return "is a set-uid program";
  const bool is_set_gid = (found.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
  if (is_set_gid && found.st_gid != ::getgid()) return "is a set-gid program";
  const bool has_capabilities = ::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
  return has_capabilities && ::getuid() != 0 ? "has file capabilities" : "";
}

void look_at_elf(ProgramFile& program, Bytes& bytes) {
  const auto header = bytes.get<::Elf64_Ehdr>(0);
  const bool is_ours = header && header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_machine == our_machine;
  if (!is_ours) {
    program.refusal = std::string{"is for another processor than this library, which is for "} + our_machine_name;
    return;
  }
  const Elf elf{bytes, *header};
  program.linker = elf.interpreter();
  if (program.linker.empty()) {
    program.refusal = "is linked statically: it has no dynamic linker that would load a library";
    return;
  }
  if (const std::string why = why_privileged(program.path); !why.empty()) {
    program.refusal = why + ": the dynamic linker loads no library into it that its user names";
  }
  for (const std::string& library : elf.needed()) {
    if (is_sanitizer(library) && program.sanitizer.empty()) program.sanitizer = library;
  }
}

/// `#!/usr/bin/env -S NAME=value python3 -u`: python3.
std::string named_for_env(std::string_view argument) {
  for (const std::string_view word : split(argument, ' ')) {
    if (!word.empty() && !word.starts_with('-') && word.find('=') == word.npos) return find_program(word);
  }
  return {};
}

/// The program that reads the script; empty if the file is none.
std::string interpreter_of(Bytes& bytes) {
  const std::string line = bytes.text(0, 256, '\n');
  if (!line.starts_with("#!")) return {};
  const std::size_t start = std::min(line.find_first_not_of(" \t", 2), line.size());
  const std::size_t end = std::min(line.find_first_of(" \t", start), line.size());
  const std::string interpreter = line.substr(start, end - start);
  const bool is_env = interpreter.substr(interpreter.rfind('/') + 1) == "env";
  const std::string named = is_env ? named_for_env(std::string_view{line}.substr(end)) : std::string{};
  return named.empty() ? interpreter : named;
}

}  // namespace

ProgramFile ProgramFile::at(const std::string& path) {
  ProgramFile program{.path = path, .refusal = {}, .linker = {}, .sanitizer = {}};
  for (int i = 0; i < scripts_max; ++i) {
    Bytes bytes{program.path};
    if (bytes.text(0, SELFMAG, '\0') == ELFMAG) {
      look_at_elf(program, bytes);
      return program;
    }
    const std::string interpreter = interpreter_of(bytes);
    if (interpreter.empty()) return program;
    program.path = interpreter;
  }
  return program;
}

std::string find_program(std::string_view name) {
  if (name.find('/') != name.npos) return std::string{name};
  const char* const path = std::getenv("PATH");
  std::string forbidden;
  for (const std::string_view folder : split(path != nullptr ? path : "/bin:/usr/bin", ':')) {
    const std::string file = std::string{folder.empty() ? "." : folder} + '/' + std::string{name};
    struct ::stat found {};
    if (::stat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) continue;
    if (::access(file.c_str(), X_OK) == 0) return file;
    if (forbidden.empty()) forbidden = file;
  }
  return forbidden;
}

}  // namespace rouse::interpose
