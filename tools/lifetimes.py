#!/usr/bin/env python3
"""Finds coroutines that outlive what they were called with: tools/lifetimes.py [FILE…], without files all of src/
but the tests: there `run([&] { return store->run(sql, "…"); })` is everyday, and safe because Connection copies its
arguments before it returns; clang cannot know.

Compiles (syntax only) with Task declared as holding on to the arguments of the coroutine that makes it; clang then warns
of a Task that is kept, or returned, after a temporary argument, a local variable or a captured lambda is gone. This is a
compilation of its own because with the same attributes clang refuses every function that passes a Task on, ours included.
Exits 1 on a finding and on a file that does not compile."""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/headers"
# coro_wrapper on functions of the library: std::function and Asio hand Tasks on without being coroutines.
HEADER = """namespace boost::asio {
template <typename, typename>
class [[clang::coro_return_type, clang::coro_lifetimebound]] awaitable;
}
#pragma clang attribute push([[clang::coro_wrapper]], apply_to = function)
#include <boost/asio/awaitable.hpp>
#include <functional>
#pragma clang attribute pop
"""
EXPECTED = "neither a coroutine nor a coroutine wrapper"
CHECKS = ["-Wdangling", "-Wdangling-gsl", "-Wreturn-stack-address"]


def compile_flags(commands):
    """The defines and include folders of all files: one precompiled header serves them all."""
    flags = {}
    for command in commands:
        words = iter(shlex.split(command["command"]))
        for word in words:
            if word.startswith(("-D", "-I")):
                flags[word] = True
            elif word == "-isystem":
                flags[word + next(words)] = True
    return ["clang++-19", "-std=c++23", "-Wno-everything", *CHECKS, "-ferror-limit=0", "-fno-color-diagnostics", *flags]


def precompile(flags):
    header, out = BUILD / "lifetimes.h", BUILD / "lifetimes.pch"
    header.write_text(HEADER + (ROOT / "src/pch.h").read_text())
    subprocess.run([*flags, "-x", "c++-header", header, "-o", out], check=True)
    return out


def findings(flags, file):
    """Lines of the compiler that matter, each with where it is."""
    run = subprocess.run([*flags, "-fsyntax-only", file], capture_output=True, text=True)
    bad = [line for line in run.stderr.splitlines() if re.search(r": (warning|(fatal )?error): ", line) and EXPECTED not in line]
    return [line.removeprefix(f"{ROOT}/") for line in bad]


def main():
    subprocess.run(["cmake", "--preset", "headers", "--log-level=ERROR", "-Wno-dev"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    every = sorted({command["file"] for command in commands if command["file"].startswith(f"{ROOT}/src/")})
    wanted = {str(pathlib.Path(name).resolve()) for name in sys.argv[1:]}
    files = [file for file in every if (file in wanted if wanted else not file.endswith("_test.cc"))]
    flags = compile_flags(commands)
    flags += ["-include-pch", precompile(flags)]
    found = {}
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count()))) as pool:
        for lines in pool.map(lambda file: findings(flags, file), files):
            found.update(dict.fromkeys(lines))
    print("\n".join(found) if found else f"lifetimes: {len(files)} files, nothing outlives what it was called with")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
