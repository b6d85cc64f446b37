"""Decoding: 8-bit RGB as stored, or a refusal by name and reason; and the resize."""

import io
import os
import pickle
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurallnet.data.images import ImageError, decode_image, preprocess
from neurallnet.errors import DataError

RNG = np.random.default_rng(0)


def picture(size: int = 32) -> Image.Image:
    return Image.fromarray(RNG.integers(0, 256, (size, size, 3), dtype=np.uint8))


def reason(path: Path, **options) -> str:
    """Why decode_image refuses `path`; the error must name the file."""
    with pytest.raises(DataError) as caught:
        decode_image(path, **options)
    assert isinstance(caught.value, ImageError)
    assert caught.value.path == path
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    assert "\n" not in str(caught.value) and "0x" not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.jpg", "a.JPEG", "a.bmp", "a.tif", "a.tiff", "a.webp"])
def test_supported_formats_decode_to_their_own_pixels(tmp_path, name):
    image = picture()
    image.save(tmp_path / name, lossless=True)
    decoded = decode_image(tmp_path / name)
    assert decoded.mode == "RGB" and decoded.size == (32, 32)
    if name[-3:].lower() not in ("jpg", "peg"):
        assert np.array_equal(decoded, image)


def test_exif_orientation_and_damaged_metadata_leave_pixels_alone(tmp_path):
    image, exif = Image.new("RGB", (8, 4), "red"), Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.png", exif=exif)
    assert decode_image(tmp_path / "turned.png").size == (8, 4)
    image.save(tmp_path / "odd.jpg", exif=b"Exif\0\0II*\0garbage")
    assert decode_image(tmp_path / "odd.jpg").size == (8, 4)


def test_jpeg_with_a_second_picture_behind_it(tmp_path):
    picture(16).save(tmp_path / "camera.jpg", format="MPO", save_all=True, append_images=[picture(8)])
    assert decode_image(tmp_path / "camera.jpg").size == (16, 16)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "p.jpg", "a.bmp", "a.tif", "a.webp"])
def test_truncated(tmp_path, name, share):
    path = tmp_path / name
    picture().save(path, progressive=name == "p.jpg")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "truncated or damaged" in reason(path) or "header is damaged" in reason(path)


def test_no_cut_through_a_file_escapes_as_another_error(tmp_path):
    for name in ("a.png", "a.jpg", "a.tif", "a.webp", "a.bmp"):
        buffer = io.BytesIO()
        picture(8).save(buffer, format={"jpg": "jpeg", "tif": "tiff"}.get(name[2:], name[2:]))
        path, refused = tmp_path / name, 0
        for stop in range(1, len(buffer.getvalue()), 3):
            path.write_bytes(buffer.getvalue()[:stop])
            try:
                decode_image(path)
            except ImageError:
                refused += 1
        assert refused > 10


def test_random_damage_never_escapes_as_another_error(tmp_path):
    for name in ("a.png", "a.jpg", "a.tif", "a.webp", "a.bmp"):
        path = tmp_path / name
        picture(8).save(path)
        whole = path.read_bytes()
        for _ in range(60):
            data = bytearray(whole)
            for place in RNG.integers(0, len(data), 4):
                data[place] = RNG.integers(0, 256)
            path.write_bytes(data)
            try:
                assert decode_image(path, max_pixels=10_000).mode == "RGB"
            except ImageError as error:
                assert error.reason


def test_not_an_image(tmp_path):
    (tmp_path / "a.jpg").write_text("dear diary")
    assert reason(tmp_path / "a.jpg").startswith("is not a JPEG, PNG, BMP, TIFF, WEBP image")
    picture().save(tmp_path / "b.gif")
    assert reason(tmp_path / "b.gif").startswith("is not a JPEG")


def test_zero_bytes(tmp_path):
    (tmp_path / "a.png").touch()
    assert reason(tmp_path / "a.png") == "is empty (0 bytes)"


def test_wrong_extension_names_the_right_one(tmp_path):
    picture().save(tmp_path / "cell.jpg", format="PNG")
    assert reason(tmp_path / "cell.jpg") == "has the extension '.jpg' but holds PNG; rename it to cell.png"
    picture().save(tmp_path / "cell.txt", format="JPEG")
    assert reason(tmp_path / "cell.txt").endswith("rename it to cell.jpg")


def png(width: int, height: int, depth: int, colour: int, body: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])  # Pillow itself: silent, a warning, an error
def test_decompression_bomb_is_refused_by_its_header(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side, 8, 2, b"\0" * 1000))
    tracemalloc.start()
    try:
        assert "decompression bomb" in reason(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_pixel_limit_is_the_callers(tmp_path):
    picture(32).save(tmp_path / "a.png")
    assert decode_image(tmp_path / "a.png", max_pixels=32 * 32).size == (32, 32)
    assert "32 x 32 pixels" in reason(tmp_path / "a.png", max_pixels=32 * 32 - 1)


def test_huge_file_is_not_read(tmp_path):
    with open(tmp_path / "a.bmp", "wb") as file:
        file.truncate(1 << 40)  # sparse: occupies nothing
    assert "more than" in reason(tmp_path / "a.bmp")


@pytest.mark.parametrize(
    ("mode", "name", "word"),
    [
        ("CMYK", "a.jpg", "CMYK (print colours)"),
        ("CMYK", "a.tif", "CMYK (print colours)"),
        ("P", "a.png", "P (palette)"),
        ("P", "a.bmp", "P (palette)"),
        ("L", "a.png", "L (greyscale)"),
        ("L", "a.jpg", "L (greyscale)"),
        ("1", "a.png", "1 (black and white)"),
        ("LA", "a.png", "LA (greyscale with alpha)"),
        ("RGBA", "a.png", "RGBA (colours with alpha)"),
        ("RGBA", "a.webp", "RGBA (colours with alpha)"),
        ("RGBA", "a.tif", "RGBA (colours with alpha)"),
        ("I;16", "a.png", "I;16 (16-bit greyscale)"),
        ("I;16", "a.tif", "I;16 (16-bit greyscale)"),
        ("F", "a.tif", "F (floating point)"),
        ("LAB", "a.tif", "LAB (L*a*b* colours)"),
    ],
)
def test_other_modes_are_refused_with_the_way_out(tmp_path, mode, name, word):
    opaque_red = (255, 0, 0, 255) if mode == "RGBA" else None
    image = Image.new(mode, (32, 32), opaque_red) if opaque_red else Image.new(mode, (32, 32))
    if mode == "RGBA":
        image.putpixel((0, 0), (0, 0, 0, 128))
    if mode == "P":
        image.putpalette(bytes(RNG.integers(0, 256, 768, dtype=np.uint8)))
    image.save(tmp_path / name, lossless=True)
    told = reason(tmp_path / name)
    assert told.startswith(f"unsupported mode {word}; ")
    assert "8-bit RGB first" in told


def test_opaque_alpha_is_refused_too(tmp_path):
    picture().convert("RGBA").save(tmp_path / "a.png")
    assert "even if nothing in it is transparent" in reason(tmp_path / "a.png")


def test_transparent_colour_is_refused(tmp_path):
    picture().save(tmp_path / "a.png", transparency=(1, 2, 3))
    assert "transparent colour" in reason(tmp_path / "a.png")


def test_sixteen_bit_rgb_png(tmp_path):
    rows = b"".join(b"\0" + bytes(RNG.integers(0, 256, 4 * 6, dtype=np.uint8)) for _ in range(4))
    (tmp_path / "a.png").write_bytes(png(4, 4, 16, 2, rows))
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "RGB"  # Pillow does not say so: why the header must be read
    assert reason(tmp_path / "a.png").startswith("unsupported mode RGB with 16 bits per channel")


def test_sixteen_bit_rgb_tiff(tmp_path):
    image = picture(4)
    image.save(tmp_path / "eight.tif")
    data = bytearray((tmp_path / "eight.tif").read_bytes())
    place = data.index(struct.pack("<HHH", 8, 8, 8))
    data[place : place + 6] = struct.pack("<HHH", 16, 16, 16)
    (tmp_path / "a.tif").write_bytes(data + bytes(64))
    assert reason(tmp_path / "a.tif").startswith("unsupported mode RGB with 16 bits per channel")


def test_five_bit_bmp(tmp_path):
    header = b"BM" + struct.pack("<IHHI", 54 + 4 * 8, 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 16, 0, 32, 0, 0, 0, 0)
    (tmp_path / "a.bmp").write_bytes(header + info + bytes(4 * 8))
    assert reason(tmp_path / "a.bmp").startswith("unsupported mode RGB with 5 bits per channel")


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_several_frames(tmp_path, name):
    picture().save(tmp_path / name, save_all=True, append_images=[picture(), picture()])
    assert reason(tmp_path / name).startswith("holds 3 frames")


def test_missing_file_folder_pipe_and_symlink_loop(tmp_path):
    assert reason(tmp_path / "no.jpg") == "cannot be read: No such file or directory"
    (tmp_path / "x.jpg").mkdir()
    assert reason(tmp_path / "x.jpg") == "is a folder, not an image"
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reason(tmp_path / "pipe.jpg") == "is not a regular file"
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    assert reason(tmp_path / "loop.jpg").startswith("cannot be read: Too many levels")


def test_unreadable_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    picture().save(path)
    if os.geteuid() == 0:  # root may read everything, so the refusal is simulated

        def refuse(self):
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "read_bytes", refuse)
    else:
        path.chmod(0)
    assert reason(path) == "cannot be read: Permission denied"


def test_symlink_to_an_image_is_read(tmp_path):
    picture().save(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("a.png")
    assert decode_image(tmp_path / "b.png").size == (32, 32)


def test_error_survives_pickling():
    error = pickle.loads(pickle.dumps(ImageError("a.jpg", "is empty")))
    assert str(error) == "a.jpg: is empty" and error.reason == "is empty"


def test_preprocess_shape_range_and_identity():
    image = picture(64)
    small = preprocess(image, 16)
    assert small.shape == (16, 16, 3) and small.dtype == np.uint8 and small.flags.writeable
    assert np.array_equal(preprocess(image, 64), np.asarray(image))


def test_preprocess_equals_torch_antialiased_bilinear():
    from torch import from_numpy
    from torch.nn.functional import interpolate

    image = Image.fromarray(RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8))
    tensor = from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
    expected = interpolate(tensor, (24, 24), mode="bilinear", antialias=True)[0].permute(1, 2, 0).numpy()
    assert np.abs(preprocess(image, 24) - expected).max() <= 1.0  # Pillow rounds between its two passes


def test_preprocess_does_not_alias():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.ptp(preprocess(Image.fromarray(stripes), 16, "visible")[:, 2:-2]) <= 2  # nearest would give 0 or 255


def test_preprocess_squeezes_and_does_not_crop():
    wide = np.zeros((30, 40, 3), np.uint8)
    wide[:, :5] = 255  # a band a centre crop would lose
    assert preprocess(Image.fromarray(wide), 20)[:, 0].min() == 255


def test_preprocess_refuses_other_modes_and_sizes():
    with pytest.raises(DataError, match="mode L"):
        preprocess(Image.new("L", (4, 4)), 4)
    with pytest.raises(DataError, match="image size 0"):
        preprocess(picture(), 0)
