#!/usr/bin/env python3
"""Checks every #include of src/ against src/LAYERS. Exits 1 and says why when one is wrong."""
import pathlib
import re
import sys

SRC = pathlib.Path(__file__).resolve().parent.parent / "src"


def rules():
    may, kept = {}, []
    for line in (SRC / "LAYERS").read_text().splitlines():
        if line.startswith("!"):
            header, rest = line[1:].split(maxsplit=1)
            places, why = re.split(r"\s{3,}", rest, maxsplit=1)
            kept.append((header, places.split(), why))
        elif line and not line.startswith("#"):
            folder, uses = line.split(":")
            may[folder.strip()] = uses.split()
    return may, kept


def folder_of(name, may):
    return next((f for f in sorted(may, key=len, reverse=True) if name.startswith(f + "/")), None)


def allowed(folder, target, may):
    uses = may[folder]
    return target == folder or target in uses or ("features/*" in uses and target.startswith("features/"))


def main():
    may, kept = rules()
    wrong = []
    for file in sorted(SRC.rglob("*.[hc]*")):
        name = file.relative_to(SRC).as_posix()
        folder = folder_of(name, may)
        is_test = name.endswith("_test.cc")
        if "/" in name and folder is None:
            wrong.append(f"{name}: its folder has no line in LAYERS")
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            found = re.match(r'#include ([<"])([^>"]+)', line)
            if not found:
                continue
            quoted, header = found[1] == '"', found[2]
            if quoted and folder is not None:
                target = folder_of(header, may) or "?"
                if not allowed(folder, target, may) and not (is_test and target == "testing"):
                    wrong.append(f"{name}:{number}: {folder} may not use {target}")
                if header.startswith("features/") and target != folder and header.count("/") == 2 and folder not in ("testing", "app"):
                    face = target.split("/")[1]
                    if header not in (f"features/{face}/{face}.h", f"features/{face}/dto.h",
                                      f"features/{face}/described.h", f"features/{face}/settings.h"):
                        wrong.append(f"{name}:{number}: other features see only {target}/{face}.h, dto.h, described.h and settings.h")
            for prefix, places, why in kept:
                hit = header == prefix or header.startswith(prefix if prefix.endswith("/") else prefix + "/") or (
                    prefix.startswith("boost/") and header.startswith(prefix))
                if hit and not any(name.startswith(p) for p in places) and name not in ("pch.h", "main.cc") \
                        and header != "boost/asio/awaitable.hpp" and not name.startswith("testing/"):
                    wrong.append(f"{name}:{number}: {header}: {why}")
                    break
    print("\n".join(wrong) or "layers are clean")
    return bool(wrong)


sys.exit(main())
