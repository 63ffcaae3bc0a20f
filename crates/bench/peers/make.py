"""Makes an account, an API root and a collection in an OpenTAXII, and prints how to come to them.

OPENTAXII_CONFIG names its configuration. Its own commands print no ids, so this asks its interface.
"""

import json
import sys

from opentaxii.cli import app

name, password = sys.argv[1:]
with app.app_context():
    auth = app.taxii_server.auth
    auth.api.create_account(username=name, password=password, is_admin=True)
    stored = app.taxii_server.servers.taxii2.persistence.api
    root = stored.add_api_root(title="bench", description=None, default=True)
    collection = stored.add_collection(
        api_root_id=root.id, title="workbench", description=None, alias=None,
        is_public=False, is_public_write=False,
    )
    print(json.dumps({
        "token": auth.authenticate(name, password),
        "root": str(root.id),
        "collection": str(collection.id),
    }))
