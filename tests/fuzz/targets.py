"""What is fuzzed: header, volume and label readers, each as a function of bytes.

A target takes any bytes, writes them to a file and reads it; it returns if all is well or if
it was refused with a `MedlabError`. Whatever else is raised is a finding.
"""

import contextlib
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

from pydicom.data import get_testdata_file

from medlab.errors import MedlabError
from medlab.labels import open_label_layers
from medlab.scans import Home, ScanSource, open_scan, read_source_header
from tests.support.hostile._cuts import whole_files

Target = Callable[[bytes], None]

_FOLDER = Path(tempfile.mkdtemp(prefix="medlab-fuzz-"))
_HOME = Home(_FOLDER, _FOLDER / ".medlab")
_ENDINGS = (
    *(".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm"),
    *(".png", ".jpg", ".tif", ".npy"),
)


def _placed(data: bytes, what: str) -> Path | None:
    """The bytes as a file, whose ending the first of them chooses."""
    if not data:
        return None
    room = _FOLDER / what
    room.mkdir(exist_ok=True)
    for old in room.iterdir():
        old.unlink()
    path = room / f"a{_ENDINGS[data[0] % len(_ENDINGS)]}"
    path.write_bytes(data[1:])
    return path


def header(data: bytes) -> None:
    """Read the header of a scan."""
    path = _placed(data, "header")
    if path is None or path.name.endswith(".dcm"):
        return volume(data)
    with contextlib.suppress(MedlabError):
        told = read_source_header(ScanSource(_HOME.name(path)), _HOME)
        assert min(told.shape) > 0
    return None


def volume(data: bytes) -> None:
    """Decode a scan."""
    path = _placed(data, "volume")
    if path is None:
        return
    with contextlib.suppress(MedlabError):
        found = open_scan(path, home=_HOME)
        assert min(found.shape) > 0
        assert found.voxels.shape[:3] == found.shape


def labels(data: bytes) -> None:
    """Read a file of labels."""
    path = _placed(data, "labels")
    if path is None:
        return
    if path.suffix == ".nrrd":
        path = path.rename(path.with_name("a.seg.nrrd"))
    with contextlib.suppress(MedlabError):
        open_label_layers(path, home=_HOME)


def mortal(data: bytes) -> None:
    """End the process as nothing can catch it; for the test of the campaign itself."""
    if len(data) > 100:
        os.kill(os.getpid(), signal.SIGKILL)


TARGETS: dict[str, Target] = {
    **{"header": header, "volume": volume, "labels": labels},
    "mortal": mortal,
}


def seeds() -> list[bytes]:
    """A whole file of each format, as targets take them."""
    found = []
    for name, files in whole_files().values():
        ending = "".join(Path(name).suffixes)
        if ending in _ENDINGS and len(files[name]) < 20_000:
            found.append(bytes([_ENDINGS.index(ending)]) + files[name])
    rtstruct = get_testdata_file("rtstruct.dcm", download=False)
    assert isinstance(rtstruct, str)
    found.append(bytes([_ENDINGS.index(".dcm")]) + Path(rtstruct).read_bytes())
    return found
