#!/usr/bin/env python3
"""Checks docs/security/regressions.md against the tree: every row is there once, and every test it names exists and says that row's
number. With --list, prints which tests say which rows. Exits 1 and says why when something is wrong."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOC = ROOT / "docs/security/regressions.md"
# The rows of the table of demands; the missing numbers were merged into others before it was written.
ROWS = [str(n) for n in range(1, 131) if n not in (20, 42, 53, 62, 74, 81, 104)] + [f"U{n}" for n in range(1, 21)]
ABSENT = "no such surface yet"
NUMBER = r"U?\d+"
MENTION = re.compile(rf"\b[Rr]ows?\s+({NUMBER}(?:(?:\s*,\s*(?:and\s+)?|\s*–\s*|\s+(?:and|to)\s+){NUMBER})*)")
PLAIN = re.compile(r"\bU\d+\b")


def rows_said(text):
    """The rows that a text names: "row 5", "rows 101 to 113", "rows 24, 37, U16", "U4"."""
    out = set(PLAIN.findall(text))
    for listed in MENTION.findall(text):
        parts = re.findall(rf"{NUMBER}|–|to", listed)
        for i, part in enumerate(parts):
            if part in ("–", "to"):
                out.update(str(n) for n in range(int(parts[i - 1]), int(parts[i + 1]) + 1))
            else:
                out.add(part)
    return out


def test_files():
    for pattern in ("src/**/*_test.cc", "tests/**/*.test.mjs", "web/src/**/*.test.ts"):
        yield from (p for p in ROOT.glob(pattern) if "node_modules" not in p.parts)


def table():
    """row → what stands behind it."""
    out, doubled = {}, []
    for line in DOC.read_text().splitlines():
        found = re.match(rf"\| ({NUMBER}) \| (.*) \|$", line)
        if found and found[1] in out:
            doubled.append(found[1])
        if found:
            out[found[1]] = found[2]
    return out, doubled


def faults_of(row, text):
    """What is wrong with a row's line. Tests stand as `file`: `name`, `name`; …"""
    if text.startswith(ABSENT):
        return [] if len(text) > len(ABSENT) + 2 else [f"row {row}: says not which surface is missing"]
    out = []
    files = re.findall(r"`((?:src|tests|web)/[^`]+)`((?:: `[^`]+`)?(?:, `[^`]+`)*)", text)
    if not files:
        out.append(f"row {row}: names no test and does not say \"{ABSENT}\"")
    for name, tests in files:
        path = ROOT / name
        if not path.is_file():
            out.append(f"row {row}: {name} does not exist")
            continue
        source = path.read_text()
        if row not in rows_said(source):
            out.append(f"row {row}: {name} does not say its number")
        out += [f"row {row}: {name} has no `{test}`" for test in re.findall(r"`([^`]+)`", tests) if test not in source]
    return out


def main():
    if "--list" in sys.argv:
        said = {}
        for path in sorted(test_files()):
            for row in rows_said(path.read_text()):
                said.setdefault(row, []).append(path.relative_to(ROOT).as_posix())
        for row in ROWS:
            print(row, *said.get(row, ["-"]))
        return False
    rows, doubled = table()
    wrong = [f"row {row} stands twice" for row in doubled]
    wrong += [f"row {row} is missing" for row in ROWS if row not in rows]
    wrong += [f"row {row} is no row of the table of demands" for row in rows if row not in ROWS]
    for row, text in rows.items():
        wrong += faults_of(row, text)
    absent = sum(text.startswith(ABSENT) for text in rows.values())
    print("\n".join(wrong) or f"regressions: {len(rows) - absent} of {len(rows)} rows are tested, {absent} have no surface yet")
    return bool(wrong)


sys.exit(main())
