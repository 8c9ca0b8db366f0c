"""What the checking scripts share: deterministic CBOR, P-256 verification and the hash of an entry.

Nothing here is of Chuangping's code: Python's standard library only. docs/protocol.md has the formulas.
"""

import hashlib
import zlib

ENTRY_TAG = b"chuangping entry v1\n"
HEAD_TAG = b"chuangping head v1\n"
RECEIPT_TAG = b"chuangping receipt v1\n"


class Fault(Exception):
    pass


# --- CBOR, RFC 8949, only what the protocol uses, only in core deterministic encoding (section 4.2.1) ---


def read_item(data, at):
    """One item from data[at:]: its value and where the next one begins."""
    if at >= len(data):
        raise Fault("the bytes end too early")
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        if info not in (20, 21):
            raise Fault("simple value %d is not used by the protocol" % info)
        return info == 21, at
    if info < 24:
        number = info
    elif info < 28:
        size = 1 << (info - 24)
        number = int.from_bytes(take(data, at, size), "big")
        at += size
        if number < (24 if size == 1 else 1 << (4 * size)):
            raise Fault("a number takes more bytes than it needs")
    else:
        raise Fault("indefinite lengths are not deterministic")
    if major == 0:
        return number, at
    if major == 1:
        return -1 - number, at
    if major == 2:
        return take(data, at, number), at + number
    if major == 3:
        try:
            return take(data, at, number).decode("utf-8"), at + number
        except UnicodeDecodeError:
            raise Fault("a text is not UTF-8")
    if major == 4:
        items = []
        for _ in range(number):
            item, at = read_item(data, at)
            items.append(item)
        return items, at
    if major == 5:
        pairs, last = {}, b""
        for _ in range(number):
            start = at
            name, at = read_item(data, at)
            if not isinstance(name, str) or data[start:at] <= last:
                raise Fault("names of a map are not texts in bytewise order")
            last = data[start:at]
            pairs[name], at = read_item(data, at)
        return pairs, at
    raise Fault("tags are not used by the protocol")


def take(data, at, size):
    if at + size > len(data):
        raise Fault("the bytes end too early")
    return data[at : at + size]


def read_cbor(data):
    value, at = read_item(data, 0)
    if at != len(data):
        raise Fault("there are bytes behind the end")
    return value


BATCH_BYTES_MAX = 262144


def read_batch(data):
    """A batch as it travels: plain, or packed as raw DEFLATE."""
    if len(data) > BATCH_BYTES_MAX:
        raise Fault("a batch has more than %d bytes" % BATCH_BYTES_MAX)
    batch = read_cbor(data)
    if not isinstance(batch, dict) or set(batch) != {"packed", "version"}:
        return batch
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(batch["packed"], BATCH_BYTES_MAX + 1)
    except zlib.error as error:
        raise Fault("a packed batch does not inflate: %s" % error)
    if len(inflated) > BATCH_BYTES_MAX:
        raise Fault("a packed batch inflates to more than %d bytes" % BATCH_BYTES_MAX)
    if not inflater.eof or inflater.unused_data:
        raise Fault("a packed batch does not end where its bytes do")
    return read_cbor(inflated)


def write_cbor(value):
    if isinstance(value, bool):
        return bytes([0xF5 if value else 0xF4])
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode("utf-8")
        return head(3, len(text)) + text
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(write_cbor, value))
    pairs = sorted((write_cbor(name), write_cbor(child)) for name, child in value.items())
    return head(5, len(value)) + b"".join(name + child for name, child in pairs)


def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    raise Fault("a number is too big")


def readable(value):
    """Byte strings as the JSON files write them: h'00ff'."""
    if isinstance(value, bytes):
        return "h'%s'" % value.hex()
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, dict):
        return {name: readable(child) for name, child in value.items()}
    return value


# --- ECDSA over P-256 with SHA-256 (FIPS 186-5), verification only ---

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
A = P - 3
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
SPKI_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")


def add(one, two):
    """The sum of two points; None is the point at infinity."""
    if one is None or two is None:
        return one or two
    (x1, y1), (x2, y2) = one, two
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    if one == two:
        slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P) % P
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P) % P
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def times(number, point):
    total = None
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def read_key(spki):
    """The point of a P-256 SubjectPublicKeyInfo."""
    x, y = int.from_bytes(spki[-64:-32], "big"), int.from_bytes(spki[-32:], "big")
    if spki[:-64] != SPKI_P256 or (y * y - x * x * x - A * x - B) % P != 0:
        raise Fault("not a P-256 public key")
    return x, y


def is_signed(message, signature, key):
    """Whether the 64 bytes r || s are a signature over the message by the key."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or not (0 < r < N and 0 < s < N):
        return False
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    inverse = pow(s, -1, N)
    point = add(times(digest * inverse % N, G), times(r * inverse % N, key))
    return point is not None and point[0] % N == r


# --- the chain ---


def entry_hash(box, epoch, seq, previous, entry):
    name = box.encode("ascii")
    head_bytes = ENTRY_TAG + bytes([len(name)]) + name + epoch + seq.to_bytes(8, "big") + previous
    return hashlib.sha256(head_bytes + entry).digest()
