"""The data sets this project knows: what their folders mean, where they usually lie, whom to cite."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from neurallnet.config import CLASSES
from neurallnet.data.catalogue_leukemia import LEUKEMIA
from neurallnet.data.source import SEGMENTED, TRUTH, Notes, Source

_OWN_NAMES = tuple((name.casefold(), name) for name in CLASSES)
_SUBTYPES = "Benign are hematogones, normal precursors that resemble blasts; Early, Pre and Pro are subtypes of B-ALL."
_TALEQANI = Source(
    name="taleqani",
    classes=CLASSES,
    citation="Aria et al. 2021, doi 10.34740/KAGGLE/DSV/2175623; Ghaderzadeh et al. 2022, doi 10.1002/int.22753",
    url="https://www.kaggle.com/datasets/mehradaria/leukemia",
    kaggle="mehradaria/leukemia",
    names=_OWN_NAMES,
    folders=("taleqani/Original", "leukemia/Original", "Original", "taleqani", "leukemia", ""),
    notes=Notes(
        motivation="To tell leukemia and its subtypes from benign look-alikes on peripheral-blood smears.",
        content=f"Whole fields of stained smears. {_SUBTYPES} Publishers count 89 patients; no file says whose it is.",
        collection="Smears of the bone-marrow laboratory of Taleqani Hospital, Tehran. File numbers follow acquisition order. "
        "The publishers' classes are taken as they are; nobody read the smears again for this project.",
        preprocessing="Whole fields of proportion 4:3 were reduced to squares, which squeezes cells by a quarter in width.",
        uses="To study networks and split protocols. Not to judge how one would do on the next patient: patients are not known.",
        distribution="Kaggle.",
        maintenance="None known since its publication.",
        faults=(
            "Each field has a burned-in scale bar in the lower right corner whose form differs by class.",
            "Neighbours in file order often show the same smear under the same light, so a random split leaks.",
            "Colour alone tells the classes apart: see the shortcut audit.",
        ),
    ),
)
_EXTERNAL_URL = "https://www.kaggle.com/datasets/mohammadamireshraghi/blood-cell-cancer-all-4class"
_EXTERNAL = Source(
    name="external",
    classes=CLASSES,
    citation="Hosseini et al. 2023, doi 10.1016/j.imu.2023.101244",
    url=_EXTERNAL_URL,
    kaggle="mohammadamireshraghi/blood-cell-cancer-all-4class",
    names=(
        ("benign", "Benign"),
        ("[malignant] early pre-b", "Early"),
        ("[malignant] pre-b", "Pre"),
        ("[malignant] pro-b", "Pro"),
    ),
    folders=(
        "external/Blood cell Cancer [ALL]",
        "blood-cell-cancer-all-4class/Blood cell Cancer [ALL]",
        "Blood cell Cancer [ALL]",
        "external",
        "blood-cell-cancer-all-4class",
        "",
    ),
    notes=Notes(
        motivation="To classify leukemia and its subtypes on peripheral-blood smears.",
        content=f"Whole fields of stained smears. {_SUBTYPES}",
        collection="Hospital, microscope, authors and number of patients are those of `taleqani`, by the publishers' account.",
        preprocessing="None stated.",
        uses="The external set of the paper this project examines.",
        distribution="Kaggle.",
        maintenance="None known since its publication.",
        faults=(
            "Every image of it that we compared is a full-size original of an image of `taleqani`: none is of another laboratory.",
        ),
    ),
)
_SYNTHETIC = Source(
    name="synthetic",
    classes=CLASSES,
    citation="drawn by this package's generator; no patient stands behind any of it",
    licence="BSD-3-Clause",
    names=_OWN_NAMES,
    known=TRUTH,
    lab="A",
    notes=Notes(
        motivation="To run and test everything without images of patients.",
        content="SYNTHETIC smears, drawn. Patients, sessions, stain, scale bars and near-duplicates are made on purpose, with the "
        "faults real sets have, and written to truth.csv.",
        collection="Drawn by neurallnet.data.synthetic from a seed; the same on every computer.",
        preprocessing="None.",
        uses="Tests, teaching, checks of the code. It says nothing about leukemia.",
        distribution="Part of this package.",
        maintenance="With this package.",
        faults=("Nothing measured on it carries over to patients.",),
    ),
)
_BCCD = Source(
    name="bccd",
    classes=(),
    citation="BCCD data set, healthy blood smears",
    url="https://github.com/Shenggan/BCCD_Dataset",
    licence="MIT",
    healthy=True,
    folders=("bccd", "bccd/JPEGImages", "BCCD_Dataset/BCCD/JPEGImages", "BCCD/JPEGImages", "JPEGImages", ""),
    notes=Notes(
        motivation="To detect and count blood cells.",
        content="Fields of healthy blood. Boxes around cells come with it and are not used here.",
        collection="Another laboratory than that of the primary set; details are not published.",
        uses="False alarms: it holds no leukemia, so every malignant call is wrong. It cannot show that leukemia is found.",
        distribution="GitHub.",
        maintenance="None known since its publication.",
        faults=("Patients are not published.", "Stain and magnification differ from the primary set's."),
    ),
)

SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        source.name: source
        for source in (
            _SYNTHETIC,
            replace(_SYNTHETIC, name="synthetic_external", lab="B"),
            _TALEQANI,
            replace(
                _TALEQANI,
                name=SEGMENTED,
                folders=("taleqani/Segmented", "leukemia/Segmented", "Segmented", ""),
                notes=replace(
                    _TALEQANI.notes,
                    preprocessing=f"{_TALEQANI.notes.preprocessing} They blacked out what they took for background.",
                    uses="Masks: does an explanation look at cells?",
                    faults=("Some images are almost all black.", *_TALEQANI.notes.faults[1:]),
                ),
            ),
            _EXTERNAL,
            Source(
                name="external_probe",
                classes=(),
                citation="fifteen images of `external`: Hosseini et al. 2023, doi 10.1016/j.imu.2023.101244",
                url=_EXTERNAL_URL,
                folders=("external_probe", ""),
                notes=replace(_EXTERNAL.notes, content="A few images of `external`, labels withheld."),
            ),
            _BCCD,
            *LEUKEMIA,
            Source(name="folder", classes=(), citation="your own images", licence="yours"),
        )
    }
)
