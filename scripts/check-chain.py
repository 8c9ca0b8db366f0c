#!/usr/bin/env python3
"""Checks a chain of Chuangping without any of Chuangping's code: Python's standard library only.

    python3 scripts/check-chain.py [FOLDER]

FOLDER holds keys.json, chains.json, batches.json and receipts.json as test/vectors/ does (the default),
and may hold packed.json; batches.json may hold packed batches too. Checked are: deterministic CBOR, the
values against the bytes, numbers without holes, every hash, the P-256 signature of every batch and receipt.
Exit code 0 when all of it holds; 1 with one line for each fault, which names the file and the entry.
docs/protocol.md has the formulas.
"""

import json
import pathlib
import sys

from chuangping_check import (
    HEAD_TAG,
    RECEIPT_TAG,
    Fault,
    entry_hash,
    is_signed,
    read_batch,
    read_cbor,
    read_key,
    readable,
    write_cbor,
)


def check_chain(chain):
    """The hash of every entry, by number; raises at the first one that does not hold."""
    box, epoch, previous = chain["box"], bytes.fromhex(chain["epoch"]), bytes(32)
    hashes = {}
    for place, vector in enumerate(chain["entries"], 1):
        try:
            if vector["seq"] != place:
                raise Fault("its number is %s, expected %d" % (vector["seq"], place))
            exact = bytes.fromhex(vector["bytes"])
            if readable(read_cbor(exact)) != vector["entry"]:
                raise Fault("its bytes are not the values written beside them")
            previous = entry_hash(box, epoch, place, previous, exact)
            if previous.hex() != vector["hash"]:
                raise Fault("its hash does not follow from its bytes and the entry before it")
        except Fault as fault:
            raise Fault("%s entry %d: %s" % (box, place, fault))
        hashes[place] = previous
    return hashes


def check_batch(vector, hashes, key):
    """How many entries the batch carries; they continue the chain and are signed by the box."""
    batch = read_batch(bytes.fromhex(vector["bytes"]))
    first, previous = batch["first"], batch["previous"]
    if previous != hashes.get(first - 1, bytes(32)):
        raise Fault("%s batch from %d: it does not hang onto entry %d" % (batch["box"], first, first - 1))
    for seq, entry in enumerate(batch["entries"], first):
        previous = entry_hash(batch["box"], batch["epoch"], seq, previous, entry)
        if previous != hashes.get(seq):
            raise Fault("%s batch from %d: entry %d is not the one of the chain" % (batch["box"], first, seq))
    if not is_signed(HEAD_TAG + previous, batch["signature"], key):
        raise Fault("%s batch from %d: its signature does not hold" % (batch["box"], first))
    return len(batch["entries"])


def check_packed(vector):
    """A batch as it travelled is the batch beside it."""
    if read_batch(bytes.fromhex(vector["packed"])) != read_cbor(bytes.fromhex(vector["bytes"])):
        raise Fault("a packed batch is not the batch written beside it")
    return True


def check_receipt(vector, hashes, key):
    receipt = read_cbor(bytes.fromhex(vector["bytes"]))
    signature = receipt.pop("signature")
    where = "%s receipt up to %s" % (receipt["box"], receipt["seq"])
    if receipt["hash"] != hashes.get(receipt["seq"]):
        raise Fault("%s: it names another hash than the chain" % where)
    if not is_signed(RECEIPT_TAG + write_cbor(receipt), signature, key):
        raise Fault("%s: its signature does not hold" % where)


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "test" / "vectors"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    faults = []

    def load(name):
        return json.loads((folder / name).read_text(encoding="utf-8"))

    def check(name, step):
        try:
            return step()
        except (Fault, KeyError, ValueError) as fault:
            faults.append("%s: %s" % (name, fault))
            return None

    keys = load("keys.json")
    box_key = check("keys.json", lambda: read_key(bytes.fromhex(keys["box"]["public"])))
    collector_key = check("keys.json", lambda: read_key(bytes.fromhex(keys["collector"]["public"])))
    chains = {}
    for chain in load("chains.json"):
        hashes = check("chains.json", lambda: check_chain(chain))
        if hashes is not None:
            chains[chain["box"]] = hashes
            print("ok  chain of %s: %d entries" % (chain["box"], len(hashes)))

    def hashes_of(vector):
        return chains.get(read_batch(bytes.fromhex(vector["bytes"]))["box"], {})

    if box_key and collector_key:
        for vector in load("batches.json"):
            carried = check("batches.json", lambda: check_batch(vector, hashes_of(vector), box_key))
            if carried:
                print("ok  batch of %d, signed by the box" % carried)
        for vector in load("receipts.json"):
            before = len(faults)
            check("receipts.json", lambda: check_receipt(vector, hashes_of(vector), collector_key))
            if len(faults) == before:
                print("ok  receipt, signed by the collector")
    if (folder / "packed.json").exists():
        for vector in load("packed.json"):
            if check("packed.json", lambda: check_packed(vector)):
                print("ok  packed batch, the same as the batch")
    if not chains and not faults:
        faults.append("chains.json: there is nothing to check")
    for fault in faults:
        print("FAULT  %s" % fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
