// age beside ours: unpacks the CCTV vectors (npm cctv-age), opens what was sealed here and seals
// files to be opened here (npm age-encryption). Run by `cargo xtask interop`.
//
//   node age.mjs DIR    DIR/ours was written by the Rust tests; DIR/cctv and DIR/theirs are made

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import assert from "node:assert";
import * as age from "age-encryption";
import * as vectors from "cctv-age";

const dir = process.argv[2];
const passphrase = "lamp oil";
const plaintext = (length) => Uint8Array.from({ length }, (_, place) => place % 251);

/** Writes each vector as its textual head and the file itself, decompressed. */
function unpackVectors(folder) {
  mkdirSync(folder, { recursive: true });
  const all = Object.entries(vectors).filter(([, bytes]) => bytes instanceof Uint8Array);
  for (const [name, bytes] of all) {
    const end = Buffer.from(bytes).indexOf("\n\n") + 2;
    const head = Buffer.from(bytes.subarray(0, end));
    const body = Buffer.from(bytes.subarray(end));
    const packed = head.toString().includes("compressed: zlib");
    writeFileSync(join(folder, name), Buffer.concat([head, packed ? inflateSync(body) : body]));
  }
  return all.length;
}

/** Opens every file that was sealed here, with its key and with the passphrase. */
async function openOurs(folder) {
  const keys = readdirSync(folder).filter((name) => name.endsWith(".key"));
  assert(keys.length >= 5, "the Rust tests wrote nothing");
  for (const name of keys) {
    const length = Number(name.replace(".key", ""));
    const file = (end) => readFileSync(join(folder, `${length}.${end}`));
    const withKey = new age.Decrypter();
    withKey.addIdentity(file("key").toString());
    assert.deepEqual(await withKey.decrypt(file("age")), plaintext(length));
    const withPassphrase = new age.Decrypter();
    withPassphrase.addPassphrase(passphrase);
    assert.deepEqual(await withPassphrase.decrypt(file("passphrase.age")), plaintext(length));
  }
  return keys.map((name) => Number(name.replace(".key", "")));
}

/** Seals the same plaintexts with keys made here. */
async function sealTheirs(folder, lengths) {
  mkdirSync(folder, { recursive: true });
  for (const length of lengths) {
    const keep = (end, bytes) => writeFileSync(join(folder, `${length}.${end}`), bytes);
    const identity = await age.generateHybridIdentity();
    const recipient = await age.identityToRecipient(identity);
    const toKey = new age.Encrypter();
    toKey.addRecipient(recipient);
    keep("key", identity);
    keep("recipient", recipient);
    keep("age", await toKey.encrypt(plaintext(length)));
    const toPassphrase = new age.Encrypter();
    toPassphrase.setScryptWorkFactor(10);
    toPassphrase.setPassphrase(passphrase);
    keep("passphrase.age", await toPassphrase.encrypt(plaintext(length)));
  }
}

const unpacked = unpackVectors(join(dir, "cctv"));
const lengths = await openOurs(join(dir, "ours"));
await sealTheirs(join(dir, "theirs"), lengths);
console.log(`${unpacked} vectors unpacked; ${lengths.length} sizes opened and sealed`);
