"""Fields without nucleated cells, which no network may call malignant, and cells on other fields, made from training images.

A Romanowsky stain makes nuclei violet: more blue than green, and no less red than green. Where an image has such pixels, they
and their rims are replaced by the same image moved by a random step, until what is left are red cells and plasma. Such a field
shows no leukemia whatever slide it is from, so it is labelled benign: a network can then no longer read the class off the
background, the stain or the red cells alone. Or the cells stay, with their label, and the field around them is another image's.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

_PURPLE = (18, 25)  # least red - green and blue - green, in grey levels: pink to purple nuclei
_VIOLET = (-12, 58)  # the same for blue-violet nuclei
_RIM = 0.04  # of the image's width: cytoplasm and the blur of the edge
_MOVES = 12  # random steps tried; after them a pixel keeps its value


def nucleated(batch: Tensor) -> Tensor:
    """uint8 (B, H, W, 3) -> bool (B, H, W): pixels of nucleated cells, with a rim."""
    red, green, blue = batch.to(torch.int16).unbind(3)
    over_green, blue_over = red - green, blue - green
    found = ((over_green > _PURPLE[0]) & (blue_over > _PURPLE[1])) | ((over_green > _VIOLET[0]) & (blue_over > _VIOLET[1]))
    found = found[:, None].float()
    core = -F.max_pool2d(-found, 3, 1, 1)  # single pixels are noise
    reach = max(1, round(_RIM * batch.shape[2]))
    return F.max_pool2d(core, 2 * reach + 1, 1, reach)[:, 0] > 0


def paint_out(batch: Tensor, hole: Tensor, clear: Tensor, generator: torch.Generator) -> Tensor:
    """uint8 (B, H, W, 3) with the pixels of `hole` replaced by pixels of `clear` (bool (B, H, W)) elsewhere in the same image."""
    out = batch.clone()
    height, width = batch.shape[1:3]
    for _ in range(_MOVES):
        down, right = (int(torch.randint(side // 8, side - side // 8, (1,), generator=generator)) for side in (height, width))
        usable = hole & torch.roll(clear, (down, right), (1, 2))
        out = torch.where(usable[..., None], torch.roll(batch, (down, right), (1, 2)), out)
        hole = hole & ~usable
    return out


def without_cells(
    batch: Tensor, labels: Tensor, share: float, healthy: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A random `share` of the images loses its nucleated cells and takes the label `healthy`.

    Another such share is patched with the same seams, in the places where its neighbour in the batch has cells and it has none,
    and keeps cells and label: otherwise a seam would mean healthy.
    """
    draws = torch.rand(len(batch), generator=generator)
    chosen = draws < 2 * share
    if not chosen.any():
        return batch, labels
    emptied = (draws < share)[chosen]
    own, others = nucleated(batch[chosen]), nucleated(batch.roll(1, 0)[chosen])
    hole = torch.where(emptied[:, None, None], own, others & ~own)
    batch, labels = batch.clone(), labels.clone()
    batch[chosen] = paint_out(batch[chosen], hole, ~own, generator)
    labels[draws < share] = healthy
    return batch, labels


def on_other_fields(batch: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """A random `share` of the images keeps its nucleated cells, rims included, on the field of another image of the batch.

    The other image is any of the batch, whatever its class, and its own nucleated cells are painted out. Images in which no
    nucleated cell is found stay as they are.
    """
    chosen = torch.rand(len(batch), generator=generator) < share
    fields = batch[torch.randperm(len(batch), generator=generator)][chosen]
    if not chosen.any():
        return batch
    cells, others = nucleated(batch[chosen]), nucleated(fields)
    fields = paint_out(fields, others, ~others, generator)
    fields = torch.where((cells | ~cells.flatten(1).any(1)[:, None, None])[..., None], batch[chosen], fields)
    batch = batch.clone()
    batch[chosen] = fields
    return batch
