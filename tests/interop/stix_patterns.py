"""Compares the pattern operations of `detente stix lines` with the OASIS packages.

Usage: stix_patterns.py [--cases N] [--seed S] COMMAND...     (say: target/release/detente stix lines)

Patterns are the real ones of ../shared/data/patterns.jsonl.xz, where that is here, and generated
ones, sound and broken; observations are generated. Each answer is compared with what
stix2-patterns 2.1.2 (`validate`, `inspect`), stix2-matcher 3.0.0 (`match`) and stix2 3.0.2
(`create_pattern_object`, `equivalent_patterns`) say of the same input. A difference must be one of
those that docs/stix-differences.md lists, section "Patterns", with the clause that decides it;
each is counted by its number there. Exits non-zero when another one is found.
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


# ---- differences that a clause decides: number in docs/stix-differences.md, when it applies ----


def blanked(pattern):
    """The pattern with the insides of its strings blanked."""
    return re.sub(r"'(?:[^'\\]|\\.)*'", "''", pattern, flags=re.S)


def has(regex):
    return lambda pattern, *_: re.search(regex, blanked(pattern), re.S) is not None


def has_text(regex):
    return lambda pattern, *_: re.search(regex, pattern, re.S) is not None


def mixed_set(pattern, *_):
    for inside in re.findall(r"IN\s*\(([^()]*)\)", blanked(pattern)):
        classes = {c.strip()[:1].translate(str.maketrans("-.0123456789b", "0" * 12 + "h"))
                   for c in inside.split(",")}
        if len(classes) > 1:
            return True
    return False


def error_of(*names):
    """The package ends with an error of its own, not with one that it documents."""
    return lambda _p, _o, theirs: isinstance(theirs, Failed) and type(theirs.error).__name__ in names


CRASH = ("P1", "", error_of("AttributeError", "TypeError", "UnboundLocalError", "RecursionError",
                            "AssertionError", "IndexError"))
VALID = [
    CRASH,
    ("P2", "9.5.1", has(r"(REPEATS|WITHIN)\s+[0.]+\s")),
    ("P3", "9.6.1", mixed_set),
    ("P4", "9.2, 2.16.1", has_text(r"t'\d{4}-\d\d-\d\dT")),
    ("P5", "9.2", has(r"\+[0-9.]")),
    ("P6", "9.2, RFC 4648", has_text(r"\bb'[^']*'")),
    ("P7", "2.10", has(r"\d{16}")),
    ("P8", "9.6.1", has(r"hashes[^=<>!]*(IN|LIKE|MATCHES)")),
    ("P9", "9.6.1", has(r"ISSU")),
]
MATCH = [
    ("P10", "9.6.1", has(r"EXISTS")),
    ("P11", "9.6.1", error_of("MatcherException")),
    CRASH,
    ("P12", "9.6.1", has(r"MATCHES|LIKE")),
    ("P13", "9.6.1", has(r"NOT\s*(<|>)")),
    ("P14", "9.6.4", has(r"(_bin|_hex)\s+(NOT\s+)?(IN|LIKE)")),
    ("P15", "9.2", has(r"IN\s*\([^)]*(true|false|[01])")),
    ("P16", "9.5.1", has(r"WITHIN")),
    ("P17", "9.7.2", has(r"_refs\[")),
]
NORMAL = [
    ("P18", "9.6.1", has(r"NOT\s")),
    ("P10", "9.6.1", has(r"EXISTS")),
    CRASH,
    ("P19", "9.5.1", has(r"WITHIN\s+[0-9]*\.")),
    ("P20", "9.2, 2.16", has_text(r"h''|\.\d{7,}Z|\bb''")),
    ("P21", "9.7", has_text(r"\.'[^']*'")),
    ("P22", "9.2", has(r"\d\.\d{4,}|\d{16}")),
    ("P1", "", error_of("ValueError")),
]


def known(list_, pattern, ours_, theirs):
    for number, _, applies in list_:
        if applies(pattern, ours_, theirs):
            return number
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

    def compare(op, list_, pattern, mine, theirs):
        counts[op] += 1
        if mine == theirs:
            return
        number = known(list_, pattern, mine, theirs)
        counts[number or "unknown"] += 1
        if number is None:
            unknown.append((op, pattern, mine, theirs))
        elif number in os.environ.get("SHOW", "").split(","):
            print(number, op, repr(pattern), mine, theirs, file=sys.stderr)

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
            theirs = told(validate, pattern, stix_version=version)
            compare("pattern", VALID, pattern, answer["valid"], theirs)
        if pattern:
            mine = lines.ask("pattern-brackets", pattern=pattern)["brackets"]
            compare("pattern-brackets", [], pattern, mine, brackets_check(pattern))
    for pattern in real + made:
        fields = ("qualifiers", "observation_ops", "comparisons")
        mine = ours(lines.ask("inspect", pattern=pattern), *fields)
        compare("inspect", VALID, pattern, mine, told(their_inspection, pattern, "2.1"))
        mine = ours(lines.ask("pattern-normal", pattern=pattern), "pattern")
        theirs = told(lambda: str(create_pattern_object(pattern)))
        compare("pattern-normal", NORMAL, pattern, mine, theirs)
    for pattern in real + made:
        other = generator.pick(pattern, generator.pick(*made))
        mine = ours(lines.ask("pattern-equivalent", a=pattern, b=other), "equivalent")
        theirs = told(equivalent_patterns, pattern, other)
        compare("pattern-equivalent", NORMAL, pattern + other, mine, theirs)
    for pattern in made:
        observed = [generator.observed() for _ in range(generator.random.randint(1, 4))]
        # stix2-matcher reads START and STOP in its form of 2.1 only.
        version = "2.1" if "START" in pattern else generator.pick("2.0", "2.1")
        if version == "2.1":
            observed = as_bundle(observed)
        answer = lines.ask("match", pattern=pattern, version=version, observations=observed)
        theirs = told(lambda: bool(match(pattern, observed, stix_version=version)))
        compare("match", MATCH, pattern, ours(answer, "matched"), theirs)

    for name, count in sorted(counts.items()):
        print(f"{name}\t{count}")
    for op, pattern, mine, theirs in unknown[:40]:
        print(f"{op}: {pattern!r}\n    ours {mine}\n    theirs {theirs}", file=sys.stderr)
    if unknown:
        sys.exit(f"{len(unknown)} differences that no clause is named for")


if __name__ == "__main__":
    main()
