"""`predict(x)`: one call for whatever holds a picture."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from neurallnet.data.images import ImageError, decode_image, preprocess
from neurallnet.data.listing import printable
from neurallnet.errors import ConfigError, DataError
from neurallnet.predicting.inputs import GIVE, find_images, pictures
from neurallnet.predicting.prediction import Prediction, failure, judge
from neurallnet.pretrained import Pretrained, load_pretrained

BATCH = 64  # pictures held in memory at once

_PATHS = (str, bytes, os.PathLike)


def predict(x: Any, network: Pretrained | None = None, batch_size: int = BATCH) -> list[Prediction]:
    """What `network` (default: the one shipped with the package) says about each picture of `x`, in order.

    `x`: a path of a file or folder, a list of paths, a PIL image, a numpy array uint8 (H, W, 3) or (N, H, W, 3), a torch tensor
    (3, H, W) or (N, 3, H, W), uint8 or float in [0, 1], or a list of pictures. A file that cannot be used gets an answer with
    its `error`. Raises DataError for a path that does not exist and a picture in memory that cannot be used; not a medical device.

    >>> predict(np.full((224, 224, 3), 200, np.uint8))[0].predicted in load_pretrained().classes
    True
    """
    network = network or _shipped()
    if isinstance(x, _PATHS):
        return list(predict_files(find_images([os.fsdecode(x)]), network, batch_size))
    if isinstance(x, list | tuple):
        if not x:
            raise DataError(f"predict: the list is empty; {GIVE}")
        if all(isinstance(one, _PATHS) for one in x):
            return list(predict_files(find_images(map(os.fsdecode, x)), network, batch_size))
        every: Iterable = (picture for one in x for picture in pictures(one))
    else:
        every = pictures(x)
    views = (_seen(picture, place, network) for place, picture in enumerate(every))
    return [answer for part in _parts(views, batch_size) for answer in judge(network, np.stack(part), [None] * len(part))]


def predict_files(files: Sequence[Path], network: Pretrained | None = None, batch_size: int = BATCH) -> Iterator[Prediction]:
    """An answer per file, in order, as they come; no more than `batch_size` pictures are in memory at once.

    Raises ConfigError for a batch without pictures; nothing for a bad file, whose answer has the reason as `error`.
    """
    network = network or _shipped()
    for part in _parts(files, batch_size):
        seen = [_view(file, network) for file in part]
        names = [printable(str(file)) for file in part]
        read = [place for place, view in enumerate(seen) if isinstance(view, np.ndarray)]
        answers = judge(network, np.stack([seen[i] for i in read]), [names[i] for i in read]) if read else []
        by_place = dict(zip(read, answers, strict=True))
        yield from (by_place.get(place) or failure(names[place], seen[place]) for place in range(len(part)))


def _seen(picture: Image.Image, place: int, network: Pretrained) -> np.ndarray:
    """What the network sees of a picture in memory, the one numbered `place`; raises DataError."""
    try:
        return preprocess(picture, network.image_size, network.scale_bar)
    except DataError as error:
        raise DataError(f"predict: picture {place} (the first is 0): {error}") from None


def _view(file: Path, network: Pretrained) -> np.ndarray | str:
    """What the network sees of a file, or why it cannot."""
    try:
        return preprocess(decode_image(file), network.image_size, network.scale_bar)
    except ImageError as error:
        return error.reason
    except DataError as error:
        return str(error)


def _parts(every: Iterable, size: int) -> Iterator[list]:
    if size < 1:
        raise ConfigError(f"batch size {size} is not a positive number of pictures")
    every = iter(every)
    while part := list(islice(every, size)):
        yield part


@cache
def _shipped() -> Pretrained:
    return load_pretrained()
