"""Accounts that differ in rights, in both directions, by taxii2-client and stix2.

Usage: taxii_rights.py BASE TOKEN READER PASSWORD    (a desk, its operator's token, a reading account)

Makes objects with the operator's token in the local collection, reads them as the reader by Basic,
shows that the reader writes nothing, walks versions, deletes, and finds nothing afterwards.
Exits non-zero when anything does not hold.
"""

import json
import sys

import stix2
from requests.exceptions import HTTPError
from taxii2client.common import TokenAuth
from taxii2client.exceptions import AccessError
from taxii2client.v21 import Server, as_pages


def local(server: Server):
    root = next(r for r in server.api_roots if r.url.rstrip("/").endswith("/local"))
    return root.collections[0]


def status_of(call) -> int:
    try:
        call()
    except HTTPError as error:
        return error.response.status_code
    except AccessError:
        return 403  # The client asks can_read and can_write first, and believes them.
    return 200


def main(base: str, token: str, reader: str, password: str) -> None:
    own = local(Server(f"{base}/taxii2/", auth=TokenAuth(token)))
    read = local(Server(f"{base}/taxii2/", user=reader, password=password))
    assert own.can_read and own.can_write and read.can_read and not read.can_write
    tools = [stix2.Tool(name=f"An invented kettle {n}") for n in range(12)]
    status = own.add_objects({"objects": [json.loads(t.serialize()) for t in tools]})
    assert (status.status, status.success_count) == ("complete", 12), status
    newer = tools[0].new_version(name="A repaired kettle")
    stix2.TAXIICollectionSink(own).add(newer)
    assert status_of(lambda: read.add_objects({"objects": []})) == 403
    source = stix2.TAXIICollectionSource(read)
    assert source.get(newer.id) == newer
    assert len(source.all_versions(newer.id)) == 2
    wanted = {t.id for t in tools}
    pages = as_pages(read.get_objects, per_request=5)
    seen = [o["id"] for page in pages for o in page.get("objects", [])]
    assert wanted <= set(seen) and len(seen) == len(set(seen)), "an object is missing or doubled"
    manifest = [o["id"] for page in as_pages(read.get_manifest, per_request=5) for o in page["objects"]]
    assert manifest == seen, "manifest and objects differ"
    versions = read.object_versions(newer.id)["versions"]
    assert len(versions) == 2, versions
    assert status_of(lambda: read.delete_object(newer.id)) == 403
    for tool in tools:
        own.delete_object(tool.id)
    assert status_of(lambda: read.get_object(newer.id)) == 404
    rest = {o["id"] for page in as_pages(read.get_objects) for o in page.get("objects", [])}
    assert not (wanted & rest), "a deleted object is still served"
    print(f"taxii2-client and stix2: {len(tools)} objects written, versioned, read by another, deleted")


if __name__ == "__main__":
    main(*sys.argv[1:])
