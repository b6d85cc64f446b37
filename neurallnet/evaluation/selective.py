"""What it would cost to let the network abstain: answer only the images it is most confident of."""

import numpy as np
import pandas as pd

from neurallnet.evaluation.predictions import correctness, probabilities


def risk_coverage(predictions: pd.DataFrame) -> pd.DataFrame:
    """Columns threshold, coverage (share answered) and risk (share wrong among those), by falling threshold.

    Confidence is the top probability. Images of equal confidence are answered together: no order among them
    is made up.
    """
    wrong = ~correctness(predictions)
    confidence = probabilities(predictions).max(axis=1).round(12)  # less is noise of the exponential
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, wrong.size + 1)
    table = pd.DataFrame(
        {
            "threshold": confidence[order],
            "coverage": answered / wrong.size,
            "risk": wrong[order].cumsum() / answered,
        }
    )
    return table.drop_duplicates("threshold", keep="last").reset_index(drop=True)


def aurc(predictions: pd.DataFrame) -> float:
    """Area under the risk-coverage curve: the mean risk over images taken as thresholds.

    Geifman and El-Yaniv 2017, arXiv 1705.08500. 0 is a network without errors;
    confidence that says nothing gives the error rate itself.
    """
    table = risk_coverage(predictions)
    return float((table["risk"] * table["coverage"].diff().fillna(table["coverage"].iloc[0])).sum())
