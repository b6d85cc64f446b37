"""From pictures to predictions: files, folders, Pillow pictures, arrays and tensors, for Python and for the command line.

    prediction.py  one answer, and how a network gives it
    inputs.py      what counts as a picture, and the message for what does not
    api.py         `predict(x)` and the stream of files behind it
    tables.py      answers as screen lines, CSV and JSON
    command.py     `neurallnet predict`
"""

from neurallnet.predicting.api import predict, predict_files
from neurallnet.predicting.inputs import find_images
from neurallnet.predicting.prediction import Prediction

__all__ = ["Prediction", "find_images", "predict", "predict_files"]
