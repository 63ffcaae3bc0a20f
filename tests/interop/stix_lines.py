"""Asks `detente stix lines` and the Python library stix2 3.0.2 the same, and compares the answers.

Usage: stix_lines.py DETENTE [DATA] [--seed N] [--each N] [--show]

DETENTE is the program; DATA the folder of the real corpora, whose part is skipped by name where it
is absent. The requests are the corpora's objects, whole and damaged by a seeded generator, in every
operation on objects. A difference that no row of EXPECTED explains fails. Each row stands in
docs/stix-differences.md with the clause that decides.
"""

import argparse
import copy
import json
import lzma
import random
import re
import subprocess
import sys
import tarfile
import uuid
import warnings
from collections import Counter
from pathlib import Path

import simplejson
import stix2
import stix2.base
import stix2.confidence.scales as scales
import stix2.hashes
import stix2.markings
import stix2.utils
import stix2.versioning
from stix2.canonicalization.Canonicalize import canonicalize
from stix2.datastore.filters import Filter, apply_common_filters
from stix2.registry import class_for_type

warnings.simplefilter("ignore")

MARKINGS = [
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
]
ERROR = "error"


# What the Python library answers.


def as_json(value):
    """The JSON value of what the library made."""
    if isinstance(value, stix2.base._STIXBase):
        return json.loads(value.serialize())
    return json.loads(simplejson.dumps(value, cls=stix2.serialization.STIXJSONEncoder))


def typed(request):
    """The object, read as its type where that is asked for and can be."""
    given = copy.deepcopy(request["object"])
    if request.get("typed", True):
        try:
            return stix2.parse(given, allow_custom=True)
        except Exception:  # noqa: BLE001: whatever it dies of, it did not read it
            return copy.deepcopy(request["object"])
    return given


def parse(request):
    text = request["text"]
    stix2.parse(text, allow_custom=request.get("allow_custom", False), version=request.get("version"))
    return {"object": json.loads(text)}


def make_id(request):
    given = {key: value for key, value in request["object"].items() if key != "id"}
    kind = class_for_type(given["type"], "2.1", "observables")
    if kind is None and request.get("contributing") is None:
        raise ValueError("no observable object")
    if kind is None:
        return {"object_id": raw_id(given, request["contributing"])}
    made = kind(allow_custom=True, **given)
    if request.get("contributing") is not None:
        made._id_contributing_properties = request["contributing"]
    return {"object_id": made._generate_id()}


def raw_id(given, contributing):
    """The id of an object of no known type: as the library's own rule, over the values as written."""
    parts = {name: given[name] for name in contributing if given.get(name) not in (None, [])}
    if isinstance(parts.get("hashes"), dict):
        parts["hashes"] = stix2.base._choose_one_hash(parts["hashes"])
    if not parts:
        return None
    text = canonicalize(stix2.base._make_json_serializable(parts), utf8=False)
    return f"{given['type']}--{uuid.uuid5(stix2.base.SCO_DET_ID_NAMESPACE, text)}"


def new_version(request):
    changes = request.get("changes", {})
    allow = request.get("allow_custom")
    return {"object": as_json(stix2.versioning.new_version(typed(request), allow, **changes))}


def revoke(request):
    return {"object": as_json(stix2.versioning.revoke(typed(request)))}


def remove_custom(request):
    return {"object": as_json(stix2.versioning.remove_custom_stix(typed(request)))}


def markings(request):
    function = {
        "get": stix2.markings.get_markings,
        "is": stix2.markings.is_marked,
        "add": stix2.markings.add_markings,
        "remove": stix2.markings.remove_markings,
        "set": stix2.markings.set_markings,
        "clear": stix2.markings.clear_markings,
    }[request["do"]]
    found = function(typed(request), **request["args"])
    if request["do"] in ("get", "is"):
        return {"value": found}
    return {"object": as_json(found)}


SCALES = {
    "none-low-med-high": (scales.none_low_med_high_to_value, scales.value_to_none_low_medium_high),
    "zero-ten": (scales.zero_ten_to_value, scales.value_to_zero_ten),
    "admiralty-credibility": (
        scales.admiralty_credibility_to_value,
        scales.value_to_admiralty_credibility,
    ),
    "wep": (scales.wep_to_value, scales.value_to_wep),
    "dni": (scales.dni_to_value, scales.value_to_dni),
}


def confidence(request):
    to_value, to_label = SCALES[request["scale"]]
    if "label" in request:
        return {"value": to_value(request["label"])}
    return {"label": to_label(request["value"])}


def type_check(request):
    function = {
        "sdo": stix2.utils.is_sdo,
        "sco": stix2.utils.is_sco,
        "sro": stix2.utils.is_sro,
        "object": stix2.utils.is_object,
        "marking": stix2.utils.is_marking,
    }[request["check"]]
    return {"value": function(request["value"], request["version"])}


def timestamp(request):
    when = stix2.utils.parse_into_datetime(
        request["value"], request["precision"], request["constraint"]
    )
    return {"text": stix2.utils.format_datetime(when)}


def hash_check(request):
    algorithm = stix2.hashes.infer_hash_algorithm(request["algorithm"])
    if algorithm is None:
        return {"known": False}
    return {"known": True, "value": stix2.hashes.check_hash(algorithm, request["value"])}


def filter_(request):
    filters = [Filter(*one) for one in request["filters"]]
    return {"objects": list(apply_common_filters(request["objects"], filters))}


LIBRARY = {
    "parse": parse,
    "make-id": make_id,
    "canonicalize": lambda request: {"text": canonicalize(request["value"], utf8=False)},
    "new-version": new_version,
    "revoke": revoke,
    "remove-custom": remove_custom,
    "markings": markings,
    "confidence": confidence,
    "detect-version": lambda r: {"version": stix2.utils.detect_spec_version(r["object"])},
    "type-check": type_check,
    "timestamp": timestamp,
    "hash-check": hash_check,
    "filter": filter_,
}


def library(request):
    try:
        return LIBRARY[request["op"]](copy.deepcopy(request))
    except Exception as error:  # noqa: BLE001: of two errors only the fact counts
        return {ERROR: f"{type(error).__name__}: {error}"}


# What is compared.


def comparable(request, answer):
    """An answer as the lines specification compares it."""
    if ERROR in answer:
        return ERROR
    answer = {key: value for key, value in answer.items() if key != "id"}
    if request["op"] == "parse":
        return answer
    if isinstance(answer.get("object"), dict):
        answer["object"] = comparable_object(request, answer["object"])
    if isinstance(answer.get("value"), list):
        answer["value"] = sorted(answer["value"], key=str)
    if "objects" in answer:
        answer["objects"] = sorted(json.dumps(one, sort_keys=True) for one in answer["objects"])
    return answer


def comparable_object(request, given):
    given = copy.deepcopy(given)
    if request.get("typed", True):
        # The library prints what it read in its own way; ours is kept as written. Both are read and
        # printed by it before they are compared.
        try:
            given = as_json(stix2.parse(copy.deepcopy(given), allow_custom=True))
        except Exception:  # noqa: BLE001
            pass
    for name in ("id", "created", "valid_from"):
        # What the library fills in, at random or by its clock.
        if request["object"].get(name) in (None, []):
            given.pop(name, None)
    if "modified" not in (request.get("changes") or {}):
        given.pop("modified", None)
    if isinstance(given.get("object_marking_refs"), list):
        given["object_marking_refs"] = sorted({str(one) for one in given["object_marking_refs"]})
    if isinstance(given.get("granular_markings"), list):
        one_by_one = {
            (kind, str(marking[kind]), str(selector))
            for marking in given["granular_markings"]
            if isinstance(marking, dict)
            for kind in ("marking_ref", "lang")
            if marking.get(kind)
            for selector in marking.get("selectors") or []
        }
        given["granular_markings"] = sorted(one_by_one)
    return given


# What is asked.

UUID = "5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921"


def ref(kind):
    return f"{kind}--{UUID}"


def hashes():
    return {"SHA-256": "ab" * 32, "MD5": "cd" * 16}


# Invented observables that between them have most properties of section 6.
OBSERVABLES = [
    {"type": "artifact", "mime_type": "image/png", "payload_bin": "aGVsbG8="},
    {"type": "artifact", "url": "http://a.example/", "hashes": hashes(),
     "encryption_algorithm": "mime-type-indicated", "decryption_key": "lamp"},
    {"type": "autonomous-system", "number": 64512, "name": "Lamp", "rir": "X"},
    {"type": "directory", "path": "/lamp", "ctime": "2031-05-04T10:00:00.500Z",
     "contains_refs": [ref("file")]},
    {"type": "domain-name", "value": "a.example", "resolves_to_refs": [ref("ipv4-addr")]},
    {"type": "email-addr", "value": "a@a.example", "belongs_to_ref": ref("user-account")},
    {"type": "email-message", "is_multipart": False, "from_ref": ref("email-addr"), "subject": "é",
     "date": "2031-05-04T10:00:00Z", "to_refs": [ref("email-addr")], "body": "lamp",
     "additional_header_fields": {"Reply-To": ["a"]}},
    {"type": "email-message", "is_multipart": True, "received_lines": ["a"],
     "body_multipart": [{"body": "a", "content_type": "text/plain"}, {"body_raw_ref": ref("file")}]},
    {"type": "file", "hashes": hashes(), "size": 25, "name": "lamp.bin", "magic_number_hex": "0aFf",
     "mtime": "2031-05-04T10:00:00.123456Z", "parent_directory_ref": ref("directory")},
    {"type": "file", "name": "a.zip", "extensions": {"archive-ext": {"contains_refs": [ref("file")]}}},
    {"type": "file", "name": "a", "extensions": {"ntfs-ext": {"alternate_data_streams": [
        {"name": "s", "size": 5, "hashes": hashes()}]}}},
    {"type": "file", "name": "a.pdf", "extensions": {"pdf-ext": {"version": "1.7",
        "document_info_dict": {"Title": "x"}, "is_optimized": True}}},
    {"type": "file", "name": "a.jpg", "extensions": {"raster-image-ext": {"image_height": 5,
        "exif_tags": {"Make": "x", "ISO": 5}}}},
    {"type": "file", "name": "a.exe", "extensions": {"windows-pebinary-ext": {"pe_type": "exe",
        "machine_hex": "014c", "number_of_sections": 4, "time_date_stamp": "2031-05-04T10:00:00Z",
        "optional_header": {"magic_hex": "010b", "size_of_code": 1, "hashes": hashes()},
        "sections": [{"name": "CODE", "entropy": 0.5}]}}},
    {"type": "ipv4-addr", "value": "198.51.100.3", "belongs_to_refs": [ref("autonomous-system")]},
    {"type": "ipv6-addr", "value": "2001:db8::1", "resolves_to_refs": [ref("mac-addr")]},
    {"type": "mac-addr", "value": "d2:fb:49:24:37:18"},
    {"type": "mutex", "name": "lamp"},
    {"type": "network-traffic", "start": "2031-05-04T10:00:00.500Z", "end": "2031-05-04T11:00:00Z",
     "is_active": False, "src_ref": ref("ipv4-addr"), "src_port": 80, "protocols": ["ipv4", "tcp"],
     "src_byte_count": 5, "ipfix": {"minimumIpTotalLength": 32}},
    {"type": "network-traffic", "dst_ref": ref("domain-name"), "protocols": ["http"],
     "extensions": {"http-request-ext": {"request_method": "get", "request_value": "/",
        "request_header": {"Host": ["a.example"]}, "message_body_length": 0}}},
    {"type": "network-traffic", "dst_ref": ref("ipv4-addr"), "protocols": ["icmp"],
     "extensions": {"icmp-ext": {"icmp_type_hex": "08", "icmp_code_hex": "00"}}},
    {"type": "network-traffic", "dst_ref": ref("ipv4-addr"), "protocols": ["tcp"],
     "extensions": {"socket-ext": {"address_family": "AF_INET", "is_blocking": True,
        "options": {"SO_KEEPALIVE": 1}, "socket_type": "SOCK_STREAM", "socket_descriptor": 3},
        "tcp-ext": {"src_flags_hex": "02"}}},
    {"type": "process", "pid": 5, "command_line": "lamp -x", "environment_variables": {"A": "b"},
     "created_time": "2031-05-04T10:00:00Z", "child_refs": [ref("process")],
     "extensions": {"windows-process-ext": {"aslr_enabled": True, "integrity_level": "high",
        "startup_info": {"cb": "5"}}}},
    {"type": "process", "extensions": {"windows-service-ext": {"service_name": "lamp",
        "start_type": "SERVICE_AUTO_START", "service_status": "SERVICE_RUNNING"}}},
    {"type": "software", "name": "Lamp", "cpe": "cpe:2.3:a:l:l:1:*:*:*:*:*:*:*", "vendor": "L",
     "version": "1", "languages": ["en"]},
    {"type": "url", "value": "http://a.example/"},
    {"type": "user-account", "user_id": "1001", "account_login": "lamp", "account_type": "unix",
     "account_created": "2031-05-04T10:00:00Z", "is_disabled": False,
     "extensions": {"unix-account-ext": {"gid": 5, "groups": ["wheel"], "shell": "/bin/sh"}}},
    {"type": "windows-registry-key", "key": "HKEY_LOCAL_MACHINE\\Lamp", "number_of_subkeys": 2,
     "values": [{"name": "a", "data": "b", "data_type": "REG_SZ"}, {"name": "c"}]},
    {"type": "x509-certificate", "hashes": hashes(), "serial_number": "5", "is_self_signed": False,
     "validity_not_before": "2031-05-04T10:00:00Z",
     "x509_v3_extensions": {"key_usage": "critical",
        "private_key_usage_period_not_before": "2031-05-04T10:00:00Z"}},
]

HEAD = {"spec_version": "2.1", "created": "2031-05-04T10:00:00.000Z",
        "modified": "2031-05-04T10:30:00.123Z"}

# Invented objects of the types that the corpora have few of.
OBJECTS = [
    {"type": "grouping", "context": "unspecified", "object_refs": [ref("tool"), ref("mutex")]},
    {"type": "incident", "name": "Lamp"},
    {"type": "infrastructure", "name": "Lamp", "infrastructure_types": ["botnet"],
     "first_seen": "2031-05-04T10:00:00Z", "last_seen": "2031-05-04T10:00:00.5Z"},
    {"type": "location", "latitude": 48.5, "longitude": -5, "precision": 10, "country": "xa"},
    {"type": "location", "region": "northern-europe"},
    {"type": "malware", "is_family": True, "name": "Lamp", "sample_refs": [ref("file")],
     "operating_system_refs": [ref("software")], "implementation_languages": ["rust"]},
    {"type": "malware-analysis", "product": "lamp", "result": "benign", "sample_ref": ref("file"),
     "analysis_sco_refs": [ref("url")], "submitted": "2031-05-04T10:00:00Z"},
    {"type": "note", "content": "lamp", "object_refs": [ref("tool")], "authors": ["a"]},
    {"type": "opinion", "opinion": "agree", "object_refs": [ref("tool")]},
    {"type": "observed-data", "first_observed": "2031-05-04T10:00:00Z", "number_observed": 5,
     "last_observed": "2031-05-04T11:00:00Z", "object_refs": [ref("mutex"), ref("sighting")]},
    {"type": "report", "name": "Lamp", "published": "2031-05-04T10:00:00Z",
     "object_refs": [ref("tool")], "report_types": ["threat-report"]},
    {"type": "sighting", "sighting_of_ref": ref("indicator"), "count": 5, "summary": False,
     "where_sighted_refs": [ref("identity")], "observed_data_refs": [ref("observed-data")]},
    {"type": "relationship", "relationship_type": "uses", "source_ref": ref("malware"),
     "target_ref": ref("tool"), "start_time": "2031-05-04T10:00:00Z",
     "stop_time": "2031-05-04T10:00:00.001Z"},
    {"type": "indicator", "pattern": "[mutex:name = 'lamp']", "pattern_type": "stix",
     "valid_from": "2031-05-04T10:00:00Z", "valid_until": "2031-05-05T10:00:00Z",
     "indicator_types": ["benign"], "kill_chain_phases": [{"kill_chain_name": "a", "phase_name": "b"}]},
    {"type": "threat-actor", "name": "Lamp", "threat_actor_types": ["spy"], "goals": ["a"],
     "sophistication": "none", "resource_level": "club", "personal_motivations": ["revenge"]},
    {"type": "language-content", "object_ref": ref("tool"),
     "object_modified": "2031-05-04T10:00:00.000Z", "contents": {"de": {"name": "Lampe"}}},
    {"type": "extension-definition", "name": "Lamp", "schema": "http://a.example/", "version": "1",
     "extension_types": ["property-extension"], "created_by_ref": ref("identity")},
    {"type": "tool", "name": "Lamp", "extensions": {ref("extension-definition"): {
        "extension_type": "property-extension", "hue": "red"}}},
    {"type": "tool", "name": "Lamp", "hue": "red", "extensions": {ref("extension-definition"): {
        "extension_type": "toplevel-property-extension"}}},
    {"type": "lamp", "hue": "red", "extensions": {ref("extension-definition"): {
        "extension_type": "new-sdo"}}},
    {"type": "x-lamp", "hue": "red", "x_size": 5},
    {"type": "identity", "name": "Lamp", "identity_class": "group", "confidence": 50, "lang": "en",
     "labels": ["a", "b"], "revoked": False, "created_by_ref": ref("identity"),
     "external_references": [{"source_name": "a", "url": "http://a.example/", "hashes": hashes()}],
     "object_marking_refs": [MARKINGS[0]],
     "granular_markings": [{"selectors": ["name", "labels"], "marking_ref": MARKINGS[1]},
                           {"selectors": ["labels.[1]", "name"], "lang": "en"}]},
]
DEFINITIONS = [
    {"type": "marking-definition", "spec_version": "2.1", "id": MARKINGS[0], "name": "TLP:WHITE",
     "created": "2017-01-20T00:00:00.000Z", "definition_type": "tlp", "definition": {"tlp": "white"}},
    {"type": "marking-definition", "spec_version": "2.1", "id": ref("marking-definition"),
     "created": "2031-05-04T10:00:00.000Z", "definition_type": "statement",
     "definition": {"statement": "(c) Lamp"}},
    {"type": "marking-definition", "spec_version": "2.1", "name": "TLP:RED",
     "id": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
     "created": "2022-10-01T00:00:00.000Z", "extensions": {
         "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {
             "extension_type": "property-extension", "tlp_2_0": "red"}}},
]


def invented():
    """The invented objects with heads."""
    for one in OBSERVABLES:
        yield {"type": one["type"], "id": ref(one["type"]), **one}
    for one in OBJECTS:
        yield {"type": one["type"], "id": ref(one["type"]), **HEAD, **one}
    yield from DEFINITIONS
    for kind in ("tool", "malware", "indicator", "identity", "report", "observed-data"):
        yield old(kind)


def old(kind):
    """An object as STIX 2.0 has it."""
    head = {"type": kind, "id": ref(kind), "created": "2031-05-04T10:00:00.000Z",
            "modified": "2031-05-04T10:30:00.123Z", "labels": ["benign"]}
    more = {
        "tool": {"name": "Lamp"},
        "malware": {"name": "Lamp"},
        "indicator": {"pattern": "[mutex:name = 'lamp']", "valid_from": "2031-05-04T10:00:00Z"},
        "identity": {"name": "Lamp", "identity_class": "group"},
        "report": {"name": "Lamp", "published": "2031-05-04T10:00:00Z", "object_refs": [ref("tool")]},
        "observed-data": {"first_observed": "2031-05-04T10:00:00Z", "number_observed": 1,
                          "last_observed": "2031-05-04T10:00:00Z",
                          "objects": {"0": {"type": "file", "name": "lamp", "parent_directory_ref": "1"},
                                      "1": {"type": "directory", "path": "/"}}},
    }
    return {**head, **more[kind]}


ODD = [None, [], {}, "", 0, 1, -1, 5, 1.5, 101, 70000, True, False, "5", "true", "x", "lamp",
       ["a"], [1], [{}], {"a": 1}, {"MD5": "x"}, "2031-05-04T10:00:00Z", "2031-05-04T10:00:00.1234567Z",
       "2031-05-04T10:00:00+01:00", "2030-01-01T00:00:00.000Z", "2031-13-04T10:00:00Z", "AF_INET",
       ref("tool"), ref("mutex"), ref("x-lamp"), ref("marking-definition"), ref("identity"),
       ref("bundle"), "tool--1", "[mutex:name = 'a'", "[mutex:name = 'b']", "stix", "aGVsbG8"]


def places(value, path=()):
    """Every place in a value."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from places(inner, (*path, at))


def selectors(value):
    """Selectors of every place in an object."""
    for path in places(value):
        yield ".".join(f"[{step}]" if isinstance(step, int) else step for step in path)


def damaged(rng, given):
    """A copy with one or two places changed."""
    given = copy.deepcopy(given)
    for _ in range(rng.choice([1, 1, 1, 2])):
        path = rng.choice(list(places(given)))
        if not isinstance(path[-1], str | int):
            continue
        holder = given
        for step in path[:-1]:
            holder = holder[step]
        action = rng.randrange(6)
        if action == 0:
            del holder[path[-1]]
        elif action == 1 and isinstance(holder, dict):
            holder[rng.choice(["x_lamp", "lamp", "X", "0", "revoked", "lang", "spec_version"])] = (
                rng.choice(ODD))
        elif action == 2 and isinstance(holder, dict):
            holder[path[-1] + rng.choice(["_x", "2"])] = holder.pop(path[-1])
        else:
            holder[path[-1]] = copy.deepcopy(rng.choice(ODD))
        if not given:
            break
    return given


def corpora(folder, rng, each):
    """Real objects, and the real documents they come from; skips by name what is absent."""
    for name in ("attack-enterprise-18.1", "attack-ics-18.1", "capec-2.1"):
        path = folder / f"{name}.json.xz"
        if not path.exists():
            print(f"skipped: {path} is absent")
            continue
        objects = json.loads(lzma.open(path).read())["objects"]
        for one in rng.sample(objects, min(each, len(objects))):
            yield one
    path = folder / "stix-corpus.tar.xz"
    if not path.exists():
        print(f"skipped: {path} is absent")
        return
    with tarfile.open(path) as archive:
        for member in archive:
            if not member.name.endswith(".json"):
                continue
            try:
                document = json.loads(archive.extractfile(member).read())
            except ValueError:
                continue
            if isinstance(document, dict):
                yield document
                objects = document.get("objects", [])
                if isinstance(objects, list):
                    objects = [one for one in objects if isinstance(one, dict)]
                    yield from rng.sample(objects, min(10, len(objects)))


def about_object(rng, given):
    """Requests about one object."""
    if not isinstance(given, dict):
        return
    typed_ = rng.random() < 0.5
    text = json.dumps(given)
    yield {"op": "parse", "text": text, "allow_custom": rng.random() < 0.5}
    yield {"op": "parse", "text": text, "allow_custom": rng.random() < 0.5,
           "version": rng.choice(["2.0", "2.1", "2.1"])}
    yield {"op": "detect-version", "object": given}
    for check in ("sdo", "sco", "sro", "object", "marking"):
        yield {"op": "type-check", "check": check, "value": given,
               "version": rng.choice(["2.0", "2.1"])}
    if len(text) > 100_000:
        return
    yield {"op": "canonicalize", "value": given}
    yield {"op": "make-id", "object": given}
    names = [name for name in given if name != "id"]
    yield {"op": "make-id", "object": given, "contributing": rng.sample(names, min(2, len(names)))}
    yield {"op": "revoke", "object": given, "typed": typed_}
    yield {"op": "remove-custom", "object": given, "typed": typed_}
    for _ in range(3):
        names = list(given) + ["name", "description", "labels", "x_lamp", "modified", "confidence"]
        changes = {rng.choice(names): copy.deepcopy(rng.choice(ODD)) for _ in range(rng.randrange(3))}
        yield {"op": "new-version", "object": given, "changes": changes, "typed": rng.random() < 0.5,
               "allow_custom": rng.choice([None, True, False])}
    yield from about_markings(rng, given)


def about_markings(rng, given):
    marked = copy.deepcopy(given)
    known = list(selectors(given))
    if not known:
        return
    if rng.random() < 0.7:
        marked["object_marking_refs"] = rng.sample(MARKINGS, rng.randrange(1, 3))
    if rng.random() < 0.8:
        marked["granular_markings"] = [
            {"selectors": rng.sample(known, min(rng.randrange(1, 4), len(known))),
             **rng.choice([{"marking_ref": rng.choice(MARKINGS)}, {"lang": rng.choice(["en", "de"])}])}
            for _ in range(rng.randrange(1, 4))]
    try:
        used = [one for marking in marked["granular_markings"] for one in marking["selectors"]]
    except (KeyError, TypeError):
        used = []
    for _ in range(6):
        args = {}
        action = rng.choice(["get", "is", "add", "remove", "set", "clear"])
        if rng.random() < 0.8:
            picked = rng.sample(used or known, 1) + rng.sample(known, min(1, len(known)))
            args["selectors"] = rng.choice([picked, picked[:1], picked[0], ["none"]])
        if action in ("add", "remove", "set") or (action == "is" and rng.random() < 0.6):
            names = MARKINGS[:2] if "selectors" not in args else [*MARKINGS, "en", "de"]
            args["marking"] = rng.choice([rng.choice(names), rng.sample(names, 2)])
        if action in ("get", "is") and "selectors" in args:
            args["inherited"] = rng.random() < 0.5
            args["descendants"] = rng.random() < 0.5
        if action in ("get", "set", "clear"):
            args["marking_ref"] = rng.random() < 0.7
            args["lang"] = rng.random() < 0.7
        if action in ("set", "clear") and "selectors" not in args:
            args.pop("marking_ref"), args.pop("lang")
        yield {"op": "markings", "do": action, "object": marked, "args": args,
               "typed": rng.random() < 0.5}


def about_values(rng):
    """Requests about single values."""
    for scale, (to_value, _) in SCALES.items():
        for value in [*range(-1, 103), 29.5, 64.0]:
            yield {"op": "confidence", "scale": scale, "value": value}
        for label in ("None", "Low", "10", "6 - Truth cannot be judged", "1 - Confirmed by other sources",
                      "Even Chance", "Likely / Probable", "likely/probable", ""):
            yield {"op": "confidence", "scale": scale, "label": label}
    names = sorted(name for table in stix2.registry.STIX2_OBJ_MAPS["2.1"].values() for name in table)
    for value in [*names, "x-lamp", "relationship--1", "mutex--1", "x-lamp--1", ""]:
        for check in ("sdo", "sco", "sro", "object", "marking"):
            for version in ("2.0", "2.1"):
                yield {"op": "type-check", "check": check, "value": value, "version": version}
    fractions = ["", ".0", ".5", ".50", ".123", ".1239", ".123456", ".120000", ".1234567", ".000"]
    days = ["2031-05-04T10:00:00", "2032-02-29T23:59:59", "2031-02-29T00:00:00", "2031-5-4T1:2:3",
            "2031-05-04 10:00:00", "2031-05-04t10:00:00", "2016-12-31T23:59:60", "2031-05-04T24:00:00"]
    for day in days:
        for fraction in fractions:
            for precision in ("any", "second", "millisecond"):
                for constraint in ("exact", "min"):
                    yield {"op": "timestamp", "value": f"{day}{fraction}{rng.choice('ZZZZz+')}",
                           "precision": precision, "constraint": constraint}
    for name in ("MD5", "md-5", "MD6", "RIPEMD-160", "SHA-1", "sha224", "SHA-256", "SHA384", "SHA-512",
                 "SHA3-224", "SHA3-256", "sha3384", "SHA3-512", "ssdeep", "WHIRLPOOL", "TLSH", "lamp"):
        for length in (0, 2, 31, 32, 33, 40, 56, 64, 70, 72, 96, 128, 129):
            digits = rng.choice(["0123456789abcdef", "ABCDEF", "abcdefg", "a:/+."])
            value = "".join(rng.choice(digits) for _ in range(length))
            yield {"op": "hash-check", "algorithm": name, "value": value}


def about_filters(rng, objects):
    operators = ["=", "!=", "in", ">", "<", ">=", "<=", "contains", "~"]
    for _ in range(1_500):
        chosen = rng.sample(objects, 4)
        filters = []
        for _ in range(rng.randrange(1, 3)):
            path = rng.choice(list(places(rng.choice(chosen))))
            name = ".".join(step for step in path if isinstance(step, str))
            holder = rng.choice(chosen)
            values = [copy.deepcopy(rng.choice(ODD))]
            for step in path:
                try:
                    holder = holder[step]
                except (KeyError, IndexError, TypeError):
                    break
            else:
                values += [holder, holder, [holder]]
            filters.append([name, rng.choice(operators), rng.choice(values)])
        yield {"op": "filter", "objects": chosen, "filters": filters}


def about_numbers(rng):
    """Values whose canonical form is not obvious."""
    for _ in range(2_000):
        value = rng.choice([
            rng.uniform(-1e3, 1e3), rng.random() * 10 ** rng.randrange(-30, 30),
            rng.randrange(-(2**70), 2**70), float(rng.randrange(2**60)), 5e-324, -0.0, 1e21, 1e-7,
            "".join(chr(rng.choice([34, 92, 8, 10, 31, 127, 233, 8364, 64307, 128512, 57344]))
                    for _ in range(5))])
        yield {"op": "canonicalize", "value": rng.choice([value, [value], {str(value): value, "a": 1}])}


def requests(folder, rng, each):
    yield from about_values(rng)
    yield from about_numbers(rng)
    mine = list(invented())
    real = list(corpora(folder, rng, each)) if folder else []
    small = [one for one in mine + real if len(json.dumps(one)) < 20_000]
    for one in mine:
        yield from about_object(rng, one)
        for _ in range(40):
            yield from about_object(rng, damaged(rng, one))
    for one in real:
        yield from about_object(rng, one)
        if len(json.dumps(one)) < 20_000:
            yield from about_object(rng, damaged(rng, one))
    yield from about_filters(rng, small)


# Where the two differ, and why.


def says(pattern):
    """The one that refuses says so."""
    return lambda request, ours, theirs, reason: re.search(pattern, reason) is not None


def refused(pattern):
    """We refuse what the library takes."""
    return lambda request, ours, theirs, reason: ours == ERROR and re.search(pattern, reason)


def accepted(pattern):
    """We take what the library refuses."""
    return lambda request, ours, theirs, reason: theirs == ERROR and re.search(pattern, reason)


def holds(pattern):
    """Something in the request looks so."""
    return lambda request, *_: re.search(pattern, json.dumps(request)) is not None


def both(*tests):
    return lambda *args: all(test(*args) for test in tests)


def either(*tests):
    return lambda *args: any(test(*args) for test in tests)


def of(*operations):
    return lambda request, *_: request["op"] in operations


STAMP = r"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:"


def odd_names(request, *_):
    """An object whose `type` or `spec_version` is no text."""
    given = request.get("object", request.get("value"))
    if request["op"] == "parse":
        given = json.loads(request["text"])
    inner = given.get("objects", []) if isinstance(given, dict) else []
    for one in [given, *(inner if isinstance(inner, list) else [])]:
        if isinstance(one, dict):
            for name in ("type", "spec_version"):
                if name in one and not isinstance(one[name], str):
                    return True
    return False


def without_created(request, ours, *_):
    given = request.get("object", {})
    return ours == ERROR and isinstance(given, dict) and given.get("created") in (None, [])


def read_otherwise(request, ours, theirs, _):
    """The library makes the id of other values than stand there, such as `'True'` of true."""
    if request["op"] != "make-id" or ERROR in (ours, theirs):
        return False
    given = {key: value for key, value in request["object"].items() if key != "id"}
    made = as_json(class_for_type(given["type"], "2.1", "observables")(allow_custom=True, **given))
    return any(key in made and made[key] != value for key, value in given.items())


def read_here_only(request, ours, *_):
    """We read the object as its type, for one of the reasons above, and so ask it of the result."""
    if ours != ERROR or not request.get("typed", True) or "object" not in request:
        return False
    try:
        stix2.parse(copy.deepcopy(request["object"]), allow_custom=True)
    except Exception:  # noqa: BLE001
        return True
    return False


# Name of each difference, as docs/stix-differences.md has it; what it looks like.
EXPECTED = [
    ("more than six digits", both(accepted(""), holds(r"\.\d{7,}Z"))),
    ("second 60", both(accepted(""), holds("23:59:60"))),
    ("time as RFC 3339 spells it", both(refused("timestamp|type"), of("timestamp"))),
    ("selectors", either(accepted(r"InvalidSelectorError|Selector .* is not valid|selector syntax"),
                         refused("the selector"))),
    ("along the path", both(of("markings"), holds('"(inherited|descendants)": true'))),
    ("markings that are no texts", refused("is not as section 7.2 describes it")),
    ("type and spec_version are texts", odd_names),
    ("no created", without_created),
    ("valid_from", both(refused("`valid_from` is missing|nothing"), holds("indicator"))),
    ("valid_from", both(of("new-version"), accepted("valid_from"))),
    ("extension-definition is no domain object",
     both(of("type-check"), holds('"sdo"'), holds("extension-definition"))),
    ("confidence", refused("confidence")),
    ("a dictionary is no list", refused("a list is expected")),
    ("references to meta objects",
     accepted("type-specifying prefix '(marking|extension)-definition'|prefix 'language-content'")),
    ("objects of observed-data", both(accepted("not a valid STIX identifier"), holds(r'objects\\*"'))),
    ("UUIDs of 2.0", accepted("not a valid STIX identifier")),
    ("reference targets", either(refused("may not refer to|of the wrong type"),
                                   accepted("type-specifying prefix"))),
    ("bundles with a version", accepted("Spec version 2.0 bundles|for Bundle: .spec_version|for Bundle 'spec_version'")),
    ("bundles without objects", both(accepted("KeyError: 'objects'|max.. arg"), holds("bundle"))),
    ("announced types in a bundle", accepted("for Bundle 'objects': customized")),
    ("what is not there", both(of("new-version", "remove-custom", "markings", "revoke"),
                               holds(r": (\[\]|null)|\[(null|\[\])"))),
    ("languages of 2.0", both(of("markings"), says("GranularMarking: .marking_ref|`marking_ref`"))),
    ("filled in", lambda request, ours, theirs, _: "pattern_version" in str(theirs)
     and "pattern_version" not in str(ours)),
    ("filled in", both(of("new-version", "remove-custom", "markings", "revoke"), holds('"bundle"'))),
    ("values as written in an id", read_otherwise),
    ("read as its type or not", read_here_only),
]


def explain(request, ours, theirs, reason):
    for name, looks_so in EXPECTED:
        if looks_so(request, ours, theirs, reason):
            return name
    return None


def main():
    options = argparse.ArgumentParser()
    options.add_argument("detente")
    options.add_argument("data", nargs="?", type=Path)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--each", type=int, default=100)
    options.add_argument("--show", type=int, default=20)
    options.add_argument("--bare", action="store_true", help="the program takes no `stix lines`")
    chosen = options.parse_args()
    asked = list(requests(chosen.data, random.Random(chosen.seed), chosen.each))
    lines = "".join(json.dumps({"id": at, **request}) + "\n" for at, request in enumerate(asked))
    command = [chosen.detente] if chosen.bare else [chosen.detente, "stix", "lines"]
    answered = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in answered.stdout.splitlines()]
    assert len(answers) == len(asked), f"{len(answers)} answers to {len(asked)} requests"
    explained, unexplained, asked_of = Counter(), [], Counter()
    for at, (request, answer) in enumerate(zip(asked, answers)):
        asked_of[request["op"]] += 1
        assert answer["id"] == at and answer.get("error", {}).get("kind") != "internal", answer
        reference = library(request)
        ours, theirs = comparable(request, answer), comparable(request, reference)
        if ours == theirs:
            continue
        reason = answer.get("error", {}).get("message") or reference.get(ERROR, "")
        name = explain(request, ours, theirs, reason)
        if name:
            explained[name] += 1
        else:
            unexplained.append((request, ours, theirs, reason))
    print(f"{len(asked)} requests:", dict(asked_of))
    for name, count in explained.most_common():
        print(f"{count:6}  {name}")
    stale = [name for name, _ in EXPECTED if not explained[name]] if chosen.data else []
    for name in stale:
        print(f"     0  {name}")
    for request, ours, theirs, reason in unexplained[: chosen.show]:
        print("\nDIFFERENT", json.dumps(request)[:3000], "\n  ours  ", str(ours)[:600],
              "\n  theirs", str(theirs)[:600], "\n  because", reason[:300])
    print(f"{len(unexplained)} unexplained differences")
    sys.exit(bool(unexplained))


if __name__ == "__main__":
    main()
