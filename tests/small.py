"""A study whose networks are trained in a second."""

from pathlib import Path

from neurallnet.config import RunConfig, with_changes
from neurallnet.study import Study, open_study


class Small(Study):
    """The smoke profile with two small blocks and one epoch."""

    def arm(self, name: str) -> RunConfig:
        return with_changes(super().arm(name), data={"image_size": 32}, model={"channels": [4, 6]}, train={"epochs": 1})


def small_study(work: Path) -> Small:
    opened = open_study("smoke", work=work)
    return Small(opened.profile, opened.work, opened.data, opened.config)
