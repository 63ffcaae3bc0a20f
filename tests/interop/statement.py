"""Reads statement vectors with other libraries than ours, and judges what they say.

Everything is done anew from the statement format: notes, keys, slips, the seal (age with X-Wing
through HPKE), the payload, commitments, the opening of one item, the ledger's proofs. Only PyCA
`cryptography` (50 or newer) and `zstandard` are used. Vectors that must be refused are left to
the Rust tests.

    python statement.py FILE...
"""

import base64
import hashlib
import hmac
import json
import sys

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TYPES = {"ed25519": b"\x01", "ml-dsa-44": b"\xffdetente/ml-dsa-44", "cosigner": b"\x06"}


def b64(text):
    raw = base64.b64decode(text, validate=True)
    assert base64.b64encode(raw).decode() == text, "base64 is not canonical"
    return raw


def unpadded(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# --- signed notes -------------------------------------------------------------------------------


def note(raw):
    text, _, rest = raw.decode().rpartition("\n\n")
    lines = [line.split(" ") for line in rest.splitlines()]
    assert all(dash == "—" for dash, _, _ in lines)
    return (text + "\n").encode(), [(name, b64(signature)) for _, name, signature in lines]


def verifier_key(text):
    name, key_id, encoded = text.split("+", 2)
    raw = b64(encoded)
    kind = next(kind for kind, prefix in TYPES.items() if raw.startswith(prefix))
    assert sha256(name.encode(), b"\n", raw)[:4].hex() == key_id, "the key id is another"
    return name, bytes.fromhex(key_id), kind, raw[len(TYPES[kind]):]


def verify(kind, key, message, signature):
    if kind == "ed25519":
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    else:
        mldsa.MLDSA44PublicKey.from_public_bytes(key).verify(signature, message)


def check_signed(raw, key):
    text, lines = note(raw)
    name, key_id, kind, public = verifier_key(key)
    ours = [line[4:] for signer, line in lines if signer == name and line[:4] == key_id]
    assert ours, f"{name} has not signed with its {kind} key"
    for signature in ours:
        verify(kind, public, text, signature)


def key_statement(raw):
    text, _ = note(raw)
    lines = text.decode().splitlines()
    assert lines[0] == "detente/keys/v1"
    fields = {}
    for line in lines[1:]:
        word, value = line.split(" ", 1)
        fields.setdefault(word, []).append(value)
    for word in ("root", "sign"):
        for key in fields[word]:
            check_signed(raw, key)
    check_signed(raw, fields["ledger"][0])
    return fields, hashlib.sha256(text).hexdigest()


# --- Merkle trees -------------------------------------------------------------------------------


def leaf(data):
    return sha256(b"\x00", data)


def node(left, right):
    return sha256(b"\x01", left, right)


def root(leaves):
    if not leaves:
        return sha256()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node(root(leaves[:half]), root(leaves[half:]))


def root_by_path(hash_, index, size, path):
    """The definition of RFC 6962, from the root down."""
    if size == 1:
        assert not path, "the path is too long"
        return hash_
    half = 1
    while half * 2 < size:
        half *= 2
    *rest, sibling = path
    if index < half:
        return node(root_by_path(hash_, index, half, rest), sibling)
    return node(sibling, root_by_path(hash_, index - half, size - half, rest))


# --- the seal -----------------------------------------------------------------------------------

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32_data(text):
    values = [CHARSET.index(character) for character in text.lower().rpartition("1")[2][:-6]]
    number = int("".join(f"{value:05b}" for value in values), 2)
    bits = 5 * len(values)
    return (number >> bits % 8).to_bytes(bits // 8, "big")


def hybrid_key(identity):
    seed = hashlib.shake_256(bech32_data(identity)).digest(96)
    return hpke.MLKEM768X25519PrivateKey(
        mlkem.MLKEM768PrivateKey.from_seed_bytes(seed[:64]),
        x25519.X25519PrivateKey.from_private_bytes(seed[64:]),
    )


def hkdf(secret, salt, info):
    return HKDF(hashes.SHA256(), 32, salt, info).derive(secret)


def unseal(sealed, identity):
    end = sealed.index(b"\n---") + 4
    header, (mac_line, body) = sealed[:end], sealed[end:].split(b"\n", 1)
    lines = header.decode().splitlines()
    assert lines[0] == "age-encryption.org/v1" and lines[-1] == "---"
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
    key, file_key = hybrid_key(identity), None
    for stanza, wrapped in zip(lines[1:-1:2], lines[2:-1:2]):
        arrow, name, enc = stanza.split(" ")
        assert (arrow, name) == ("->", "mlkem768x25519"), "a stanza that is not hybrid"
        try:
            sealed_key = unpadded(enc) + unpadded(wrapped)
            file_key = suite.decrypt(sealed_key, key, b"age-encryption.org/mlkem768x25519")
            break
        except Exception:  # of another recipient
            continue
    assert file_key, "no stanza is for this identity"
    mac = hmac.digest(hkdf(file_key, None, b"header"), header, "sha256")
    assert hmac.compare_digest(mac, unpadded(mac_line.decode().strip())), "the header's MAC is wrong"
    nonce, body = body[:16], body[16:]
    cipher = ChaCha20Poly1305(hkdf(file_key, nonce, b"payload"))
    chunks = [body[at : at + 65_552] for at in range(0, len(body), 65_552)]
    out = b""
    for count, chunk in enumerate(chunks):
        last = count + 1 == len(chunks)
        out += cipher.decrypt(count.to_bytes(11, "big") + bytes([last]), chunk, None)
    return out


# --- the payload --------------------------------------------------------------------------------


def payload(plain):
    first, rest = plain.split(b"\n", 1)
    version, coding, size, encoded = first.decode().split(" ")
    assert version == "detente/payload/v1"
    body, padding = rest[: int(encoded)], rest[int(encoded):]
    assert not any(padding), "the padding is not zero"
    if coding == "zstd":
        body = zstandard.ZstdDecompressor().decompress(body, max_output_size=int(size))
    assert len(body) == int(size)
    seed, header, items, at = None, None, [], 0
    while at < len(body):
        end = body.index(b"\n", at)
        words, at = body[at:end].decode().split(" "), end + 1
        if words[0] == "seed":
            seed = b64(words[1])
        elif words[0] == "withheld":
            items.append({"withheld": words[1]})
        else:
            length = int(words[-1])
            data, at = body[at : at + length], at + length + 1
            if words[0] == "header":
                header = data
            else:
                items.append({"kind": words[1], "data": data})
    return seed, header, items


def commitment(label, salt, data):
    return sha256(label.encode(), b"\x00", salt, data)


def item_commitment(salt, kind, data):
    return commitment("detente/item/v1", salt, kind.encode() + b"\x00" + data)


def items_commitment(salt, count, root_):
    return commitment("detente/items/v1", salt, str(count).encode() + b"\n" + root_)


# --- a vector -----------------------------------------------------------------------------------


def manifest(raw):
    text, _ = note(raw)
    version, *lines = text.decode().splitlines()
    assert version == "detente/statement/v1"
    fields = dict(line.split(" ", 1) for line in lines)
    words = ["from", "time", "keys", "payload", "header", "items", "to"]
    assert list(fields) == words and len(lines) == len(words)
    return fields, hashlib.sha256(text).hexdigest()


def check_slip(raw, fields, me):
    version, *lines = raw.decode().splitlines()
    assert version == "detente/slip/v1"
    proof = [b64(line[6:]) for line in lines if line.startswith("proof ")]
    slip = dict(line.split(" ", 1) for line in lines if not line.startswith("proof "))
    assert slip["to"] == me
    entry = "\n".join(slip[word] for word in ("to", "agreement", "number", "prev")).encode()
    hash_ = leaf(commitment("detente/to/v1", b64(slip["salt"]), entry))
    root_, count = fields["to"].split(" ")
    assert root_by_path(hash_, int(slip["index"]), int(count), proof) == b64(root_)
    return slip


def check_accepted(vector):
    raw = b64(vector["manifest"])
    fields, id_ = manifest(raw)
    held = b64(vector["keys"][fields["from"]][fields["keys"]])
    keys, fingerprint = key_statement(held)
    assert vector.get("fingerprint", fingerprint) == fingerprint
    for key in keys["sign"]:
        check_signed(raw, key)
    sealed = b64(vector["payload"])
    digest, size = fields["payload"].split(" ")
    assert (sha256(sealed), len(sealed)) == (b64(digest), int(size))
    slip = check_slip(b64(vector["slip"]), fields, vector["me"])
    seed, header, items = payload(unseal(sealed, vector["identity"]))
    salt = lambda name: hmac.digest(seed, name.encode(), "sha256")
    assert commitment("detente/header/v1", salt("header"), header) == b64(fields["header"])
    commitments = [
        b64(item["withheld"])
        if "withheld" in item
        else item_commitment(salt(f"item/{place}"), item["kind"], item["data"])
        for place, item in enumerate(items)
    ]
    tree = root([leaf(one) for one in commitments])
    assert items_commitment(salt("items"), len(items), tree) == b64(fields["items"])
    opened = vector["opened"]
    assert (opened["id"], opened["number"], opened["prev"]) == (
        id_, int(slip["number"]), slip["prev"],
    )
    assert (b64(opened["header"]), b64(opened["seed"])) == (header, seed)
    assert [b64(one) for one in opened["commitments"]] == commitments
    told = [one if "withheld" in one else {**one, "data": b64(one["data"])} for one in opened["items"]]
    assert told == items
    return fields, items, keys


def check_opening(vector, fields, items):
    opening = vector["opening"]
    place = opening["index"]
    hash_ = leaf(item_commitment(b64(opening["salt"]), items[place]["kind"], items[place]["data"]))
    tree = root_by_path(hash_, place, opening["count"], [b64(one) for one in opening["proof"]])
    assert items_commitment(b64(opening["items_salt"]), opening["count"], tree) == b64(fields["items"])


def check_ledger(ledger, keys):
    entries = [b64(entry) for entry in ledger["entries"]]
    leaves = [leaf(entry) for entry in entries]
    text, lines = note(b64(ledger["checkpoint"]))
    origin, size, root_ = text.decode().splitlines()
    assert (int(size), b64(root_)) == (len(leaves), root(leaves))
    check_signed(b64(ledger["checkpoint"]), keys["ledger"][0])
    name, key_id, kind, public = verifier_key(keys["ledger"][1])
    stamped = next(line[4:] for signer, line in lines if signer == name and line[:4] == key_id)
    seconds, signature = stamped[:8], stamped[8:]
    # tlog-cosignature, type 0x06: the signed subtree is the whole tree.
    message = (
        b"subtree/v1\n\x00" + bytes([len(name)]) + name.encode() + seconds
        + bytes([len(origin)]) + origin.encode() + bytes(8) + int(size).to_bytes(8, "big")
        + b64(root_)
    )
    verify(kind, public, message, signature)
    path = [b64(one) for one in ledger["inclusion"]]
    place = ledger["index"]
    assert root_by_path(leaves[place], place, len(leaves), path) == b64(root_)
    assert root(leaves[: ledger["old_size"]]) == b64(ledger["old_root"])


def main(paths):
    tried = 0
    for path in paths:
        with open(path, encoding="utf-8") as file:
            vector = json.load(file)
        if vector.get("expect") != "accept":
            continue
        try:
            fields, items, keys = check_accepted(vector)
            if "opening" in vector:
                check_opening(vector, fields, items)
            if "ledger" in vector:
                check_ledger(vector["ledger"], keys)
        except (AssertionError, InvalidSignature, KeyError, ValueError) as error:
            sys.exit(f"{path}: {error!r}")
        tried += 1
    assert tried, "no vector was to be accepted"
    print(f"{tried} statements read and proven by other libraries")


main(sys.argv[1:])
