#!/usr/bin/env python3
"""Checks that every migration keeps to its kind (docs/adr/0014-upgrades.md): what replicas of the version before would mind, or
what holds up those who write, is refused in `-- expand` and `-- backfill`. Exits 1 and says why when one does not.

    tools/check_migrations.py [file or folder…]     default: src and tests/next
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Landed before the rule, and before there were several replicas to mind it. They stay as they are; nothing is added here.
EXCEPTIONS = {
    "20261126_1720_chat_alternatives": "an index of a full table, not built concurrently",
    "20261126_2130_chat_words": "a contract without a version and a day to wait",
    "20261126_2140_chat_in_folder": "an index of a full table, not built concurrently",
    "20261126_2150_chat_message_by_time": "an index of a full table, not built concurrently",
    "20261126_2200_chat_of_user": "deletes strays and adds foreign keys and triggers",
    "20261126_2201_folder_of_user": "deletes strays and adds a foreign key and a trigger",
    "20261126_2202_feedback_of_user": "deletes strays and adds a foreign key and a trigger",
    "20261126_2203_run_of_user": "deletes strays and adds a foreign key and a trigger",
    "20261127_0530_chat_lean_indexes": "replaces indexes",
    "20261127_0600_grant_to_user": "deletes strays and adds a trigger",
}

HEADERS = (
    r"-- (?P<kind>expand)(?P<concurrently> concurrently)?",
    r"-- (?P<kind>backfill)",
    r"-- (?P<kind>contract) from (?P<version>\d+\.\d+\.\d+) after (?P<after>\w+)",
)
NAME = r'(?:"[^"]+"|\w+)'


def section(text, dialect):
    """What store::sql_for gives."""
    out, ours = [], True
    for line in text.splitlines():
        if line.startswith("--@"):
            ours = line in ("--@end", f"--@{dialect}")
        elif ours:
            out.append(line)
    return "\n".join(out)


def statements(sql):
    """One line each: without comments, the insides of strings and function bodies; names without quotes."""
    aside = r"--[^\n]*|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|'(?:[^']|'')*'"
    sql = re.sub(aside, lambda m: " " if m[0].startswith("--") else "''", sql, flags=re.S)
    sql = re.sub(r"\bBEGIN\b.*?\bEND\s*;", "BEGIN END;", sql, flags=re.S | re.I)  # A trigger's.
    for one in sql.split(";"):
        one = re.sub(r"\s+", " ", one).strip()
        if one and one.upper() != "END":
            yield one


def name_of(word):
    return word.strip('"').lower()


class Check:
    """What one file says, for one dialect."""

    def __init__(self, head, dialect):
        self.kind, self.concurrently, self.dialect = head["kind"], bool(head.get("concurrently")), dialect
        self.created = set()

    def statement(self, s):
        """Why it is refused, or nothing."""
        def is_(pattern):
            return re.match(pattern, s, re.I)

        if self.kind == "contract":
            return None
        if self.kind == "backfill":
            if is_(r"(INSERT|UPDATE|DELETE|WITH)\b"):
                return None
            return "a backfill only changes rows; what changes tables is an expansion of its own"
        if (m := is_(rf"CREATE (VIRTUAL |UNLOGGED )?TABLE (IF NOT EXISTS )?({NAME})")):
            self.created.add(name_of(m[3]))
            return None
        if (m := is_(rf"CREATE (UNIQUE )?INDEX (CONCURRENTLY )?(IF NOT EXISTS )?({NAME} )?ON (ONLY )?({NAME})")):
            return self.index(name_of(m[6]), unique=m[1], concurrently=m[2])
        if (m := is_(rf"CREATE (OR REPLACE )?(CONSTRAINT )?TRIGGER .*? ON ({NAME})")):
            return None if name_of(m[3]) in self.created else "a trigger on a table that versions before write: they do not know its rule"
        if is_(r"CREATE (FUNCTION|SEQUENCE|TYPE|VIEW)\b"):
            return None
        if (m := is_(rf"(INSERT INTO|UPDATE|DELETE FROM) ({NAME})")):
            return None if name_of(m[2]) in self.created else "rows of a table that is there: that is a backfill"
        if (m := is_(rf"ALTER TABLE (IF EXISTS )?(ONLY )?({NAME}) (.*)")):
            if name_of(m[3]) in self.created:
                return None
            # Several actions in one statement, outside parentheses.
            actions = re.split(r",(?![^(]*\))", m[4])
            return next(filter(None, (self.alter(a.strip()) for a in actions)), None)
        if is_(r"DROP\b"):
            return "what versions before use goes: that is a contract"
        return "not known to be safe while versions before serve: say it in tools/check_migrations.py if it is"

    def index(self, table, unique, concurrently):
        if table in self.created:
            return None
        if unique:
            return "a unique index on a table that versions before write: they do not know its rule"
        if self.dialect == "postgres" and not concurrently:
            return "an index of a table that is there holds up all who write: `-- expand concurrently`, CREATE INDEX CONCURRENTLY"
        return None

    def alter(self, action):
        def is_(pattern):
            return re.match(pattern, action, re.I)

        if is_(r"DROP\b") or is_(r"RENAME\b"):
            return "what versions before use goes: that is a contract"
        if is_(r"VALIDATE CONSTRAINT\b"):
            return None
        if is_(r"ADD (CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b"):
            return "a constraint on a table that versions before write: they do not know its rule"
        if is_(r"ALTER (COLUMN )?\S+ (SET NOT NULL|SET DATA TYPE|TYPE|DROP|ADD GENERATED|SET DEFAULT)"):
            return "a column that versions before use becomes another: that is a contract"
        if is_(r"ADD (COLUMN )?"):
            return self.add_column(action)
        return "not known to be safe while versions before serve: say it in tools/check_migrations.py if it is"

    @staticmethod
    def add_column(action):
        if re.search(r"\b(PRIMARY KEY|UNIQUE|REFERENCES|CHECK)\b", action, re.I):
            return "a column with a constraint reads and locks the whole table"
        if re.search(r"\bGENERATED\b", action, re.I):
            return "a generated column rewrites the whole table"
        if (m := re.search(r"\bDEFAULT (.*)", action, re.I)):
            if not re.match(r"('|-?\d|TRUE|FALSE|NULL)", m[1], re.I):
                return "a default that is computed rewrites the whole table: only a constant"
        elif re.search(r"\bNOT NULL\b", action, re.I):
            return "versions before do not fill it: NOT NULL needs a constant DEFAULT"
        return None


def faults_of(path, kinds, project):
    name, text = path.stem, path.read_text()
    if not re.fullmatch(r"\d{8}_\d{4}_[a-z0-9_]+", name):
        yield "its name is not YYYYMMDD_HHMM_name.sql"
    first = text.split("\n", 1)[0]
    found = next(filter(None, (re.fullmatch(h, first) for h in HEADERS)), None)
    if not found:
        yield f"its first line is none of -- expand [concurrently], -- backfill, -- contract from VERSION after MIGRATION: {first}"
        return
    head = found.groupdict()
    if head["kind"] == "contract":
        after = head["after"]
        if kinds.get(after) != "expand" or after >= name:
            yield f"it comes after {after}, which is no expansion before it"
        if tuple(map(int, head["version"].split("."))) > project:
            yield f"it is for version {head['version']}, and this is {'.'.join(map(str, project))}: nobody could apply it"
    for dialect in ("sqlite", "postgres"):
        check = Check(head, dialect)
        all_statements = list(statements(section(text, dialect)))
        for s in all_statements:
            if (why := check.statement(s)):
                yield f"{dialect}: {s[:90]}{'…' if len(s) > 90 else ''}\n    {why}"
        concurrent = [s for s in all_statements if re.search(r"\bCONCURRENTLY\b", s, re.I)]
        shape = rf"CREATE INDEX CONCURRENTLY \w+ ON {NAME} .*"
        if check.concurrently and dialect == "postgres" and not (len(all_statements) == 1 and re.fullmatch(shape, all_statements[0])):
            yield "postgres: concurrently is one statement by itself: CREATE INDEX CONCURRENTLY name ON table …"
        if concurrent and not check.concurrently:
            yield "postgres: CONCURRENTLY does not go in a transaction: -- expand concurrently, in a file of its own"


def project_version(paths):
    numbers = re.search(r"project\(antiphon VERSION (\d+)\.(\d+)\.(\d+)", (ROOT / "CMakeLists.txt").read_text())
    version = tuple(map(int, numbers.groups()))
    # What tests/next plays.
    return max(version, (0, 2, 0)) if any("tests/next" in p.as_posix() for p in paths) else version


def main():
    given = [pathlib.Path(a) for a in sys.argv[1:]] or [ROOT / "src", ROOT / "tests/next"]
    files = [f for g in given for f in (sorted(g.rglob("*.sql")) if g.is_dir() else [g])]
    files = [f for f in files if f.parent.name == "migrations" or len(sys.argv) > 1 or f.parent.name == "next"]
    kinds = {f.stem: f.read_text().split("\n", 1)[0].split(" ")[1:2] for f in files}
    kinds = {name: words[0] if words else "" for name, words in kinds.items()}
    wrong, excused = [], set()
    for name in sorted({f.stem for f in files if sum(g.stem == f.stem for g in files) > 1}):
        wrong.append(f"{name}: two files have this name")
    for file in files:
        faults = list(faults_of(file, kinds, project_version([file])))
        if faults and file.stem in EXCEPTIONS:
            excused.add(file.stem)
            continue
        wrong += [f"{file}: {fault}" for fault in faults]
    if len(sys.argv) == 1:
        wrong += [f"{name}: an exception for nothing" for name in sorted(set(EXCEPTIONS) - excused)]
    print("\n".join(wrong) or f"{len(files)} migrations are clean, {len(excused)} excused by name")
    return bool(wrong)


sys.exit(main())
