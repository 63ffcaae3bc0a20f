"""Drives two running nodes with taxii2-client and stix2, as analysts' tools would.

Usage: taxii.py DIR_A DIR_B    (data directories of two nodes that share an agreement in force)

Posts a bundle at A with stix2's sink, waits for its status, and reads it at B with stix2's source
and taxii2-client. Exits non-zero when anything does not hold.
"""

import re
import sys
import time
from pathlib import Path

import stix2
from taxii2client.common import TokenAuth
from taxii2client.v21 import Server, as_pages


def server(directory: str) -> Server:
    folder = Path(directory)
    desk = re.search(r'^desk = "(.*)"', (folder / "node.toml").read_text(), re.M).group(1)
    token = (folder / "keys/desk.token").read_text()
    return Server(f"http://{desk}/taxii2/", auth=TokenAuth(token))


def collection(node: Server, flow: str):
    found = [c for root in node.api_roots for c in root.collections if c.title.endswith(flow)]
    assert found, f"no {flow} collection"
    return found[0]


def main(a: str, b: str) -> None:
    outgoing, incoming = collection(server(a), "outgoing"), collection(server(b), "incoming")
    assert outgoing.can_write and outgoing.can_read
    assert incoming.can_read and not incoming.can_write
    tool = stix2.Tool(name="An invented kettle")
    stix2.TAXIICollectionSink(outgoing).add(tool)
    status = outgoing.add_objects({"objects": [{"type": "tool", "id": "tool--broken"}]})
    assert (status.status, status.failure_count) == ("complete", 1), status
    source = stix2.TAXIICollectionSource(incoming)
    for _ in range(200):
        if (arrived := source.get(tool.id)) is not None:
            break
        time.sleep(0.05)
    assert arrived == tool, arrived
    ids = [o["id"] for page in as_pages(incoming.get_objects, per_request=7) for o in page["objects"]]
    assert len(ids) == len(set(ids)), "an object was read twice"
    manifest = [o["id"] for page in as_pages(incoming.get_manifest, per_request=7) for o in page["objects"]]
    assert manifest == ids, "manifest and objects differ"
    print(f"taxii2-client and stix2: {len(ids)} objects read at B, 1 posted at A")


if __name__ == "__main__":
    main(*sys.argv[1:])
