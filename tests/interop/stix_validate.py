"""Asks `detente stix lines` and the reference stix2-validator 3.3.2 for verdicts, and compares them.

Usage: stix_validate.py DETENTE [DATA] [--seed N] [--damaged N] [--strict] [--show]

DETENTE is the program; DATA the folder of the real corpora, whose part is skipped by name where it
is absent. Asked is every document of the corpora, and objects of them damaged by a seeded generator.
Where the verdicts differ, each error of the side that refuses must be explained by a row of its
own, else the run fails. Each row stands in docs/stix-differences.md with the clause that decides.

With --strict, warnings count as errors on both sides, and the numbers of the SHOULD checks (101 to
401) that each side tells are compared too, whatever the verdicts: by object and, where the package
names the property or the value (111, vocabularies, 401), by that. Each that only one side tells must
have its row.
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
from stix2validator.v21.enums import TYPES, VOCAB_PROPERTIES

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
    if section == "9" or (rule == "401" and name == "pattern"):
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


def theirs(value, strict, version=None):
    """Verdict and messages of the package; no verdict where it dies."""
    options = ValidationOptions(silent=True, strict=strict, version=version)
    try:
        result = validate_parsed_json(value, options)
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


def member(document, path):
    """The object of the document that a pointer leads into."""
    steps = path.split("/")
    if len(steps) > 2 and steps[1] == "objects" and isinstance(document["objects"], list):
        return document["objects"][int(steps[2])]
    return document


def is_old(document, one):
    """Whether an object is of STIX 2.0, where no option says which edition counts."""
    edition, is_inside = one.get("spec_version"), one is not document
    if is_inside and document.get("spec_version") == "2.0":
        return True
    return edition == "2.0" or (is_inside and edition is None and "created" in one)


# Checks of vocabularies, whose messages of the package name the property.
VOCABULARIES = {str(number) for number in (*range(211, 232), 244, 245)}


# Common properties that section 7.2.1 says a marking definition has not.
INAPPLICABLE = {"modified", "revoked", "labels", "confidence", "lang", "defanged"}


def value_at(document, path):
    """The value that a pointer leads to."""
    for step in path.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def our_key(document, error):
    """Object, number and place of an error under a check's number."""
    number, path = error["rule"], error.get("path", "")
    if not re.fullmatch(r"\d{3}", number):
        return None
    # The package tells of the bundle what it looks for in the whole of it.
    one = document if number == "203" else member(document, path)
    place = ""
    if number == "111":
        place = str(value_at(document, path))
    elif number == "401" or number in VOCABULARIES:
        place = names(path)
    return one.get("id"), number, place


def our_numbers(document, errors):
    """The errors under a check's number, by object, number and place."""
    found = {}
    for error in errors:
        if key := our_key(document, error):
            found.setdefault(key, error)
    return found


def their_place(number, message):
    """The property or value that a message of the package names, where it does."""
    if number == "111":
        pattern = r"Open vocabulary value '(.*)' should"
    elif number == "401":
        if "Custom object type" in message:
            return "type"
        if "Custom marking definitions" in message:
            return "definition_type"
        pattern = r"Custom property '(.*?)' should"
    elif number in VOCABULARIES:
        pattern = r"contained in (\w+) is|\} (\w+) contains a value|with an '(\w+)' of"
    else:
        return ""
    match = re.search(pattern, message)
    return next(filter(None, match.groups())) if match else ""


def their_numbers(messages):
    """The package's messages under a check's number, by object, number and place."""
    found = {}
    for message in messages:
        match = re.match(r"(.*?): (?:object '.*?': )?\{(\d{3})\}", message)
        if match:
            # Its check of countries tells the number of another one.
            number = "277" if "Location `country`" in message else match[2]
            found[match[1], number, their_place(match[2], message)] = message
    return found


def is_told(one, document, number, message, errors):
    """Whether we tell an error of the very thing that the package goes on to check."""
    errors = [error for error in errors if error["rule"].startswith("STIX-")]
    errors = [error for error in errors if member(document, error.get("path", "")) is one]
    vocabulary = re.search(r"The value contained in (\w+) is", message)
    looked_at = {
        "103": {"id"},
        "202": {"relationship_type", "source_ref", "target_ref"},
    }.get(number, {vocabulary[1]} if vocabulary else set())
    if "Custom marking definitions" in message:
        return any(error["rule"].startswith("STIX-7.2.1") for error in errors)
    return any(names(error.get("path", "")) in looked_at for error in errors)


def number_row(document, one, key, error, message, errors):
    """The row of a number that only one side tells of a place, if one does."""
    _, number, _ = key
    if error is None and is_told(one, document, number, message, errors):
        return "checks of what is wrong"
    if error is None and number == "103":
        if one["type"] not in TYPES and not one.keys() & {"created", "modified"}:
            return "ids of custom observables"
    if error and number == "111":
        if names(error["path"]) not in VOCAB_PROPERTIES.get(one["type"], []):
            return "form of open vocabularies"
    if is_old(document, one):
        frame = one if one is not document else {**one, "objects": []}
        alone = {key: value for key, value in frame.items() if value != []}
        told = their_numbers(theirs(alone, True, "2.0")[1])
        if (key in told) == (error is not None):
            return "checks of 2.0"
    if error and number == "401" and value_inside(document, one, error):
        return "custom content inside"
    if error and number == "401" and one["type"] == "marking-definition":
        if names(error["path"]) in INAPPLICABLE:
            return "properties of marking definitions"
    return stricter(error, one["type"]) if error else None


def value_inside(document, one, error):
    """Whether an error stands deeper in an object than its own properties."""
    depth = error["path"].count("/")
    return depth > (1 if one is document else 3)


def number_rows(document, errors, messages):
    """The row of each number that only one side tells of a place."""
    ours, package = our_numbers(document, errors), their_numbers(messages)
    inside = document.get("objects", []) if document["type"] == "bundle" else []
    members = {one["id"]: one for one in [*inside, document]}
    return {
        key: number_row(
            document, members[key[0]], key, ours.get(key), package.get(key), errors
        )
        for key in ours.keys() ^ package.keys()
    }


def explain(document, valid, ours, messages, numbers):
    """The rows that explain a difference: each error of one side must have its own."""
    if not valid:
        rows = {
            numbers.get(our_key(document, error))
            or stricter(error, kind_of(document, error.get("path", "")))
            for error in ours
        }
    else:
        keys = {message: key for key, message in their_numbers(messages).items()}
        rows = {
            next((row for pattern, row in LAXER if re.search(pattern, message)), None)
            or numbers.get(keys.get(message))
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
            continue
        # An edition that the package has no schema of ends its checks.
        is_judged = not any(one.startswith("Cannot locate a schema") for one in messages)
        numbers = {}
        if args.strict and is_judged:
            numbers = number_rows(document, answer["errors"], messages)
        row = "the same"
        if valid != answer["valid"]:
            row = explain(document, answer["valid"], answer["errors"], messages, numbers)
        rows[row or "UNEXPLAINED"] += 1
        for (_, number, _), why in numbers.items():
            rows[f"number {number}: {why or 'UNEXPLAINED'}"] += 1
        if row is None:
            unexplained.append((name, answer["errors"][:2], messages[:2], document))
        for key, why in numbers.items():
            if why is None:
                unexplained.append((f"{name}: number {key}", answer["errors"], messages, document))
    for row, count in rows.most_common():
        print(f"{count:6} {row}")
    for name, ours, messages, document in unexplained[: 40 if args.show else 5]:
        print(name, [error["message"] for error in ours], messages, sep="\n  ")
        if args.show:
            print("  ", json.dumps(document)[:600])
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
