"""Compares the pattern operations of `detente stix lines` with the OASIS packages.

Usage: stix_patterns.py [--cases N] [--seed S] COMMAND...     (say: target/release/detente stix lines)

Patterns are the real ones of ../shared/data/patterns.jsonl.xz, where that is here, and generated
ones, sound and broken; observations are generated. Each answer is compared with what
stix2-patterns 2.1.2 (`validate`, `inspect`), stix2-matcher 3.0.0 (`match`) and stix2 3.0.2
(`create_pattern_object`, `equivalent_patterns`) say of the same input. A difference must be one of
those that docs/stix-differences.md lists, section "Patterns", with the clause that decides it;
each is counted by its number there. Exits non-zero when another one is found.

A row explains a difference only when it is its cause: when our error is the row's own; when our
answer to the question as the package misreads it is the package's; when both agree as soon as what
the row is about is taken out of the question; or when the package died of an error of its own.
"""

import argparse
import collections
import json
import lzma
import os
import random
import re
import subprocess
import sys

from stix2.equivalence.pattern import equivalent_patterns
from stix2.pattern_visitor import create_pattern_object
from stix2matcher.matcher import match
from stix2patterns.helpers import brackets_check
from stix2patterns.inspector import INDEX_STAR
from stix2patterns.v20.pattern import Pattern as Pattern20
from stix2patterns.v21.pattern import Pattern as Pattern21
from stix2patterns.validator import validate

REAL = "../shared/data/patterns.jsonl.xz"
sys.setrecursionlimit(20_000)


class Lines:
    """The program under test: one request a line in, one answer a line out."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, op, **request):
        line = json.dumps({"id": 0, "op": op, **request}) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


# ---- what the packages say; an exception is one answer: that there is none ----


class Failed:
    def __init__(self, error):
        self.error = error

    def __eq__(self, other):
        return isinstance(other, Failed)

    def __repr__(self):
        return f"failed ({type(self.error).__name__}: {str(self.error)[:60]})"


def told(function, *arguments, **named):
    try:
        return function(*arguments, **named)
    except RecursionError as error:
        return Failed(error)
    except Exception as error:
        return Failed(error)


def their_inspection(pattern, version):
    found = (Pattern21 if version == "2.1" else Pattern20)(pattern).inspect()
    step = lambda step: {"index": "*"} if step is INDEX_STAR else step
    return {
        "qualifiers": sorted(found.qualifiers),
        "observation_ops": sorted(found.observation_ops),
        "comparisons": {
            name: [[[step(s) for s in path], op, value] for path, op, value in tests]
            for name, tests in found.comparisons.items()
        },
    }


def ours(answer, *fields):
    if "error" in answer:
        return Failed(Exception(answer["error"]["kind"] + ": " + answer["error"]["message"]))
    return answer[fields[0]] if len(fields) == 1 else {name: answer[name] for name in fields}


# ---- generated patterns and observations ----

TYPES = {
    "mutex": ["name"],
    "file": ["name", "size", "magic_number_hex", "ctime", "hashes.MD5", "x_lit", "x_list[*]",
             "x_list[0]", "parent_directory_ref.path", "gone"],
    "artifact": ["payload_bin", "mime_type"],
    "ipv4-addr": ["value"],
    "directory": ["path", "contains_refs[*].name", "contains_refs[0].name"],
}
WORDS = ["a", "b", "ab", "B", "", "it's", "back\\slash", "é", "e\u0301", "10.0.0.1", "x%y", "n\nl"]
TIMES = ["2031-05-04T10:00:00Z", "2031-05-04T10:00:01.5Z", "2031-05-04T10:00:05Z"]


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def constant(self):
        return self.pick(
            quoted(self.pick(*WORDS)), quoted(self.pick(*WORDS)), quoted(self.pick(*WORDS)),
            str(self.random.randint(-2, 9)), f"{self.random.randint(0, 5)}.{self.pick('0', '5')}",
            self.pick("true", "false"), "h'" + self.pick("61", "6162", "ff") + "'",
            "b'" + self.pick("YQ==", "YWI=") + "'", "t'" + self.pick(*TIMES) + "'",
        )

    def test(self, types=tuple(TYPES)):
        name = self.pick(*types)
        path = f"{name}:{self.pick(*TYPES[name])}"
        if self.random.random() < 0.08:
            return self.pick("", "NOT ") + f"EXISTS {path}"
        negated = self.pick("", "", "", "NOT ")
        kind = self.random.randint(0, 9)
        if kind < 5:
            return f"{path} {negated}{self.pick('=', '=', '!=', '<>', '==')} {self.constant()}"
        if kind == 5:
            constant = "true"
            while constant in ("true", "false"):
                constant = self.constant()
            return f"{path} {negated}{self.pick('<', '<=', '>', '>=')} {constant}"
        if kind == 6:
            first = self.constant()
            alike = [c for c in (self.constant() for _ in range(8)) if c[0] == first[0]][:2]
            return f"{path} {negated}IN ({', '.join([first] + alike)})"
        if kind == 7:
            return f"{path} {negated}LIKE {quoted(self.pick('%', 'a%', '_', '%b%', 'x', '%é'))}"
        if kind == 8:
            return f"{path} {negated}MATCHES {quoted(self.pick('a', '^a', 'b$', '.', 'n.l', '[ab]+'))}"
        operator = self.pick("ISSUBSET", "ISSUPERSET")
        return f"ipv4-addr:value {negated}{operator} '10.0.0.{self.pick('0/24', '1/32', '0/8')}'"

    def comparison(self, depth, types=tuple(TYPES)):
        if depth == 0 or self.random.random() < 0.4:
            return self.test(types)
        if self.random.random() < 0.5:
            types = (self.pick(*types),)
            return f"{self.operand(depth, types)} AND {self.operand(depth, types)}"
        return f"{self.comparison(depth - 1, types)} OR {self.operand(depth, types)}"

    def operand(self, depth, types):
        inner = self.comparison(depth - 1, types)
        return f"({inner})" if " OR " in inner or self.random.random() < 0.2 else inner

    def qualifier(self):
        start, stop = self.pick(*TIMES), self.pick(*TIMES, "2031-05-04T10:00:09Z")
        return self.pick(
            f"REPEATS {self.random.randint(1, 3)} TIMES", f"WITHIN {self.random.randint(1, 9)} SECONDS",
            f"START t'{start}' STOP t'{stop}'",
        )

    def pattern(self, depth=2):
        if depth == 0 or self.random.random() < 0.45:
            found = f"[{self.comparison(self.random.randint(0, 2))}]"
        else:
            operator = self.pick("AND", "OR", "FOLLOWEDBY")
            found = f"({self.pattern(depth - 1)} {operator} {self.pattern(depth - 1)})"
        while self.random.random() < 0.2:
            found = f"({found}) {self.qualifier()}" if found[-1] == "S" or found[-1] == "'" \
                else f"{found} {self.qualifier()}"
        return found

    def broken(self, pattern):
        """A pattern with a character or a word lost, doubled or changed."""
        at = self.random.randrange(len(pattern))
        word = self.pick("AND", "]", "(", "'", "\\", "NOT", "1", ".", "[", " ", "=", "é", "\u2003")
        return self.pick(
            pattern[:at] + pattern[at + 1:], pattern[:at] + word + pattern[at:], pattern[:at],
            pattern[at:], pattern[:at] + word + pattern[at + 1:],
        )

    def objects(self):
        word, number = lambda: self.pick(*WORDS), lambda: self.random.randint(-1, 5)
        found = {}
        for name in range(self.random.randint(1, 4)):
            kind = self.pick(*TYPES)
            thing = {"type": kind}
            if kind == "mutex":
                thing["name"] = word()
            elif kind == "file":
                thing.update(name=word(), size=self.pick(number(), number() + 0.5),
                             magic_number_hex=self.pick("61", "6162", "ff"),
                             ctime=self.pick(*TIMES), hashes={"MD5": word()},
                             x_lit=self.pick(True, False), x_list=[word(), number()],
                             parent_directory_ref=str(self.random.randint(0, 4)))
            elif kind == "artifact":
                thing.update(payload_bin=self.pick("YQ==", "YWI="), mime_type=word())
            elif kind == "ipv4-addr":
                thing["value"] = self.pick("10.0.0.1", "10.0.0.0/24", "10.0.1.7", "10.0.0.0/8")
            else:
                thing.update(path=word(), contains_refs=[str(self.random.randint(0, 4))])
            for key in list(thing):
                if key != "type" and self.random.random() < 0.1:
                    del thing[key]
            found[str(name)] = thing
        return found

    def observed(self):
        start = self.random.randint(0, 8)
        stop = start + self.pick(0, 0, 0, 2)
        return {
            "type": "observed-data", "first_observed": f"2031-05-04T10:00:0{start}Z",
            "last_observed": f"2031-05-04T10:00:{stop:02}Z",
            "number_observed": self.pick(1, 1, 1, 2), "objects": self.objects(),
        }


# ---- differences that a clause decides: number in docs/stix-differences.md, when it explains ----

STRING = re.compile(r"'(?:[^'\\]|\\.)*'", re.S)


def outside(regex, replacement):
    """A change of patterns that leaves the insides of their strings alone."""
    change = re.compile(regex, re.S)

    def changed(pattern):
        kept = STRING.findall(pattern)
        blank = change.sub(replacement, STRING.sub("\0", pattern))
        # Whole constants may be taken out with their sets: then the strings no longer fit.
        return None if blank.count("\0") != len(kept) else re.sub("\0", lambda _: kept.pop(0), blank)

    return changed


def text(regex, replacement):
    """A change of patterns, strings too."""
    change = re.compile(regex, re.S)
    return lambda pattern: change.sub(replacement, pattern)


class Case:
    """A question, both answers, and a way to ask again."""

    def __init__(self, patterns, mine, theirs, ask, answer=None, observed=None):
        self.patterns, self.mine, self.theirs = patterns, mine, theirs
        self.ask, self.answer, self.observed = ask, answer, observed

    def changed(self, change):
        patterns = [change(pattern) for pattern in self.patterns]
        return None if None in patterns else patterns


def refused_by_us(*codes):
    """Only we refuse, and for nothing else than this."""
    return lambda case: (
        case.mine is False
        and case.theirs is True
        and {error["code"] for error in case.answer["errors"]} <= set(codes)
    )


def misread(change):
    """The package answers as we do when asked so."""

    def explains(case):
        patterns = case.changed(change)
        if patterns is None or patterns == case.patterns:
            return False
        return case.ask(patterns, case.observed)[0] == case.theirs

    return explains


def without(change=lambda pattern: pattern, observed=lambda thing: thing):
    """Both agree when the question no longer has it."""

    def changed(case):
        patterns = case.changed(change)
        seen = json.loads(json.dumps(case.observed), object_hook=observed)
        if patterns is None or (patterns == case.patterns and seen == case.observed):
            return None
        return patterns, seen

    def explains(case):
        question = changed(case)
        if question is None:
            return False
        mine, theirs = case.ask(*question)
        return mine == theirs

    explains.changed = changed
    return explains


def error_of(*names):
    """The package ends with an error of its own, not with one that it documents."""
    return lambda case: isinstance(case.theirs, Failed) and type(case.theirs.error).__name__ in names


def dropped(*names):
    """Observed objects without these properties."""
    return lambda thing: {key: value for key, value in thing.items() if key not in names}


def without_line_feeds(thing):
    return {
        key: value.replace("\n", "") if isinstance(value, str) else value
        for key, value in thing.items()
        if not key.endswith(("_bin", "_hex"))
    }


def fails_with(case, words):
    return isinstance(case.theirs, Failed) and words in str(case.theirs.error)


def third_type(case):
    """We refuse an AND over object types, which the package looks for in its first two operands."""
    if isinstance(case.mine, Failed) and "different object types" in str(case.mine.error):
        return ONE_TYPE.changed(case)
    return None


def agrees_on_one_type(case):
    return third_type(case) is not None and ONE_TYPE(case)


ONE_TYPE = without(outside(r"\b[a-z0-9-]+:", "mutex:"))
agrees_on_one_type.changed = third_type
COMPLEMENT = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
CRASH = ("P1", error_of("AttributeError", "TypeError", "UnboundLocalError", "RecursionError",
                        "AssertionError", "IndexError"))
VALID = [
    CRASH,
    ("P2", refused_by_us("STIX-9.5.1-04", "STIX-9.5.1-07")),
    ("P3", refused_by_us("STIX-9.6.1-20", "STIX-9.6.1-19")),
    ("P4", refused_by_us("STIX-9.2-09", "STIX-9.5.1-11")),
    ("P5", refused_by_us("STIX-9.2-05", "STIX-9.2-07")),
    ("P6", without(text(r"\bb'([^']*)'", "b'YQ=='"))),
    ("P7", refused_by_us("STIX-2.10-01")),
    ("P8", without(text(r"(hashes[^=<>!\]]*)(IN\s*\([^)]*\)|(LIKE|MATCHES)\s*'[^']*')", r"x = 1"))),
    ("P9", refused_by_us("STIX-9.6.1-32", "STIX-9.6.1-34")),
    ("P24", without(text(r"(START|STOP)\s*'", r"\1 t'"))),
]
MATCH = [
    ("P10", misread(outside(r"NOT\s+EXISTS", "EXISTS"))),
    ("P10", lambda case: fails_with(case, "dictionary update sequence")),
    CRASH,
    ("P11", error_of("MatcherException")),
    ("P16", misread(outside(r"WITHIN\s+(\d+)", r"WITHIN \1.000001"))),
    ("P12", without(observed=without_line_feeds)),
    ("P13", without(outside(r"NOT\s*(<=|>=|<|>)", lambda found: COMPLEMENT[found[1]]))),
    ("P14", without(observed=dropped("magic_number_hex", "payload_bin"))),
    ("P15", without(outside(r"IN\s*\([^()]*\b(true|false)[^()\0]*\)", "= 7"), dropped("x_lit"))),
    ("P17", without(observed=dropped("contains_refs"))),
]
NORMAL = [
    ("P18", misread(lambda pattern: outside(r"NOT\s+(IN|LIKE|MATCHES|ISSUBSET|ISSUPERSET)\b", r"\1")(
        outside(r"NOT\s*(!=|<>)", "!=")(pattern)))),
    ("P18", without(outside(r"NOT\s*(<=|>=|<|>)", lambda found: COMPLEMENT[found[1]]))),
    ("P10", without(outside(r"(NOT\s+)?EXISTS\s+([a-z0-9-]+:[^\s\])]+)", r"\2 = 1"))),
    CRASH,
    ("P19", without(outside(r"WITHIN\s+[0-9]*\.[0-9]+", "WITHIN 1"))),
    ("P20", without(text(r"h''|(\.\d{6})\d+Z|\bb''", lambda found: f"{found[1]}Z" if found[1] else "h'61'"))),
    ("P21", without(text(r"([:.])'([^']*)'", lambda found: found[1] + re.sub("[^a-z]", "", found[2].lower()) + "_"))),
    ("P22", without(outside(r"-?\d*\.\d{4,}|-?\d{16,}", "1.5"))),
    ("P23", agrees_on_one_type),
    ("P1", error_of("ValueError")),
]


def known(rows, case):
    """The number of the row that explains a difference; of several causes, each, joined."""
    for number, explains in rows:
        if explains(case):
            return number
    numbers, together = [], case
    for number, explains in rows:
        question = explains.changed(together) if hasattr(explains, "changed") else None
        if question is None:
            continue
        numbers.append(number)
        mine, theirs = together.ask(*question)
        together = Case(question[0], mine, theirs, case.ask, None, question[1])
        # What is left may be a cause of the other kinds.
        rest = [row for row in rows if not hasattr(row[1], "changed")]
        if mine == theirs or any(explains(together) for _, explains in rest):
            return "+".join(numbers)
    return None


def as_bundle(observed):
    """The form of 2.1: the objects beside observed-data that names them."""
    bundles = []
    for place, data in enumerate(observed):
        ids = {key: f"{thing['type']}--{place}-{key}" for key, thing in data["objects"].items()}
        objects = []
        for key, thing in data["objects"].items():
            thing = dict(thing, id=ids[key])
            if "parent_directory_ref" in thing:
                thing["parent_directory_ref"] = ids.get(thing["parent_directory_ref"], "x--1")
            if "contains_refs" in thing:
                thing["contains_refs"] = [ids.get(ref, "x--1") for ref in thing["contains_refs"]]
            objects.append(thing)
        data = {key: value for key, value in data.items() if key != "objects"}
        data.update(id=f"observed-data--{place}", object_refs=list(ids.values()))
        bundles.append({"type": "bundle", "objects": [data, *objects]})
    return bundles


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    lines, generator = Lines(options.command), Generator(options.seed)
    counts, unknown = collections.Counter(), []

    def compare(op, rows, patterns, ask, answer=None, observed=None):
        counts[op] += 1
        mine, theirs = ask(patterns, observed)
        if mine == theirs:
            return
        number = known(rows, Case(patterns, mine, theirs, ask, answer, observed))
        counts[number or "unknown"] += 1
        if number is None:
            unknown.append((op, patterns, mine, theirs))
        elif number in os.environ.get("SHOW", "").split(","):
            print(number, op, repr(patterns), mine, theirs, file=sys.stderr)

    real = []
    if os.path.exists(REAL):
        real = [json.loads(line)["pattern"] for line in lzma.open(REAL)]
    else:
        print(f"skipped: {REAL} is not here", file=sys.stderr)
    made = [generator.pattern() for _ in range(options.cases)]
    broken = [generator.broken(generator.pick(*made)) for _ in range(options.cases)]

    for pattern in real + made + broken:
        for version in ("2.1", "2.0"):
            answer = lines.ask("pattern", pattern=pattern, version=version)

            def verdicts(patterns, _):
                valid = lines.ask("pattern", pattern=patterns[0], version=version)["valid"]
                return valid, told(validate, patterns[0], stix_version=version)

            compare("pattern", VALID, [pattern], verdicts, answer)
        if pattern:
            compare("pattern-brackets", [], [pattern], lambda patterns, _: (
                lines.ask("pattern-brackets", pattern=patterns[0])["brackets"],
                brackets_check(patterns[0]),
            ))
    for pattern in real + made:
        fields = ("qualifiers", "observation_ops", "comparisons")
        compare("inspect", [CRASH], [pattern], lambda patterns, _: (
            ours(lines.ask("inspect", pattern=patterns[0]), *fields),
            told(their_inspection, patterns[0], "2.1"),
        ))
        compare("pattern-normal", NORMAL, [pattern], lambda patterns, _: (
            ours(lines.ask("pattern-normal", pattern=patterns[0]), "pattern"),
            told(lambda: str(create_pattern_object(patterns[0]))),
        ))
    for pattern in real + made:
        other = generator.pick(pattern, generator.pick(*made))
        compare("pattern-equivalent", NORMAL, [pattern, other], lambda patterns, _: (
            ours(lines.ask("pattern-equivalent", a=patterns[0], b=patterns[1]), "equivalent"),
            told(equivalent_patterns, *patterns),
        ))
    for pattern in made:
        observed = [generator.observed() for _ in range(generator.random.randint(1, 4))]
        # stix2-matcher reads START and STOP in its form of 2.1 only.
        version = "2.1" if "START" in pattern else generator.pick("2.0", "2.1")
        if version == "2.1":
            observed = as_bundle(observed)

        def matched(patterns, observed):
            answer = lines.ask("match", pattern=patterns[0], version=version, observations=observed)
            theirs = told(lambda: bool(match(patterns[0], observed, stix_version=version)))
            return ours(answer, "matched"), theirs

        compare("match", MATCH, [pattern], matched, observed=observed)

    for name, count in sorted(counts.items()):
        print(f"{name}\t{count}")
    for op, patterns, mine, theirs in unknown[:40]:
        print(f"{op}: {patterns!r}\n    ours {mine}\n    theirs {theirs}", file=sys.stderr)
    if unknown:
        sys.exit(f"{len(unknown)} differences that no clause is named for")


if __name__ == "__main__":
    main()
