"""A scan that cannot be read says so in one sentence, the same in Python and in lists."""

import gzip
import time

import numpy as np
import pytest

from medlab.errors import MedlabError
from medlab.scans import (
    find_home,
    list_scans,
    open_scan,
    thumbnail_png,
    volume_cache,
)
from tests.support.scans import (
    PATIENT,
    bad_files,
    make_affine,
    make_volume,
    write_deflated_bomb,
    write_dicom_series,
    write_gzip_bomb,
    write_nifti_by_nibabel,
)

SENTENCES = {
    "empty folder": "The folder 'empty' must hold a DICOM series, got no DICOM image in it. "
    "Give a scan file, or the folder that holds the slices.",
    "text as .nii.gz": "text.nii.gz must be a NIfTI file, got something else under that name. "
    "Look what it really is; perhaps only its ending is wrong.",
    "text as .nii": "text.nii must be a NIfTI file, got something else under that name. "
    "Look what it really is; perhaps only its ending is wrong.",
    "text as .nrrd": "text.nrrd must be a NRRD file, got something else under that name. "
    "Look what it really is; perhaps only its ending is wrong.",
    "text as .mha": "text.mha must be a MetaImage file, got something else under that name. "
    "Look what it really is; perhaps only its ending is wrong.",
    "text as .dcm": "text.dcm must be a DICOM file, got something else under that name. "
    "Look what it really is; perhaps only its ending is wrong.",
    "truncated DICOM": "cut is not a whole DICOM file: it ends before its voxels do. "
    "Copy it again from its source.",
    "truncated NIfTI": "short.nii.gz is not a whole NIfTI file: it ends before its voxels do. "
    "Copy it again from its source.",
    "NaN affine": "The affine of nan.nii.gz must hold finite numbers, got NaN or infinity, so "
    "its place in the patient is unknown. Convert the scan again from its original.",
    "singular affine": "The affine of flat.nii must span three directions, got a singular "
    "matrix (two axes coincide or one has no length). "
    "Convert the scan again from its original.",
    "4D": "series.nii.gz must be one volume, got a series of 4 (4D). Choose one: "
    "open_scan(path, frame=0) up to frame=3.",
    "gzip bomb": "bomb.nii.gz would unpack to 128 GiB of voxels, more than the limit of "
    "4 GiB. If it really is that large, set MEDLAB_MAX_VOLUME_BYTES.",
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    (root / ".medlab").mkdir()
    return find_home(root), dict(bad_files(root / "bad"))


@pytest.mark.parametrize("what", SENTENCES)
def test_open_scan_says_what_is_wrong(broken, what):
    home, paths = broken

    with pytest.raises(MedlabError) as caught:
        open_scan(paths[what], home=home)

    assert str(caught.value) == SENTENCES[what]


def test_every_broken_scan_made_for_tests_has_its_sentence(broken):
    assert set(broken[1]) == set(SENTENCES)


def test_the_list_says_the_same_sentence(broken):
    home, paths = broken
    # Voxels are not looked at for the list; what they hide is told once it is known.
    with pytest.raises(MedlabError):
        thumbnail_png(_source(home, "bad/short.nii.gz"), home)

    errors = {scan.path: scan.error for scan in list_scans(home=home)}

    expected = {
        path.relative_to(home.root).as_posix(): SENTENCES[what]
        for what, path in paths.items()
        if what not in ("empty folder", "4D")  # A 4D scan is listed with its frames.
    }
    assert errors == {**expected, "bad/series.nii.gz": None}


def _source(home, path):
    return next(scan.source for scan in list_scans(home=home) if scan.path == path)


def test_the_worker_passes_the_sentence_on(broken):
    home, _ = broken
    for scan in list_scans(home=home):
        if scan.path.endswith("series.nii.gz"):
            continue  # A viewer is shown the first volume of a 4D scan.
        with pytest.raises(MedlabError) as caught:
            volume_cache(scan.source, home)

        assert str(caught.value) in SENTENCES.values()


def test_no_sentence_names_the_patient_or_the_machines_folders(broken):
    home, _ = broken
    told = " ".join(scan.error or "" for scan in list_scans(home=home))

    assert str(home.root) not in told
    assert PATIENT not in told
    assert "Doe" not in told


def test_a_deflated_bomb_is_refused_before_it_fills_the_memory(tmp_path):
    path = write_deflated_bomb(tmp_path / "bombs" / "bomb.dcm", megabytes=600)
    assert path.stat().st_size < 3 << 20

    start = time.process_time()
    with pytest.raises(
        MedlabError,
        match="bomb.dcm (would unpack to more than|cannot be read as DICOM)",
    ):
        open_scan(path)

    assert time.process_time() - start < 10


def test_a_bomb_that_lies_about_its_size_is_never_unpacked_further(tmp_path):
    # 64 MiB of zeros behind a header that promises 7 x 8 x 9 voxels.
    path = write_gzip_bomb(tmp_path / "lying.nii.gz", claimed=(7, 8, 9))

    assert open_scan(path).shape == (7, 8, 9)


def test_a_bomb_within_the_limit_is_told_by_how_well_it_packs(tmp_path):
    path = write_gzip_bomb(tmp_path / "bomb.nii.gz", claimed=(1024, 1024, 1900))

    with pytest.raises(MedlabError, match=r"to 3.71 GiB, 400 times its size and more"):
        open_scan(path)


def test_a_bomb_within_the_limit_ends_in_the_worker_alone(tmp_path, monkeypatch):
    # Neither its size nor how well it packs stop it here: the memory limit must.
    monkeypatch.setenv("MEDLAB_MAX_VOLUME_BYTES", str(1 << 40))
    (tmp_path / ".medlab").mkdir()
    home = find_home(tmp_path)
    with (tmp_path / "bomb.nii").open("wb") as sparse:
        sparse.write(_header_of(tmp_path, (4096, 4096, 1024)))
        sparse.truncate(352 + 2 * 4096 * 4096 * 1024)
    source = _source(home, "bomb.nii")

    with pytest.raises(MedlabError) as caught:
        volume_cache(source, home, memory_bytes=3 << 30, timeout_s=60)

    assert caught.value.code in ("too-large", "not-a-scan", "decoding-failed")


def _header_of(folder, shape):
    bomb = write_gzip_bomb(folder / "elsewhere" / "bomb.nii.gz", claimed=shape)
    with gzip.open(bomb) as packed:
        content = packed.read(352)
    bomb.unlink()
    return content


def test_a_scan_that_takes_too_long_is_given_up(tmp_path):
    (tmp_path / ".medlab").mkdir()
    with (tmp_path / "a.nii").open("wb") as sparse:
        sparse.write(_header_of(tmp_path, (512, 512, 256)))
        sparse.truncate(352 + 2 * 512 * 512 * 256)
    home = find_home(tmp_path)

    with pytest.raises(MedlabError, match=r"a.nii took longer than 0.01 s to decode"):
        volume_cache(_source(home, "a.nii"), home, timeout_s=0.01)


def test_a_missing_scan_is_named(tmp_path):
    with pytest.raises(
        LookupError, match=r"a scan at 'nothing.nii', got nothing there"
    ):
        open_scan(tmp_path / "nothing.nii")


def test_an_unknown_kind_of_file_is_told_what_can_be_read(tmp_path):
    (tmp_path / "scan.docx").write_bytes(b"PK")

    with pytest.raises(
        MedlabError, match=r"must be NIfTI .* or DICOM, got another kind"
    ):
        open_scan(tmp_path / "scan.docx")


def test_a_header_cannot_name_a_file_elsewhere(tmp_path):
    (tmp_path / "secret.raw").write_bytes(bytes(504))
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "a.nhdr").write_text(
        "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 7 8 9\nencoding: raw\n"
        "spacings: 1 1 1\ndata file: ../secret.raw\n\n"
    )
    (folder / "a.mhd").write_text(
        "ObjectType = Image\nNDims = 3\nDimSize = 7 8 9\nElementType = MET_UCHAR\n"
        f"ElementDataFile = {tmp_path / 'secret.raw'}\n"
    )

    for name in ("a.nhdr", "a.mhd"):
        with pytest.raises(
            MedlabError, match="voxels in (one file|files) beside it, got another"
        ):
            open_scan(folder / name)


def test_one_of_several_frames_can_be_opened(tmp_path):
    voxels = np.random.default_rng(0).integers(0, 99, (7, 8, 9, 4)).astype(np.int16)
    write_nifti_by_nibabel(tmp_path / "a.nii.gz", voxels, make_affine("RAS"))

    found = open_scan(tmp_path / "a.nii.gz", frame=2)

    np.testing.assert_array_equal(found.voxels, voxels[..., 2])
    with pytest.raises(MedlabError, match="has frames 0 to 3, got frame=4"):
        open_scan(tmp_path / "a.nii.gz", frame=4)


def test_random_damage_never_ends_in_another_kind_of_error(tmp_path):
    rng = np.random.default_rng(7)
    volume = make_volume()
    write_nifti_by_nibabel(tmp_path / "a.nii", volume.voxels, volume.affine)
    write_dicom_series(tmp_path / "d", make_volume((7, 8, 1)))
    whole = {
        ".nii": (tmp_path / "a.nii").read_bytes(),
        ".dcm": (tmp_path / "d" / "IM00000").read_bytes(),
    }
    refused = 0
    for ending, content in whole.items():
        for _ in range(60):
            damaged = bytearray(content)
            for place in rng.integers(0, min(len(content), 1400), 6):
                damaged[place] = rng.integers(0, 256)
            path = tmp_path / f"damaged{ending}"
            path.write_bytes(damaged[: rng.integers(100, len(content))])
            try:
                open_scan(path)
            except MedlabError:
                refused += 1

    assert refused > 60
