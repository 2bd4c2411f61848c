"""The part of a multipart answer comes out whole, wherever the pieces are cut."""

import io

from hypothesis import example, given
from hypothesis import strategies as st

from medlab.dicomweb._multipart import write_part

KIND = 'multipart/related; type="application/dicom"; boundary="b-1"'


@given(
    content=st.lists(
        st.sampled_from(
            [b"\r\n", b"--", b"b-1", b"\r\n--b-", b"\r\n\r\n", b"x", b"\0" * 50]
        ),
        max_size=30,
    ).map(b"".join),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=8),
)
@example(content=b"\r\n--b-", cuts=[1])
def test_the_part_does_not_depend_on_the_pieces(content, cuts):
    content = content.replace(b"\r\n--b-1", b"")
    head = b"preamble\r\n--b-1\r\nContent-Type: application/dicom\r\n\r\n"
    body = head + content + b"\r\n--b-1--\r\n"
    pieces = []
    while body:
        cut = cuts[len(pieces) % len(cuts)]
        pieces.append(body[:cut])
        body = body[cut:]
    out = io.BytesIO()

    assert write_part(KIND, pieces, out) == len(content)
    assert out.getvalue() == content


def test_a_file_without_wrapping_is_taken_as_it_is():
    out = io.BytesIO()

    assert write_part("application/dicom", [b"DI", b"CM"], out) == 4
    assert out.getvalue() == b"DICM"
