"""The codes that the editor offers for segments are those of the DICOM standard."""

import json
from pathlib import Path

from pydicom.sr.codedict import codes

_EDITOR = Path(__file__).parents[3] / "labextension" / "src" / "editor"


def test_the_editor_s_anatomy_codes_are_those_of_dicom():
    listed = json.loads((_EDITOR / "segments" / "anatomy_codes.json").read_text())
    known = {
        (code.value, code.meaning.lower())
        for name in codes.SCT.dir()
        for code in [getattr(codes.SCT, name)]
    }
    assert len(listed) > 250
    assert [pair for pair in listed if (pair[0], pair[1].lower()) not in known] == []
