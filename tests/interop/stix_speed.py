"""Measures the OASIS packages from PyPI for `cargo xtask bench stix`, which puts them beside us.

Usage: stix_speed.py SAMPLES

SAMPLES is a JSON file of `objects`, `patterns`, `observations` and `expression`. Prints one JSON
object: for each part the package with its version and how many it does a CPU second, the best of
three passes after one that warms its caches. Imports and reading the samples are not counted.
"""

import json
import logging
import sys
import time
from importlib.metadata import version

import stix2
from stix2matcher.matcher import match
from stix2patterns.validator import validate as validate_pattern
from stix2validator import ValidationOptions, validate_string

logging.disable(logging.CRITICAL)


def rate(count, work):
    """How many a CPU second: the best of three passes."""
    work()
    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return count / best


def each(function, values):
    """Calls a function on each value; one that it refuses or dies of counts like the others."""

    def work():
        for value in values:
            try:
                function(value)
            except Exception:  # noqa: BLE001 - some real patterns end in a RecursionError
                pass

    return work


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        samples = json.load(file)
    objects, patterns = samples["objects"], samples["patterns"]
    bundle = json.dumps(
        {"type": "bundle", "id": "bundle--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921", "objects": objects}
    )
    options = ValidationOptions(version="2.1")
    observations, expression = samples["observations"], samples["expression"]
    parts = {
        "validate": ("stix2-validator", len(objects), lambda: validate_string(bundle, options)),
        "parse": (
            "stix2",
            len(objects),
            each(lambda value: stix2.parse(value, allow_custom=True), objects),
        ),
        "pattern": ("stix2-patterns", len(patterns), each(validate_pattern, patterns)),
        "match": (
            "stix2-matcher",
            len(observations),
            lambda: match(expression, observations, stix_version="2.0"),
        ),
    }
    print(
        json.dumps(
            {
                part: {"package": f"{package} {version(package)}", "rate": rate(count, work)}
                for part, (package, count, work) in parts.items()
            }
        )
    )


main()
