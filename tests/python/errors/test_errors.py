"""Every error has a code, and every code a title; detail and hint are its sentences."""

import ast
import pickle
from pathlib import Path

import pytest

import medlab
from medlab._error_titles import TITLES
from medlab.errors import MedlabError
from medlab.scans import NotAScan, ScanNotFound

PACKAGE = Path(medlab.__file__).parent


def codes_in(text: str) -> set[str]:
    """Codes given as `code="..."` to a call, `code = "..."` in a class, `"code": "..."`."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            found += [k.value for k in node.keywords if k.arg == "code"]
        elif isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign) and _names(line) == ["code"]:
                    found.append(line.value)
        elif isinstance(node, ast.Dict):
            found += [
                value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value == "code"
            ]
    parts = [part for value in found for part in _either(value)]
    return {p.value for p in parts if isinstance(p, ast.Constant) and _is_text(p)}


def _names(line: ast.Assign) -> list[str]:
    return [target.id for target in line.targets if isinstance(target, ast.Name)]


def _either(value: ast.expr) -> list[ast.expr]:
    if isinstance(value, ast.IfExp):
        return [*_either(value.body), *_either(value.orelse)]
    return [value]


def _is_text(part: ast.Constant) -> bool:
    return isinstance(part.value, str) and bool(part.value)


def test_every_code_used_in_the_package_has_a_title():
    missing = {
        f"{path.relative_to(PACKAGE)}: {code}"
        for path in PACKAGE.rglob("*.py")
        for code in codes_in(path.read_text("utf-8")) - TITLES.keys()
    }

    assert missing == set()


def test_codes_are_found_in_all_their_forms():
    text = (
        'class E(ValueError):\n    code = "one"\n'
        'raise E("", code="two" if late else "three")\nreply({"code": "four"})\n'
        "image.set_sform(matrix, code=1)\n"
    )

    assert codes_in(text) == {"one", "two", "three", "four"}


def test_titles_are_short_and_no_sentences():
    for code, title in TITLES.items():
        assert code == code.lower(), code
        assert 3 <= len(title) <= 40, title
        assert title.strip() == title, title
        assert not title.endswith("."), title
        assert title[0].isupper() or title[0].islower(), title


def test_a_code_without_title_is_named_by_its_words():
    assert MedlabError("It broke. Mend it.", code="very-new").title == "Very new"


@pytest.mark.parametrize(
    ("message", "detail", "hint"),
    [
        (
            "a.nii must be a NIfTI file, got text. Look what it really is.",
            "a.nii must be a NIfTI file, got text.",
            "Look what it really is.",
        ),
        (
            "It would unpack to 3.71 GiB. No scan packs that well. Leave it out (.nii).",
            "It would unpack to 3.71 GiB. No scan packs that well.",
            "Leave it out (.nii).",
        ),
        (
            "There must be a scan at 'x', got nothing. medlab.list_scans() shows them.",
            "There must be a scan at 'x', got nothing.",
            "medlab.list_scans() shows them.",
        ),
        (
            "Got frame=9",
            "Got frame=9",
            "Correct what is named here, and try again.",
        ),
    ],
)
def test_the_last_sentence_is_the_hint(message, detail, hint):
    error = MedlabError(message)

    assert (error.detail, error.hint) == (detail, hint)


def test_a_reply_holds_everything_a_program_is_told():
    error = NotAScan("It is cut. Copy it again.", told={"last_good_rev": 7})

    assert error.reply() == {
        "message": "It is cut. Copy it again.",
        "code": "not-a-scan",
        "title": "Not a readable scan",
        "detail": "It is cut.",
        "hint": "Copy it again.",
        "last_good_rev": 7,
    }


@pytest.mark.parametrize(
    "error",
    [
        MedlabError("Two. Sentences.", code="affine", told={"a": 1}),
        ScanNotFound("Gone. Refresh.", told={"b": [2]}),
    ],
)
def test_an_error_comes_whole_out_of_another_process(error):
    back = pickle.loads(pickle.dumps(error))

    assert type(back) is type(error)
    assert back.reply() == error.reply()
