"""PNG files with the same bytes on every machine.

Image libraries compress with whichever zlib they were built with, so equal pixels make unequal files; the
manifest's digest is over file bytes. Pixels are therefore stored, not compressed (the camera noise would not
compress anyway). Format: PNG (RFC 2083), deflate stored blocks (RFC 1951, 3.2.4).
"""

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BLOCK = 65535  # bytes a stored deflate block can hold


def encode(image: np.ndarray) -> bytes:
    """An uint8 (H, W, 3) image as an RGB PNG."""
    height, width = image.shape[:2]
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)  # a leading 0: the row is not filtered
    rows[:, 1:] = image.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", _stored(rows.tobytes())), (b"IEND", b"")
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def intact(data: bytes, shape: tuple[int, int]) -> bool:
    """Whether `data` is whole and as `encode` writes it for an image of this height and width."""
    start = len(_SIGNATURE) + 25  # after the IHDR chunk
    body = data[start + 8 : -16]
    begins = _SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", shape[1], shape[0], 8, 2, 0, 0, 0))
    return data.startswith(begins) and data[start:] == _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _stored(data: bytes) -> bytes:
    """`data` as a zlib stream of stored blocks."""
    parts = [b"\x78\x01"]
    for start in range(0, len(data), _BLOCK):
        block = data[start : start + _BLOCK]
        last = start + _BLOCK >= len(data)
        parts.append(struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block)
    parts.append(struct.pack(">I", zlib.adler32(data)))
    return b"".join(parts)
