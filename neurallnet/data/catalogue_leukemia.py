"""Published sets that tell leukemia from health without naming a subtype; the user brings the files."""

from dataclasses import replace

from neurallnet.data.layout_leukemia import list_all_idb1, list_all_idb2, list_cnmc
from neurallnet.data.source import BINARY, Notes, Source

_ALL_IDB = Source(
    name="all_idb1",
    classes=BINARY,
    citation="Labati et al. 2011, doi 10.1109/ICIP.2011.6115881",
    url="https://homes.di.unimi.it/scotti/all",
    licence="on request from the authors; terms not verified: research use",
    notes=Notes(
        collection="Collected in September 2005 with a Canon PowerShot G5 on a laboratory microscope at magnifications from 300 to "
        "500; lymphocytes labelled by expert oncologists.",
        distribution="From the authors, on request.",
        maintenance="Version 1.0; no later version is known to us.",
    ),
)

LEUKEMIA = (
    Source(
        name="cnmc",
        classes=BINARY,
        citation="Gupta and Gupta 2019, C-NMC 2019, doi 10.7937/tcia.2019.dc64i46r",
        url="https://www.cancerimagingarchive.net/collection/c-nmc-2019/",
        licence="CC BY 3.0",
        kaggle="andrewmvd/leukemia-classification",
        folders=(
            "cnmc/C-NMC_Leukemia",
            "cnmc",
            "C-NMC_Leukemia",
            "leukemia-classification/C-NMC_Leukemia",
            "C-NMC_2019",
            "C-NMC 2019",
            "PKG - C-NMC 2019",
            "",
        ),
        layout=list_cnmc,
        known=("patient",),
        notes=Notes(
            motivation="The ISBI 2019 challenge: tell leukemic B-lymphoblasts from normal B-lymphoid precursors, cell by cell.",
            content="Single cells, segmented from their fields and placed on black. Labels name no subtype of leukemia: "
            "all is Malignant, hem (cells of healthy subjects) is Benign. The challenge's final test set has no published labels "
            "and is not part of this source.",
            collection="Microscope images from AIIMS, New Delhi, prepared by SBILab, IIIT Delhi; an expert oncologist labelled "
            "the cells. The subject's number is part of each original file name.",
            preprocessing="The publishers normalized the stain and blacked out everything but the cell.",
            uses="External reading of a network as benign against malignant. A network trained on whole fields meets a "
            "crop of one cell on black here, so an error may come from the picture's kind as much as from the cell.",
            distribution="The Cancer Imaging Archive; a copy on Kaggle has other folder names.",
            maintenance="Closed collection of a finished challenge.",
            faults=(
                "Cells of one subject are not independent: intervals must resample subjects, not cells.",
                "On black crops a perceptual hash mostly sees the outline: its near-duplicates are often different cells.",
            ),
        ),
    ),
    replace(
        _ALL_IDB,
        folders=("ALL_IDB1/im", "ALL_IDB1/img", "ALL-IDB/ALL_IDB1/im", "all_idb1/im", "all_idb1", "ALL_IDB1", "im", "img", ""),
        layout=list_all_idb1,
        notes=replace(
            _ALL_IDB.notes,
            motivation="A public set to compare segmentation and classification of blood-smear images.",
            content="Whole fields. Malignant: the field holds probable lymphoblasts of a patient with ALL; Benign: cells of "
            "somebody without ALL. No subtype is named. Coordinates of the blasts lie beside the images and are not used.",
            preprocessing="None stated.",
            uses="External reading of a network as benign against malignant, on whole fields, the kind of picture it knows.",
            faults=(
                "Patients are not published, so fields of one patient cannot be kept together: intervals may be too narrow.",
                "Magnification differs between fields and is not stored with them.",
            ),
        ),
    ),
    replace(
        _ALL_IDB,
        name="all_idb2",
        folders=("ALL_IDB2/img", "ALL_IDB2/im", "ALL-IDB/ALL_IDB2/img", "all_idb2/img", "all_idb2", "ALL_IDB2", "img", "im", ""),
        layout=list_all_idb2,
        notes=replace(
            _ALL_IDB.notes,
            motivation="A public set to compare classifiers of single cells.",
            content="Single cells cut from the fields of ALL-IDB1. Malignant: a probable lymphoblast; Benign: a normal cell. "
            "No subtype is named.",
            preprocessing="Cut around one cell by the publishers.",
            uses="External reading of a network as benign against malignant. A network trained on whole fields meets one large "
            "cell here, so an error may come from the picture's kind as much as from the cell.",
            faults=(
                "Cut from ALL-IDB1: results on the two sets are not independent evidence.",
                "Patients, and the field a cell comes from, are not published: intervals may be too narrow.",
            ),
        ),
    ),
)
