"""Corrupted test predictions of one arm, computed once and kept in its run's folder."""

import hashlib
from collections.abc import Sequence

import pandas as pd

from neurallnet.dataset import rows_in, split_folds
from neurallnet.machine import set_up
from neurallnet.readlog import append_test_read
from neurallnet.robustness.tables import corrupted_predictions, read_corrupted, write_corrupted
from neurallnet.runs import TEST_READS
from neurallnet.study import Study
from neurallnet.training import predict_logits


def corrupted_test(study: Study, arm: str, names: Sequence[str], severities: Sequence[int]) -> pd.DataFrame:
    """Predictions of `arm` on its test images, untouched and under each corruption and severity; the reading is logged."""
    run, dataset = study.run(arm), study.dataset()
    asked = f"{' '.join(names)} {' '.join(map(str, severities))}"
    path = run.folder / f"predictions-corrupted-{hashlib.sha256(asked.encode()).hexdigest()[:12]}.csv"
    if not path.exists():
        set_up()
        append_test_read(study.work.evidence / TEST_READS, f"corrupted test fold: {asked}", run.address, run.record["split"])
        rows = rows_in(split_folds(dataset, run.config.split), "test")
        images = dataset.images(run.config.data.image_size, study.work)[rows]
        model = run.model()
        frame = dataset.frame.iloc[rows]

        def predict(batch):
            return predict_logits(model, batch, precision=run.config.train.precision)

        table = corrupted_predictions(
            predict, images, dataset.labels[rows], frame["path"].tolist(), names, severities, classes=dataset.classes
        )
        write_corrupted(path, table)
    return read_corrupted(path)
