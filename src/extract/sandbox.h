#pragma once

#include <cstdint>

/// The walls a process puts up around itself. They only ever get closer: what is given up stays given
/// up, also for what it starts (docs/adr/0018-documents.md).
namespace antiphon::extract {

struct Walls {
  bool calls = false;    ///< seccomp: only the system calls that reading a document takes.
  bool files = false;    ///< Landlock: of files only programs and their libraries, to read.
  bool network = false;  ///< Namespaces with no network and no shared memory of others.
};

/// For a process of one thread, before it looks at what it was given. Limits memory (bytes), processor
/// time (seconds), open files, files written (none) and cores (none); gives up privileges for good.
/// Yields what the machine let us put up.
Walls confine(std::int64_t memory, std::int64_t seconds);

/// Whether the kernel has Landlock.
bool has_landlock();

/// Nearer: no file can be opened, no program started, no process made. False when it failed.
bool confine_to_computing();

/// For a program about to be started: it makes no process and no thread, and cannot outlive who starts
/// it. False when it failed.
bool forbid_children();

}  // namespace antiphon::extract
