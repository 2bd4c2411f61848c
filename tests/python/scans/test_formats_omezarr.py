"""OME-Zarr 0.4 as zarr writes it: chunks, levels, units, and folders made to do harm."""

import json
import pickle
import time
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import zarr

from medlab.errors import MedlabError
from medlab.scans import Home, open_scan
from medlab.scans._open import header_tags, read_source_header
from medlab.scans._volume import ScanSource
from medlab.scans.formats import _zarr_chunks
from medlab.scans.formats._zstd_size import most_bytes

PICTURE = np.random.default_rng(0).integers(-500, 500, (9, 8, 7)).astype(">i2")


def axes(names="zyx", unit="micrometer"):
    kinds = {"t": "time", "c": "channel"}
    told = []
    for name in names:
        axis = {"name": name, "type": kinds.get(name, "space")}
        if axis["type"] == "space" and unit:
            axis["unit"] = unit
        if name == "t":
            axis["unit"] = "millisecond"
        told.append(axis)
    return told


def write(path, levels, told, scales, translations=None, whole=None, **settings):
    """A picture of several levels, each with its scale, written by zarr."""
    group = zarr.open_group(str(path), mode="w")
    datasets = []
    for n, (level, scale) in enumerate(zip(levels, scales, strict=True)):
        given = {"chunks": (4,) * level.ndim, "dimension_separator": "/", **settings}
        group.create_dataset(str(n), data=level, **given)
        transforms = [{"type": "scale", "scale": scale}]
        if translations:
            transforms.append({"type": "translation", "translation": translations[n]})
        datasets.append({"path": str(n), "coordinateTransformations": transforms})
    scale = {"version": "0.4", "axes": told, "datasets": datasets}
    if whole:
        scale["coordinateTransformations"] = whole
    group.attrs["multiscales"] = [scale]
    return group


def header_of(path):
    return read_source_header(ScanSource(path.name), Home(path.parent, path.parent))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("separator", ["/", "."])
@pytest.mark.parametrize(
    "compressor",
    [None, numcodecs.Blosc("zstd", shuffle=2), numcodecs.GZip(), numcodecs.Zstd()],
    ids=["raw", "blosc", "gzip", "zstd"],
)
def test_chunks_are_read_as_zarr_reads_them(tmp_path, order, separator, compressor):
    path = tmp_path / "a.ome.zarr"
    write(
        path,
        [PICTURE],
        axes(),
        [[3, 2, 1]],
        order=order,
        dimension_separator=separator,
        compressor=compressor,
    )

    found = open_scan(path).voxels

    theirs = zarr.open(str(path), mode="r")["0"][...]
    np.testing.assert_array_equal(found, theirs.transpose(2, 1, 0))
    assert found.dtype == np.int16
    assert found.dtype.isnative


def test_chunks_that_were_never_written_hold_the_fill_value(tmp_path):
    path = tmp_path / "a.zarr"
    group = write(path, [PICTURE * 0 + 7], axes(), [[1, 1, 1]], fill_value=7)
    group["0"][:4, :4, :4] = 9
    next((path / "0").rglob("1/1/1")).unlink()

    np.testing.assert_array_equal(
        open_scan(path).voxels, group["0"][...].transpose(2, 1, 0)
    )


@pytest.mark.parametrize(
    ("unit", "mm"),
    [("micrometer", 1e-3), ("nanometer", 1e-6), ("millimeter", 1), ("meter", 1e3)],
)
def test_scales_and_translations_become_an_affine_in_mm(tmp_path, unit, mm):
    path = tmp_path / "a.zarr"
    whole = [
        {"type": "scale", "scale": [2, 2, 2]},
        {"type": "translation", "translation": [1, 1, 1]},
    ]
    write(path, [PICTURE], axes(unit=unit), [[3, 2, 1]], [[30, 20, 10]], whole)

    scan = open_scan(path)

    # x = (1 * i + 10) * 2 + 1, and so on; x and y count to the left and back.
    corner = scan.affine @ [1, 1, 1, 1]
    np.testing.assert_allclose(
        corner[:3], np.array([-(11 * 2 + 1), -(22 * 2 + 1), 33 * 2 + 1]) * mm
    )
    assert scan.spacing_unit == "mm"


def test_a_missing_unit_leaves_the_picture_in_pixels(tmp_path):
    write(tmp_path / "a.zarr", [PICTURE], axes(unit=None), [[3, 2, 1]])

    scan = open_scan(tmp_path / "a.zarr")

    assert scan.spacing_unit == "pixels"
    assert "The axes name no unit of length; distances are in pixels." in scan.warnings


def test_times_and_channels_are_volumes(tmp_path):
    picture = np.arange(2 * 3 * 5 * 7 * 8).reshape(2, 3, 5, 7, 8)
    write(tmp_path / "a.zarr", [picture], axes("tczyx"), [[500, 1, 3, 2, 1]])
    write(tmp_path / "t.zarr", [picture[:, 0]], axes("tzyx"), [[500, 3, 2, 1]])
    group = write(tmp_path / "c.zarr", [picture[0]], axes("czyx"), [[1, 3, 2, 1]])
    group.attrs["omero"] = {"channels": [{"label": f"dye {n}"} for n in range(3)]}

    both = header_of(tmp_path / "a.zarr")
    times, channels = header_of(tmp_path / "t.zarr"), header_of(tmp_path / "c.zarr")

    assert (both.frames, both.frame_values[4]) == (6, "t1 c1")
    found = open_scan(tmp_path / "a.zarr", frame=4).voxels
    np.testing.assert_array_equal(found, picture[1, 1].transpose(2, 1, 0))
    assert (times.frame_kind, times.frame_values) == ("time", (0, 0.5))
    assert channels.frame_kind == "component"
    assert channels.frame_values == ("dye 0", "dye 1", "dye 2")


def test_the_finest_level_that_fits_is_read_and_any_can_be_named(tmp_path, monkeypatch):
    path = tmp_path / "a.ome.zarr"
    levels = [PICTURE[::step, ::step, ::step] for step in (1, 2, 4)]
    scales = [[step] * 3 for step in (1, 2, 4)]
    write(path, levels, axes(), scales)

    whole, named = open_scan(path), open_scan(path / "2")
    monkeypatch.setenv("MEDLAB_MAX_VOLUME_BYTES", str(4 * PICTURE.nbytes - 1))
    coarse = open_scan(path)

    assert (whole.shape, coarse.shape, named.shape) == ((7, 8, 9), (4, 4, 5), (2, 2, 3))
    np.testing.assert_allclose(coarse.spacing_mm, (2e-3,) * 3)
    np.testing.assert_allclose(named.spacing_mm, (4e-3,) * 3)
    assert any("Level 1 of 0 (finest) to 2 is shown" in n for n in coarse.warnings)
    assert "shown" not in str(whole.warnings)


def change(path, **told):
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, **told}))


def test_a_level_outside_the_folder_is_refused(tmp_path):
    write(tmp_path / "secret.zarr", [PICTURE], axes(), [[1, 1, 1]])
    path = tmp_path / "a.zarr"
    write(path, [PICTURE], axes(), [[1, 1, 1]])
    scales = json.loads((path / ".zattrs").read_text())["multiscales"]
    scales[0]["datasets"][0]["path"] = "../secret.zarr/0"
    change(path / ".zattrs", multiscales=scales)

    with pytest.raises(MedlabError, match="keep its levels inside its own folder"):
        open_scan(path)


def test_a_chunk_that_links_out_of_the_folder_is_refused(tmp_path):
    path = tmp_path / "a.zarr"
    write(path, [PICTURE], axes(), [[1, 1, 1]], compressor=None)
    (tmp_path / "secret").write_bytes(bytes(128))
    chunk = path / "0" / "0" / "0" / "0"
    chunk.unlink()
    chunk.symlink_to(tmp_path / "secret")

    with pytest.raises(MedlabError) as caught:
        open_scan(path)
    assert caught.value.code == "not-a-scan"


def test_codecs_that_could_run_a_program_are_refused(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "unpickled",))

    path = tmp_path / "a.zarr"
    write(path, [PICTURE], axes(), [[1, 1, 1]])
    change(path / "0" / ".zarray", compressor={"id": "pickle", "protocol": 5})
    (path / "0" / "0" / "0" / "0").write_bytes(pickle.dumps(Bomb()))

    with pytest.raises(MedlabError, match="got another codec"):
        open_scan(path)
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    "codec", [numcodecs.Blosc(), numcodecs.GZip(), numcodecs.BZ2()]
)
def test_a_chunk_that_unpacks_to_more_than_it_promises_is_refused(tmp_path, codec):
    path = tmp_path / "a.zarr"
    write(path, [PICTURE], axes(), [[1, 1, 1]], compressor=codec)
    (path / "0" / "0" / "0" / "0").write_bytes(codec.encode(bytes(1 << 24)))

    with pytest.raises(MedlabError) as caught:
        open_scan(path)
    assert caught.value.code == "not-a-scan"


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"shape": [1 << 40, 1 << 40, 4]}, "more than the limit"),
        ({"chunks": [1 << 40, 4, 4]}, "more than the limit"),
        ({"chunks": [0, 4, 4]}, "damaged"),
        ({"shape": [9, 8]}, "damaged"),
        ({"dtype": "|O"}, "damaged"),
        ({"dtype": 5}, "damaged"),
    ],
)
def test_lying_arrays_are_refused(tmp_path, told, sentence):
    path = tmp_path / "a.zarr"
    write(path, [PICTURE], axes(), [[1, 1, 1]])
    change(path / "0" / ".zarray", **told)

    with pytest.raises(MedlabError, match=sentence):
        open_scan(path)


@pytest.mark.parametrize("scale", [[0, 1, 1], [1, 1], [1, 1, "x"], [1, 1, -1]])
def test_scales_that_place_nothing_are_refused(tmp_path, scale):
    write(tmp_path / "a.zarr", [PICTURE], axes(), [scale])

    with pytest.raises(MedlabError):
        open_scan(tmp_path / "a.zarr")


def test_other_zarr_folders_say_what_they_are(tmp_path):
    zarr.open_group(str(tmp_path / "a.zarr"), mode="w")
    (tmp_path / "b.zarr").mkdir()
    (tmp_path / "b.zarr" / "zarr.json").write_text("{}")
    (tmp_path / "c.zarr").mkdir()

    for name, sentence in (
        ("a.zarr", "a folder without its .zattrs"),
        ("b.zarr", "must be OME-Zarr 0.4"),
        ("c.zarr", "a folder without its .zattrs"),
    ):
        with pytest.raises(MedlabError, match=sentence):
            open_scan(tmp_path / name)


def test_axes_and_levels_are_rows_of_the_header(tmp_path):
    write(tmp_path / "a.zarr", [PICTURE], axes(), [[3, 2, 1]])

    rows = header_tags(ScanSource("a.zarr"), Home(tmp_path, tmp_path))

    told = {row["keyword"]: row["value"] for row in rows}
    assert told["level 0"] == "9 8 7"
    assert told["scale"] == "3 2 1"
    assert told["axes"].startswith("z space micrometer")


def frame_of_zeros(blocks, size=128 << 10):
    """A zstd frame that does not say how large it is: RFC 8878, 3.1.1, run-length blocks."""
    made = [0xFD2FB528.to_bytes(4, "little"), b"\0\x70"]
    for number in range(blocks):
        made.append(((number == blocks - 1) | 1 << 1 | size << 3).to_bytes(3, "little"))
        made.append(b"\0")
    return b"".join(made)


def test_zstd_without_a_size_is_never_unpacked_to_more_than_the_header_promises():
    assert most_bytes(frame_of_zeros(3, 504)) == 1512
    started = time.monotonic()
    with pytest.raises(ValueError, match="more than its header says"):
        _zarr_chunks._unpacked(frame_of_zeros(1 << 19), numcodecs.Zstd(), 1512)
    assert time.monotonic() - started < 2  # It would be 64 GiB.


def test_the_most_that_zstd_holds_is_never_less_than_it_does():
    for level in (-3, 1, 19):
        for data in (b"", b"a" * 300_001, bytes(range(256)) * 3000):
            packed = (
                numcodecs.Zstd(level).encode(data) if data else frame_of_zeros(1, 0)
            )
            assert len(data) <= most_bytes(packed) <= len(data) + (256 << 10)
    with pytest.raises(ValueError, match="cut short"):
        most_bytes(frame_of_zeros(2)[:-3])
    with pytest.raises(ValueError, match="no zstd frame"):
        most_bytes(b"abcdefgh")
