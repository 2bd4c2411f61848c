"""A flipped bit in a sealed file is noticed, or changes nothing that the file says."""

import json

import pytest

from medlab.labels._sealed_json import is_sealed, seal, unseal

TOLD = {
    **{"path": "out/Lungen ♥.seg.nrrd", "rev": 12, "sha256": "0a" * 32},
    **{"stamp": [1732177000123456789, 4096, 77], "affine": [[-0.7, 0.0], [1e-9, 2.5]]},
    **{"none": None, "open": True},
}


def test_what_was_sealed_comes_back():
    assert unseal(seal(TOLD)) == TOLD
    assert json.loads(seal(TOLD))["path"] == TOLD["path"]


def test_every_flipped_bit_is_noticed_or_says_the_same():
    data, noticed = seal(TOLD), 0
    for place in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[place // 8] ^= 1 << place % 8
        try:
            told = unseal(bytes(damaged))
        except ValueError:
            noticed += 1
            continue
        # Blanks, or the name of the checksum itself: all that was told is still there.
        assert {key: told.get(key) for key in TOLD} == TOLD
    assert noticed > 0.9 * 8 * len(data)


def test_a_file_that_was_never_sealed_is_taken_as_it_is():
    data = b'{"format": 1}'

    assert unseal(data) == {"format": 1}
    assert not is_sealed(data)


@pytest.mark.parametrize("data", [b"", b"[]", b"3", b"\xff{}", b'{"a": 1, "crc": "0"}'])
def test_what_is_no_sealed_object_is_refused(data):
    with pytest.raises(ValueError, match=r".+"):
        unseal(data)
