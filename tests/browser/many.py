"""Fills a node's database with many releases, and measures the console over it.

Usage: many.py fill DIR COUNT       (the node is not running; it has an agreement in force)
       many.py measure ORIGIN LOGIN-PATH [ROUNDS]

`fill` writes releases with their statements, deliveries and journal lines, an hour of them today.
`measure` logs in by a one-time link and prints p50 and p99 of each page, as the client sees them.
"""

import hashlib
import http.client
import sqlite3
import statistics
import sys
import time
import uuid
from urllib.parse import urlencode, urlparse

DAY_MS = 86_400_000


def fill(directory: str, count: int) -> None:
    store = sqlite3.connect(f"{directory}/node.db")
    agreement, parties = store.execute(
        "SELECT id, parties FROM agreement WHERE state = 'in-force' LIMIT 1").fetchone()
    partner = store.execute("SELECT name FROM partner LIMIT 1").fetchone()[0]
    first = store.execute("SELECT coalesce(max(number), 0) FROM pair WHERE out = 1").fetchone()[0]
    now = int(time.time() * 1000)
    states = ["taken-in"] * 90 + ["taken-in-with-findings"] * 5 + ["refused", "returned"] + ["recalled"] * 3
    for number in range(count):
        at = now - (count - number) * (30 * DAY_MS // count)
        release = str(uuid.uuid4())
        statement = hashlib.sha256(release.encode()).hexdigest()
        state, rank = states[number % 100], (number * 7) % 4
        store.execute("INSERT INTO release VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", (
            release, agreement, "counter-terrorism", state, rank, "actual", "operator", None, at, at,
            statement, "ART-1", None, 3, 900, None))
        store.execute("INSERT INTO statement VALUES (?,1,NULL,?,?,?,?,?,?,?,?,?,?,NULL,NULL,?,'')", (
            statement, agreement, "release", "counter-terrorism", rank, b"m" * 900, b"h" * 700,
            b"s" * 32, b"c" * 96, 1200, at, release))
        store.execute("INSERT INTO delivery VALUES (?,?,?,?,?,?,?,'receipted',1,?,NULL,?,NULL,NULL,?)", (
            statement, partner, agreement, first + number + 1, b"slip", rank, "release", at,
            "taken-in", at))
        store.execute("INSERT INTO pair VALUES (?,?,1,?,?)", (partner, agreement, first + number + 1, statement))
        for event in ("release.drafted", "release.sealed", "receipt.received"):
            store.execute("INSERT INTO journal (at, actor, event, partner, statement, release, detail)"
                          " VALUES (?,?,?,?,?,?,'')", (at, "operator", event, partner, statement, release))
    store.commit()
    print(f"{count} releases filled in")


def measure(origin: str, link: str, rounds: int) -> None:
    where = urlparse(origin)
    wire = http.client.HTTPConnection(where.hostname, where.port)

    def ask(method: str, path: str, headers: dict, body: str | None = None):
        wire.request(method, path, body=body, headers=headers)
        answer = wire.getresponse()
        return answer, answer.read()

    answer, _ = ask("POST", link, {"Content-Type": "application/x-www-form-urlencoded"}, urlencode({}))
    cookie = answer.getheader("set-cookie").split(";")[0]
    headers = {"Cookie": cookie}
    _, listed = ask("GET", "/releases", headers)
    text = listed.decode()
    one = text.split('href="/releases/')[1].split('"')[0]
    older = text.split('href="/releases?before=')[1].split('"')[0]
    pages = ["/desk", "/releases", "/releases?before=" + older, "/releases?state=taken-in",
             "/releases?state=stopped", "/releases/" + one, "/statements", "/partners",
             "/collections", "/compose", "/settings", "/accounts"]
    for page in pages:
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            answer, body = ask("GET", page, headers)
            times.append((time.perf_counter() - start) * 1000)
            assert answer.status == 200, (page, answer.status)
        times.sort()
        name = page if len(page) < 40 else page[:30] + "…"
        print(f"{name:40} p50 {statistics.median(times):6.2f} ms  p99 {times[int(len(times) * 0.99) - 1]:6.2f} ms  {len(body):7} bytes")


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(sys.argv[2], int(sys.argv[3]))
    else:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 200)
