"""What the editor offers for segments: codes of the DICOM standard, colours of medlab."""

import json
import re
from pathlib import Path

from pydicom.sr.codedict import codes

from medlab.labels import PALETTE

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


def test_new_segments_get_the_same_colours_in_the_editor_and_in_python():
    source = (_EDITOR / "segments" / "palette.ts").read_text()
    listed = re.findall(r"^  '(#[0-9a-f]{6})'", source, re.MULTILINE)
    assert tuple(listed) == PALETTE
