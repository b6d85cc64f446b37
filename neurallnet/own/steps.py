"""From a plan to a finished run: train, read the test images once, fit the out-of-distribution model, keep what the report needs.

Beside the files of every run, the run's folder then holds

    ood.safetensors    the out-of-distribution model, where there were enough images
    images.csv         path, label, fold, group: what intervals over near-duplicate groups need
    rejected.csv       files that were not used, and why
    notes.json         name of the folder, the split and why it was chosen, whether the images are drawn
    report.html        the report
"""

from pathlib import Path

import pandas as pd

from neurallnet.data.tables import write_table, write_text
from neurallnet.errors import ConfigError, DataError
from neurallnet.evidence import canonical_json
from neurallnet.ood.study import run_ood
from neurallnet.own.planning import Plan
from neurallnet.paths import Workspace
from neurallnet.report import IMAGES, NOTES, REJECTED, write_report
from neurallnet.runs import Run, evaluate_run, train_run

WHY = "neurallnet train on own images"


def own_run(plan: Plan, work: Workspace, progress: bool | None = None) -> tuple[Run, Path]:
    """The finished run of `plan` and its report; a finished one is reused, a killed one goes on. Raises DataError, RunError."""
    root = plan.dataset.root
    run = train_run(plan.config, work, root, progress=progress)
    evaluate_run(run, work, root, why=WHY)
    try:
        run_ood(run, work, root)
        ood = "fitted on the training images"
    except (ConfigError, DataError) as error:
        ood = f"not fitted: {error}"
    write_table(image_table(plan, run), run.folder / IMAGES)
    write_table(plan.rejected, run.folder / REJECTED)
    notes = {"folder": root.name, "split": plan.split, "settings": plan.settings, "synthetic": plan.synthetic, "ood": ood}
    write_text(canonical_json(notes), run.folder / NOTES)
    return run, write_report(run)


def image_table(plan: Plan, run: Run) -> pd.DataFrame:
    """A row per image of the run: path, label, fold, and group of near-duplicates."""
    folds = run.split().set_index("path")["fold"]
    table = plan.dataset.frame[["path", "label"]].reset_index(drop=True)
    groups = plan.dataset.groups()
    return table.assign(fold=folds.loc[table["path"]].to_numpy(), group=groups.loc[table["path"]].to_numpy())
