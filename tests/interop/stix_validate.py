"""Asks `detente stix lines` and the reference stix2-validator 3.3.2 for verdicts, and compares them.

Usage: stix_validate.py DETENTE [DATA] [--seed N] [--damaged N] [--strict] [--show]

DETENTE is the program; DATA the folder of the real corpora, whose part is skipped by name where it
is absent. Asked is every document of the corpora, and objects of them damaged by a seeded generator.
Where the verdicts differ, each error of the side that refuses must be explained by a row of its
own, else the run fails. Each row stands in docs/stix-differences.md with the clause that decides.
"""

import argparse
import copy
import json
import logging
import lzma
import random
import re
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

from stix2validator import ValidationOptions, validate_parsed_json

logging.disable(logging.CRITICAL)

OBSERVABLES = {
    "artifact", "autonomous-system", "directory", "domain-name", "email-addr", "email-message", "file",
    "ipv4-addr", "ipv6-addr", "mac-addr", "mutex", "network-traffic", "process", "software", "url",
    "user-account", "windows-registry-key", "x509-certificate",
}


def names(path):
    """The property that a pointer leads to, list places aside."""
    steps = [step for step in path.split("/") if step and not step.isdigit()]
    return steps[-1] if steps else ""


def stricter(error, kind):
    """The row that explains an error of ours which the package does not tell, if one does."""
    rule, expected, found = error["rule"], error.get("expected", ""), error.get("found", "")
    path, section = error.get("path", ""), error["rule"].removeprefix("STIX-").split(".")[0]
    name = names(path)
    top = path.count("/") == 1 or re.fullmatch(r"/objects/\d+/\w+", path)
    if name == "created_by_ref" and expected == "a reference to identity":
        return "target of created_by_ref"
    if expected in ("a URL of RFC 3986", "a domain name of RFC 1034, 5890", "a CPE 2.3 formatted string"):
        return "URL, domain, CPE"
    if rule == "STIX-2.9-02" and found.count("--") > 1:
        return "ids with two double hyphens"
    if kind in OBSERVABLES and re.search(r"_refs?$", name) and (
        rule in ("STIX-2.9-01", "STIX-2.9-02", "STIX-2.12-01", "STIX-2.13-02") or section == "6"
    ):
        return "references of observables"
    if rule == "STIX-4.14.1-07":
        return "references of observables"
    if rule.startswith("STIX-2.16.1-") and not (top and name in ("created", "modified")):
        return "timestamps inside"
    if rule == "STIX-2.8-01" and re.search("[A-F]", found):
        return "hex"
    if rule in ("STIX-2.3-04", "STIX-2.3-07", "STIX-2.12-02") and path.count("/") > 0:
        return "null and empty"
    if rule == "STIX-2.9-04":
        return "UUID of another type"
    if rule == "STIX-3.2-02" and found == '"2.0"':
        return "spec_version 2.0"
    if rule in ("STIX-6.6.1-08", "STIX-6.12.2-03"):
        return "header fields"
    if section == "9":
        return "patterns"
    if section == "11" and name[:3] and re.fullmatch("[a-z0-9_-]{3}", name[:3]):
        return "custom names"
    return None


# What the package says where we are silent.
LAXER = [
    (r"'marking_ref' is a required property", "granular lang"),
    (r"valid RFC 5646|RFC 5646 code|invalid language code", "languages"),
    (r"external reference is a CVE", "CVE and CAPEC ids"),
    (r"IANA registered MIME", "media type of an artifact"),
    (r"--[0-9a-f-]{36}: '(created|modified)': .* is not a valid timestamp", "versions of observables"),
]


def documents(data):
    """Name and JSON value of every document of the corpora that is JSON."""
    archive = data / "stix-corpus.tar.xz"
    if not archive.exists():
        print(f"skipped: {archive.name} is absent")
        return
    with tarfile.open(archive) as files:
        for member in files:
            if member.name.endswith(".json"):
                try:
                    yield member.name, json.loads(files.extractfile(member).read().decode())
                except ValueError:
                    continue
    for name in ["attack-ics-18.1.json.xz", "capec-2.1.json.xz"]:
        if (data / name).exists():
            yield name, json.loads(lzma.open(data / name).read())


def damage(value, rng):
    """The object with one thing wrong, or with one thing odd."""
    value = copy.deepcopy(value)
    keys = [key for key in value if key != "type"]
    key = rng.choice(keys)
    how = rng.randrange(6)
    if how == 0:
        del value[key]
    elif how == 1:
        value[key] = rng.choice([7, "lamp", [], {}, True, ["lamp"], {"lamp": 1}])
    elif how == 2 and isinstance(value[key], str) and value[key]:
        at = rng.randrange(len(value[key]))
        value[key] = value[key][:at] + rng.choice("-zZ0 ") + value[key][at + 1 :]
    elif how == 3:
        value[rng.choice(["lamp", "x_lamp", "Lamp", "la", "confidence", "lang"])] = rng.choice(
            [7, "en", [], 101, "lamp"]
        )
    elif how == 4:
        value["granular_markings"] = [{"selectors": [rng.choice([key, "lamp"])], "lang": "en"}]
    else:
        value["modified"] = rng.choice(["2001-01-01T00:00:00.000Z", "2031-02-30T00:00:00.000Z", T])
    return value


T = "2031-05-04T10:00:00.000Z"


def theirs(value, strict):
    """Verdict and messages of the package; no verdict where it dies."""
    try:
        result = validate_parsed_json(value, ValidationOptions(silent=True, strict=strict))
    except Exception as error:
        return None, [f"{type(error).__name__}: {error}"]
    results = result if isinstance(result, list) else [result]
    return all(one.is_valid for one in results), [
        str(error) for one in results for error in one.errors
    ]


def kind_of(document, path):
    """Type of the object that a pointer leads into."""
    kind = document.get("type") if isinstance(document, dict) else None
    for step in path.split("/")[1:]:
        try:
            document = document[int(step)] if isinstance(document, list) else document[step]
        except (KeyError, IndexError, ValueError, TypeError):
            break
        if isinstance(document, dict) and isinstance(document.get("type"), str):
            kind = document["type"]
    return kind


def explain(document, valid, ours, messages):
    """The rows that explain a difference: each error of one side must have its own."""
    if not valid:
        rows = {stricter(error, kind_of(document, error.get("path", ""))) for error in ours}
    else:
        rows = {
            next((row for pattern, row in LAXER if re.search(pattern, message)), None)
            for message in messages
        }
    return None if None in rows or not rows else " + ".join(sorted(rows))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("detente")
    arguments.add_argument("data", nargs="?", default="../shared/data", type=Path)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--damaged", type=int, default=2000)
    arguments.add_argument("--strict", action="store_true", help="warnings count as errors")
    arguments.add_argument("--show", action="store_true")
    args = arguments.parse_args()
    rng = random.Random(args.seed)
    asked = list(documents(args.data))
    if not asked:
        return 0
    objects = [
        one
        for _, document in asked
        for one in (document.get("objects", []) if isinstance(document, dict) else [])
        if isinstance(one, dict) and "type" in one and len(one) > 2
    ]
    for place in range(args.damaged):
        asked.append((f"damaged {place}", damage(rng.choice(objects), rng)))
    options = {"strict": args.strict}
    lines = "".join(
        json.dumps(
            {"id": place, "op": "validate", "text": json.dumps(document), "options": options}
        )
        + "\n"
        for place, (_, document) in enumerate(asked)
    )
    run = subprocess.run(
        [args.detente, "stix", "lines"], input=lines, capture_output=True, text=True, check=True
    )
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    rows, unexplained = Counter(), []
    for (name, document), answer in zip(asked, answers, strict=True):
        valid, messages = theirs(document, args.strict)
        if valid is None or "error" in answer:
            rows["died, or nothing to judge"] += 1
        elif valid == answer["valid"]:
            rows["the same"] += 1
        else:
            row = explain(document, answer["valid"], answer["errors"], messages)
            rows[row or "UNEXPLAINED"] += 1
            if row is None:
                unexplained.append((name, answer["errors"][:2], messages[:2], document))
    for row, count in rows.most_common():
        print(f"{count:6} {row}")
    for name, ours, messages, document in unexplained[: 40 if args.show else 5]:
        print(name, [error["message"] for error in ours], messages, sep="\n  ")
        if args.show:
            print("  ", json.dumps(document)[:600])
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
