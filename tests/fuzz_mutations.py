"""Damage that files come to: by chance, by half-finished copies, by hands that edit them, and by malice."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Callable, Sequence

Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]

MOST_BYTES = 300_000
_INTERESTING = (0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 254, 255)
_NUMBERS = (0, 1, 2, 3, 31, 32, 255, 256, 4095, 16383, 16384, 32767, 32768, 65535, 65536, 10**6, 2**24, 2**31 - 1)
_LARGE = (*_NUMBERS, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**64 - 1, 10**12)


def damage(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return `data` with one to six of the damages that any file can come to."""
    steps: Sequence[Mutation] = (
        _flip, _flip, _flip, _byte, _byte, _number, _number, _number, _cut, _drop, _repeat, _insert, _splice, _swap
    )  # fmt: skip
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))):
        data = rng.choice(steps)(rng, data, others)[:MOST_BYTES]
    return data


def _place(rng: random.Random, data: bytes) -> int:
    """Return a place in `data`; half of the time near its beginning, where headers are."""
    reach = min(len(data), 200) if rng.random() < 0.5 else len(data)
    return rng.randrange(reach) if reach else 0


def _flip(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = _place(rng, data)
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _byte(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at = _place(rng, data)
    return data[:at] + bytes([rng.choice((rng.choice(_INTERESTING), rng.randrange(256)))]) + data[at + 1 :]


def _number(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at, kind = _place(rng, data), rng.choice(("<H", ">H", "<I", ">I", "<I", ">I", "<Q", ">Q"))
    bits = 8 * struct.calcsize(kind)
    number = struct.pack(kind, rng.choice(_LARGE) % 2**bits)
    return data[:at] + number + data[at + len(number) :]


def _cut(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _drop(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at = _place(rng, data)
    return data[:at] + data[at + rng.choice((1, 2, 4, 8, 64, 512)) :]


def _repeat(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at, length = _place(rng, data), rng.choice((1, 4, 16, 64, 256))
    return data[:at] + data[at : at + length] * rng.choice((2, 3, 50)) + data[at + length :]


def _insert(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at, length = _place(rng, data), rng.choice((1, 2, 4, 16, 100))
    filling = rng.choice((b"\0" * length, b"\xff" * length, rng.randbytes(length)))
    return data[:at] + filling + data[at:]


def _splice(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others) if others else data
    return data[: _place(rng, data)] + other[_place(rng, other) :]


def _swap(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    first, second = sorted((_place(rng, data), _place(rng, data)))
    length = min(rng.choice((1, 4, 32)), second - first)
    one, two = data[first : first + length], data[second : second + length]
    return data[:first] + two + data[first + length : second] + one + data[second + length :]


def mend_png(data: bytes) -> bytes:
    """Return a PNG whose chunks have the right checksums again: else no reader looks at what is in them."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    out, at = [data[:8]], 8
    while at + 12 <= len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + size]
        if at + 12 + size > len(data):
            break
        out.append(data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body)))
        at += 12 + size
    return b"".join(out) + data[at:]


CELLS = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e999", "-1", "-0.0", "0", "1", "5", "5.5", "1e308", "1e-320", "0x10",
    "1_000", "٣", "½", "1,5", "9" * 30, "9" * 5000, "-" + "9" * 400, "true", "null", "None", "\0", "\ufeff", "\u2028",
    '"', '""', '"\n"', "'", "a" * 3000, "\t", ";", "AU12_r", "time_s", "e", "+", "1e", "1e5", "1e15", "1e16",
    "99:99:99:99",    "00:00:00:00.000", "../..", "@", "=", "\x1b[31m", "\ud800",
)  # fmt: skip


def edit_table(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a table of text with cells, columns or rows that somebody got wrong."""
    separator = rng.choice((",", ",", ",", ";", "\t"))
    rows = [line.split(",") for line in data.decode("utf-8", "surrogateescape").splitlines()] or [[""]]
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        row = rng.choice(rows[: rng.choice((1, len(rows)))])
        at = rng.randrange(len(row)) if row else 0
        what = rng.randrange(9)
        if what <= 2 and row:
            row[at] = rng.choice(CELLS)
        elif what == 3 and row:
            row[at] = repr(rng.uniform(-2, 7))
        elif what == 4:
            del row[at : at + rng.choice((1, 2, len(row)))]
        elif what == 5:
            row[at:at] = row[at : at + 2]
        elif what == 6:
            rows[rng.randrange(len(rows) + 1) : 0] = [list(rng.choice(rows))] * rng.choice((1, 2, 300))
        elif what == 7 and len(rows) > 1:
            del rows[rng.randrange(len(rows))]
        else:
            other = rng.choice(others).decode("utf-8", "surrogateescape").splitlines()
            rows.insert(rng.randrange(len(rows) + 1), rng.choice(other or [""]).split(","))
        rows = rows[:2000] or [[""]]
    end = rng.choice(("\n", "\n", "\n", "\r\n", "\r", ""))
    return "".join(separator.join(row) + end for row in rows).encode("utf-8", "surrogatepass")[:MOST_BYTES]


def edit_words(rng: random.Random, data: bytes, others: Sequence[bytes], words: Sequence[str]) -> bytes:
    """Return a text in which words are left out, repeated, moved or replaced, some by those of a dictionary."""
    text = data.decode("utf-8", "surrogateescape")
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at, length = rng.randrange(len(text) + 1), rng.choice((0, 0, 1, 1, 2, 5, 20))
        filling = rng.choice(
            ("", rng.choice(words), rng.choice(CELLS), text[at : at + 8], chr(rng.randrange(1, 0x3000)))
        )
        text = text[:at] + filling + text[at + length :]
    return text.encode("utf-8", "surrogatepass")[:MOST_BYTES]


ODD_VALUES = (
    None, True, False, 0, 1, -1, 2, 3, 7, 17, 31, 64, 100, 127, 4096, 10**5, 10**6, 10**9, 2**31, 2**63, 2**64, 10**400,
    0.0, 0.5, -0.5, 1e-320, 1e308, float("inf"), float("nan"), "", "attention", "mesh", "spline", "x", "1", "a" * 2000,
    "\x1b[2J", "\ud800", [], [1], [1, 1], [[]], {}, {"a": 1}, list(range(1, 40)), [0] * 300, [None], ["12"],
)  # fmt: skip


def odd_json(rng: random.Random, value: object) -> object:
    """Return plain data in which one or a few values, keys or items are odd ones."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        value = _odd(rng, json.loads(json.dumps(value)))
    return value


def _odd(rng: random.Random, value: object) -> object:
    if isinstance(value, dict) and value and rng.random() < 0.95:
        key = rng.choice(sorted(value))
        what = rng.random()
        if what < 0.06:
            del value[key]
        elif what < 0.1:
            value[rng.choice(("odd", "", "name", "size_px"))] = rng.choice(ODD_VALUES)
        else:
            value[key] = _odd(rng, value[key])
        return value
    if isinstance(value, list) and value and rng.random() < 0.6:
        at = rng.randrange(len(value))
        if rng.random() < 0.3:
            return value[:at] + value[at : at + 1] * rng.choice((0, 2, 50)) + value[at + 1 :]
        value[at] = _odd(rng, value[at])
        return value
    if isinstance(value, int | float) and abs(value) < 2**100 and value is not True and rng.random() < 0.4:
        return rng.choice((value + 1, value - 1, -value, value * 2, value * 1000, value / 2, value // 2, str(value)))
    return rng.choice(ODD_VALUES)


def odd_text(value: object) -> bytes:
    """Return plain data as JSON, lone surrogates and numbers beyond any range included."""
    return json.dumps(value).encode()
