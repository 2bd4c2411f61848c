"""read_tags gives the values pydicom gives, for every file of its collections."""

import logging
import os
import struct
import subprocess
import sys
import time
import warnings
import zlib
from pathlib import Path

import data_store
import pydicom
import pydicom.data
import pytest
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from medlab.errors import MedlabError
from medlab.scans.dicom._elements import INSIDE, TAGS
from medlab.scans.dicom._tags import Tags, read_tags
from tests.support.scans import make_volume, write_dicom_series

COLLECTIONS = [Path(pydicom.data.__file__).parent, Path(data_store.__file__).parent]
FILES = sorted(
    path for folder in COLLECTIONS for path in folder.rglob("*") if path.is_file()
)
# Besides what volumes are made of: other representations, a charset's worth of text.
WANTED = (
    *TAGS, "PatientBirthDate", "PatientComments", "OperatorsName", "ReferencedSeriesSequence",
    "StructureSetROISequence", "SegmentSequence", "SegmentLabel", "PatientAge",
    "PatientWeight", "LargestImagePixelValue", "RedPaletteColorLookupTableDescriptor",
    "OtherPatientIDsSequence", "RequestAttributesSequence", "FrameIncrementPointer",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


def is_same(ours, theirs):
    if isinstance(theirs, Dataset):
        keywords = {element.keyword for element in theirs if element.keyword}
        named = set(ours.keywords()) if isinstance(ours, Tags) else keywords
        return keywords == named and all(
            is_same(ours.get(k), theirs.get(k)) for k in keywords
        )
    if isinstance(theirs, MultiValue | Sequence | list):
        return len(ours) == len(theirs) and all(map(is_same, ours, theirs))
    return ours == theirs or (ours != ours and theirs != theirs)


def read_by_pydicom(path):
    return pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(WANTED))


def test_the_collections_are_there():
    assert len(FILES) > 250


@pytest.mark.parametrize("start", range(0, len(FILES), 40))
def test_every_file_of_the_collections_has_the_tags_pydicom_reads(start):
    for path in FILES[start : start + 40]:
        try:
            theirs = read_by_pydicom(path)
        except Exception as error:
            with pytest.raises(type(error)):
                read_tags(path, WANTED)
            continue
        ours = read_tags(path, WANTED)
        for keyword in WANTED:
            assert (keyword in ours) == (keyword in theirs), (path.name, keyword)
            assert is_same(ours.get(keyword), theirs.get(keyword)), (path.name, keyword)


def test_most_files_are_read_without_pydicom():
    found = []
    for path in FILES:
        with Path(path).open("rb") as file:
            if file.read(132)[128:] == b"DICM":
                found.append(isinstance(read_tags(path, WANTED), Tags))

    assert sum(found) > 0.85 * len(found)


def test_the_tags_are_those_of_the_standard():
    for told in (TAGS, INSIDE):
        assert {k: pydicom.datadict.tag_for_keyword(k) for k in told} == told


QUIET = """
import logging, sys
from pathlib import Path
from medlab.scans import list_scans, read_dicom, find_home

path, root = map(Path, sys.argv[1:])
(scan,) = list_scans(home=find_home(root))
assert scan.error is None and scan.patient
print("pydicom" in sys.modules)
read_dicom(path, "a scan")
import pydicom
logging.basicConfig()
pydicom.config.logger.warning("Mueller^Anna")
logging.getLogger("pydicom.pixels.decoders.base").warning("Mueller^Anna")
"""


def test_a_list_of_common_series_is_made_without_pydicom_whose_warnings_stay_unheard(
    tmp_path,
):
    write_dicom_series(tmp_path / "ct", make_volume())
    path = next((tmp_path / "ct").iterdir())

    done = subprocess.run(
        [sys.executable, "-c", QUIET, path, tmp_path], capture_output=True, text=True
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")


def test_the_place_of_the_pixels_is_where_pydicom_stops():
    for name in (
        "CT_small.dcm",
        "MR_small.dcm",
        "JPEG2000.dcm",
        "MR_small_implicit.dcm",
    ):
        path = pydicom.data.get_testdata_file(name)
        with Path(path).open("rb") as file:
            pydicom.dcmread(file, stop_before_pixels=True)

            assert read_tags(path, ["Rows"]).pixels_at == file.tell()


def test_the_transfer_syntax_is_told():
    path = pydicom.data.get_testdata_file("JPEG2000.dcm")

    told = read_tags(path, ["Rows"]).file_meta.get("TransferSyntaxUID")

    assert told == pydicom.dcmread(path).file_meta.TransferSyntaxUID


def test_a_missing_element_is_the_default_and_no_attribute(tmp_path):
    write_dicom_series(tmp_path, make_volume())
    tags = read_tags(next(tmp_path.iterdir()), ["Rows", "EchoTime"])

    assert tags.Rows == 8
    assert tags.get("EchoTime", 3) == 3
    with pytest.raises(AttributeError, match="EchoTime"):
        _ = tags.EchoTime


def write_part(path, body, syntax=ExplicitVRLittleEndian):
    """A DICOM file whose data set is exactly these bytes."""
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid
    length = struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(meta))
    path.write_bytes(bytes(128) + b"DICM" + length + meta + body)
    return path


def nested(depth):
    opening = struct.pack("<HH2sHL", 0x0040, 0x0275, b"SQ", 0, 0xFFFFFFFF)
    opening += struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return opening * depth


def test_sequences_without_end_are_refused_quickly(tmp_path):
    path = write_part(tmp_path / "deep.dcm", nested(100_000))

    started = time.perf_counter()
    with pytest.raises(MedlabError, match="more than a header may"):
        read_tags(path, TAGS)

    assert time.perf_counter() - started < 1


def test_a_million_elements_are_refused_quickly(tmp_path):
    one = struct.pack("<HH2sH", 0x0009, 0x0010, b"LO", 0)
    path = write_part(tmp_path / "many.dcm", one * 1_000_000)

    started = time.perf_counter()
    with pytest.raises(MedlabError, match="more than a header may"):
        read_tags(path, TAGS)

    assert time.perf_counter() - started < 2


def test_a_bomb_of_deflated_zeros_costs_next_to_nothing(tmp_path):
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = struct.pack("<HH2sHL", 0x0009, 0x1010, b"OB", 0, 3 << 30)
    packed = packer.compress(head)
    for _ in range(40):
        packed += packer.compress(bytes(1 << 20))
    path = write_part(
        tmp_path / "bomb.dcm", packed + packer.flush(), DeflatedExplicitVRLittleEndian
    )

    started = time.perf_counter()
    read_tags(path, TAGS)

    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_implicit.dcm", "image_dfl.dcm"]
)
def test_a_file_cut_anywhere_is_read_or_refused_as_by_pydicom(name, tmp_path):
    whole = Path(pydicom.data.get_testdata_file(name)).read_bytes()
    end = read_tags(pydicom.data.get_testdata_file(name), TAGS).pixels_at
    path = tmp_path / "cut.dcm"
    step = 97 if os.environ.get("MEDLAB_LONG") != "1" else 1
    for size in range(0, min(end, len(whole)) + 20, step):
        path.write_bytes(whole[:size])
        try:
            theirs = read_by_pydicom(path)
        except Exception:
            theirs = None
        try:
            ours = read_tags(path, WANTED)
            values = {k: ours.get(k) for k in WANTED}
        except Exception:
            ours, values = None, {}
        assert theirs is not None or ours is None or name == "image_dfl.dcm", size
        if ours is not None and theirs is not None:
            for keyword, value in values.items():
                assert is_same(value, theirs.get(keyword)), (size, keyword)
