#!/usr/bin/env python3
"""Checks the digest of one hall and day of Chuangping without any of Chuangping's code.

    python3 scripts/check-digest.py FILE [--key COLLECTOR.pem]

FILE is what `chuangping digest export` wrote. Checked are: the Merkle tree hash (RFC 6962) over the leaves
against the digest's entry, hall, day and count, the hash chain from before the digests of that day to the
last of them, and the signature over that. Without --key the key in FILE is taken, and its fingerprint is
printed: compare it with the one the collector's operator published. Exit code 0 when all of it holds.
docs/protocol.md section 10 has the formulas.
"""

import argparse
import base64
import hashlib
import json
import sys

from chuangping_check import HEAD_TAG, Fault, entry_hash, is_signed, read_cbor, read_key


def leaf_hash(leaf):
    box, epoch, seq, entry = leaf
    name = box.encode("ascii")
    data = bytes([len(name)]) + name + bytes.fromhex(epoch) + seq.to_bytes(8, "big") + bytes.fromhex(entry)
    return hashlib.sha256(b"\x00" + data).digest()


def tree_hash(leaves):
    """RFC 6962 section 2.1, from hashes of leaves."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + tree_hash(leaves[:split]) + tree_hash(leaves[split:])).digest()


def check(file, spki):
    """The body of the digest when all of it holds; raises at the first thing that does not."""
    if file.get("format") != "chuangping digest" or file.get("version") != 1:
        raise Fault("the file is no digest of version 1")
    digest = file["digest"]
    entries = [bytes.fromhex(entry) for entry in digest["entries"]]
    body = None
    for entry in entries:
        value = read_cbor(entry)
        if value["kind"] != "digest":
            raise Fault("an entry of the batch is no digest")
        if (value["body"]["hall"], value["body"]["day"]) == (file["hall"], file["day"]):
            body = value["body"]
    if body is None:
        raise Fault("there is no digest of hall %s for %s in it" % (file["hall"], file["day"]))
    if body["entries"] != len(file["leaves"]):
        raise Fault("the digest counts %d entries, there are %d leaves" % (body["entries"], len(file["leaves"])))
    root = tree_hash([leaf_hash(leaf) for leaf in file["leaves"]])
    if root != body["root"]:
        raise Fault("the leaves give another root than the digest says")
    previous = bytes.fromhex(digest["previous"])
    epoch = bytes.fromhex(digest["epoch"])
    for seq, entry in enumerate(entries, digest["first"]):
        previous = entry_hash("collector", epoch, seq, previous, entry)
    if not is_signed(HEAD_TAG + previous, bytes.fromhex(digest["signature"]), read_key(spki)):
        raise Fault("the collector's signature does not hold")
    return body


def read_pem(path):
    with open(path, encoding="ascii") as file:
        lines = [line.strip() for line in file if "-----" not in line]
    return base64.b64decode("".join(lines))


def main():
    parser = argparse.ArgumentParser(description="Checks the digest of one hall and day.")
    parser.add_argument("file")
    parser.add_argument("--key", help="the collector's public key, PEM")
    options = parser.parse_args()
    try:
        with open(options.file, encoding="utf-8") as file:
            content = json.load(file)
        spki = read_pem(options.key) if options.key else bytes.fromhex(content["key"])
        body = check(content, spki)
    except (Fault, KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as fault:
        print("FAULT  %s: %s" % (type(fault).__name__, fault))
        return 1
    print("ok  hall %s, %s: %d entries, root %s" % (body["hall"], body["day"], body["entries"], body["root"].hex()))
    whose = "given by --key" if options.key else "taken from the file: compare its fingerprint"
    print("ok  signed by the collector's key %s (%s)" % (hashlib.sha256(spki).hexdigest(), whose))
    return 0


if __name__ == "__main__":
    sys.exit(main())
