"""A scan, and each volume of a 4D scan, has one id that never changes."""

import hashlib

from medlab.scans import ScanSource


def test_the_first_volume_of_a_4d_scan_has_the_id_of_the_scan():
    assert ScanSource("a.nii", frame=0).scan_id == ScanSource("a.nii").scan_id
    assert ScanSource("a.nii", frame=0) == ScanSource("a.nii", frame=None)


def test_an_id_is_the_hash_it_has_always_been():
    wanted = hashlib.sha256(b"scans/head\n1.2.3").hexdigest()[:16]

    assert ScanSource("scans/head", "1.2.3").scan_id == wanted


def test_each_volume_has_an_id_of_its_own():
    ids = {ScanSource("a.nii", frame=frame).scan_id for frame in range(5)}
    ids |= {ScanSource("a.nii", series=f"{frame}").scan_id for frame in range(5)}

    assert len(ids) == 10
