"""Decoding images safely, and the one resize shared by training and by users.

A file is either an 8-bit RGB picture exactly as stored, or it is refused with a reason. Nothing is converted
silently: how a palette, an alpha channel or 16 bits become 8-bit RGB changes colour, and colour is what this
data set is classified by.
"""

import io
import os
import stat
import struct
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from neurallnet.data.field import clean_field
from neurallnet.errors import DataError

PREPROCESSING_VERSION = 2  # raise whenever `preprocess` gives other pixels; caches are addressed by it
MAX_PIXELS = 50_000_000  # ten times the largest microscope frame we know (2560 x 1920)

SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
IMAGE_SUFFIXES = frozenset(suffix for group in SUFFIXES.values() for suffix in group)

_CONVERT = (
    "convert it to 8-bit RGB first, for example with Pillow: Image.open(f).convert('RGB').save('copy.png')"
)
_FLATTEN = (
    "put it on an opaque background and save it as 8-bit RGB first, even if nothing in it is transparent"
)
_MODES = {
    "1": "black and white",
    "L": "greyscale",
    "P": "palette",
    "CMYK": "print colours",
    "I": "integer greyscale",
    "I;16": "16-bit greyscale",
    "I;16B": "16-bit greyscale",
    "F": "floating point",
    "LAB": "L*a*b* colours",
}
_ALPHA = {
    "LA": "greyscale with alpha",
    "PA": "palette with alpha",
    "RGBA": "colours with alpha",
    "RGBa": "colours with alpha",
}


class ImageError(DataError):
    """One image that cannot be used; `path` names it and `reason` says why."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(path, reason)  # both as args, so that the error survives pickling
        self.path, self.reason = Path(path), reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def read_bytes(path: Path, max_bytes: int = 4 * MAX_PIXELS) -> bytes:
    """The bytes of a regular, non-empty file; never waits on a pipe. Raises ImageError."""
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(path, "is a folder, not an image")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(path, "is not a regular file")
        if status.st_size == 0:
            raise ImageError(path, "is empty (0 bytes)")
        if status.st_size > max_bytes:
            raise ImageError(path, f"has {status.st_size} bytes, more than the {max_bytes} an image may have")
        return Path(path).read_bytes()
    except OSError as error:  # missing, permission, symlink loop, failing disk
        raise ImageError(path, f"cannot be read: {error.strerror or error}") from None


def decode_image(path: Path, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The picture in a file, mode RGB, pixels as stored (an EXIF orientation is not applied).

    Accepts 8-bit RGB JPEG, PNG, BMP, TIFF and WEBP with one frame and the suffix of its format. Raises
    ImageError (a DataError) with `path` and `reason` for anything else; a header that claims more than
    `max_pixels` is refused before any is decoded.
    """
    return decode_bytes(read_bytes(path, 4 * max_pixels + (1 << 20)), path, max_pixels)


def decode_bytes(data: bytes, path: Path, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """`decode_image` for bytes already read; `path` gives the suffix and the name in errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata is no concern, and large headers are judged below
        try:
            image = Image.open(io.BytesIO(data), formats=tuple(SUFFIXES))
            _check(image, data, Path(path), max_pixels)
            image.load()
        except ImageError:
            raise
        except UnidentifiedImageError:
            raise ImageError(
                path, f"is not a {', '.join(SUFFIXES)} image, or its header is damaged"
            ) from None
        except Image.DecompressionBombError:
            raise ImageError(
                path, f"claims more than {max_pixels} pixels: a decompression bomb, or not for us"
            ) from None
        except Exception as error:  # a decoder fed with damaged bytes may raise anything
            detail = " ".join(str(error).split()) or type(error).__name__
            raise ImageError(path, f"is truncated or damaged: {detail}") from None
    return image


def _check(image: Image.Image, data: bytes, path: Path, max_pixels: int) -> None:
    """Refuse by header alone; raises ImageError."""
    # MPO is a JPEG with further pictures behind it, as some cameras write; the first one counts.
    form = "JPEG" if image.format == "MPO" else image.format
    if image.width * image.height > max_pixels:
        size = f"{image.width} x {image.height}"
        raise ImageError(
            path, f"claims {size} pixels, more than {max_pixels}: a decompression bomb, or not for us"
        )
    if path.suffix.lower() not in SUFFIXES[form]:
        raise ImageError(
            path,
            f"has the extension {path.suffix!r} but holds {form}; rename it to "
            f"{path.stem}{SUFFIXES[form][0]}",
        )
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise ImageError(path, f"holds {image.n_frames} frames; save the one you want as a file of its own")
    if image.mode in _ALPHA:
        raise ImageError(path, f"unsupported mode {image.mode} ({_ALPHA[image.mode]}); {_FLATTEN}")
    if image.mode != "RGB":
        raise ImageError(
            path, f"unsupported mode {image.mode} ({_MODES.get(image.mode, 'not RGB')}); {_CONVERT}"
        )
    if "transparency" in image.info:
        raise ImageError(path, f"unsupported mode RGB with a transparent colour; {_FLATTEN}")
    bits = _bits_per_channel(image, data)
    if bits != 8:
        raise ImageError(path, f"unsupported mode RGB with {bits} bits per channel; {_CONVERT}")


def _bits_per_channel(image: Image.Image, data: bytes) -> int:
    """Bits per channel in the file; Pillow calls 16-bit RGB plain "RGB" and drops half of each value."""
    if image.format == "PNG":
        return data[24]  # IHDR: width, height, bit depth
    if image.format == "TIFF":
        return max(image.tag_v2.get(258, (8,)))  # BitsPerSample
    if image.format == "BMP":
        core_header = struct.unpack_from("<I", data, 14)[0] == 12
        pixel = struct.unpack_from("<H", data, 24 if core_header else 28)[0]
        return 8 if pixel in (24, 32) else pixel // 3
    return 8  # 12-bit JPEG does not decode; WEBP has 8 only


def preprocess(image: Image.Image, size: int, scale_bar: str = "removed") -> np.ndarray:
    """The network's view of a picture: uint8 array (size, size, 3), channels R, G, B.

    Black borders are cut off and, with `scale_bar` "removed", a burned-in scale bar is painted out; with "visible" the
    picture stays as it is.

    Resized with an antialiasing triangle filter (Pillow's BILINEAR). A 4:3 field is squeezed into the
    square, not cropped, because the primary set was made so: its 224 x 224 files are whole 1024 x 768
    fields. Raises DataError unless `image` is RGB.

    >>> preprocess(Image.new("RGB", (1024, 768), "red"), 96).shape
    (96, 96, 3)
    """
    if image.mode != "RGB":
        raise DataError(f"an image of mode {image.mode} cannot be used; {_CONVERT}")
    if size < 1:
        raise DataError(f"image size {size} is not a positive number of pixels")
    if scale_bar == "removed":
        image = Image.fromarray(clean_field(np.asarray(image)))
    if image.size == (size, size):
        return np.array(image)
    return np.array(image.resize((size, size), Image.Resampling.BILINEAR))


def preprocess_file(image: Image.Image, path: Path, size: int, scale_bar: str = "removed") -> np.ndarray:
    """As `preprocess`, of the picture that `path` holds, which an error names. Raises ImageError."""
    try:
        return preprocess(image, size, scale_bar)
    except DataError as error:
        raise ImageError(path, str(error)) from None
