"""TIFF: pages, ImageJ and OME hyperstacks, pyramids, as tifffile and Pillow write them."""

from pathlib import Path

import numpy as np
import pytest
import skimage
import tifffile
from PIL import Image

from medlab.errors import MedlabError
from medlab.scans import Home, open_scan
from medlab.scans._open import header_tags, read_source_header
from medlab.scans._volume import ScanSource

SHAPE = {"T": 2, "C": 3, "Z": 5, "Y": 7, "X": 8}
PICTURES = Path(skimage.__file__).parent / "data"


def numbers(axes, dtype=np.uint16):
    shape = [SHAPE[axis] for axis in axes]
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def header_of(path):
    return read_source_header(ScanSource(path.name), Home(path.parent, path.parent))


def test_an_imagej_stack_has_the_spacing_that_imagej_gives(tmp_path):
    stack = numbers("ZYX")
    tifffile.imwrite(
        tmp_path / "a.tif",
        stack,
        imagej=True,
        resolution=(1 / 0.25, 1 / 0.5),
        metadata={"axes": "ZYX", "spacing": 3.0, "unit": "um"},
    )

    scan = open_scan(tmp_path / "a.tif")

    np.testing.assert_array_equal(scan.voxels, stack.transpose(2, 1, 0))
    np.testing.assert_allclose(scan.spacing_mm, (0.25e-3, 0.5e-3, 3e-3), rtol=1e-6)
    assert scan.spacing_unit == "mm"


def test_an_ome_hyperstack_has_times_channels_and_spacing(tmp_path):
    stack = numbers("TCZYX")
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        stack,
        metadata={
            "axes": "TCZYX",
            "PhysicalSizeX": 0.5,
            "PhysicalSizeY": 600,
            "PhysicalSizeYUnit": "nm",
            "PhysicalSizeZ": 0.002,
            "PhysicalSizeZUnit": "mm",
            "TimeIncrement": 30,
        },
    )

    header = header_of(tmp_path / "a.ome.tif")
    assert (header.frames, header.frame_kind) == (6, "volume")
    assert header.frame_values[:4] == ("T0 C0", "T0 C1", "T0 C2", "T1 C0")
    for frame in range(6):
        scan = open_scan(tmp_path / "a.ome.tif", frame=frame)
        theirs = stack[frame // 3, frame % 3].transpose(2, 1, 0)
        np.testing.assert_array_equal(scan.voxels, theirs)
    np.testing.assert_allclose(scan.spacing_mm, (5e-4, 6e-4, 2e-3), rtol=1e-6)


def test_times_and_channel_names_of_ome_are_the_frames_values(tmp_path):
    tifffile.imwrite(
        tmp_path / "t.ome.tif",
        numbers("TYX"),
        metadata={"axes": "TYX", "TimeIncrement": 500, "TimeIncrementUnit": "ms"},
    )
    tifffile.imwrite(
        tmp_path / "c.ome.tif",
        numbers("CYX"),
        photometric="minisblack",
        metadata={"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP", "RFP"]}},
    )

    times, channels = (
        header_of(tmp_path / "t.ome.tif"),
        header_of(tmp_path / "c.ome.tif"),
    )

    assert (times.frame_kind, times.frame_values) == ("time", (0, 0.5))
    assert channels.frame_kind == "component"
    assert channels.frame_values == ("DAPI", "GFP", "RFP")


def test_slices_without_a_distance_leave_the_stack_in_pixels(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", numbers("ZYX"), resolution=(254, 254), resolutionunit="INCH"
    )

    scan = open_scan(tmp_path / "a.tif")

    assert (scan.spacing_unit, scan.spacing_mm) == ("pixels", (1, 1, 1))
    assert scan.warnings[0] == (
        "Pixels lie 0.1 x 0.1 mm apart, but the file does not say how far apart its "
        "slices are; distances are in pixels."
    )


@pytest.mark.parametrize(
    ("resolution", "unit", "spacing"),
    [((254, 127), "INCH", (0.1, 0.2)), ((20000, 20000), "CENTIMETER", (5e-4, 5e-4))],
)
def test_a_measured_resolution_is_in_mm(tmp_path, resolution, unit, spacing):
    tifffile.imwrite(
        tmp_path / "a.tif", numbers("YX"), resolution=resolution, resolutionunit=unit
    )

    scan = open_scan(tmp_path / "a.tif")

    np.testing.assert_allclose(scan.spacing_mm[:2], spacing, rtol=1e-6)
    assert scan.spacing_unit == "mm"


@pytest.mark.parametrize(
    "packing", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_packed_pages_are_read_as_pillow_reads_them(tmp_path, packing, channels):
    rng = np.random.default_rng(0)
    shape = (64, 96) if channels == 1 else (64, 96, 3)
    pages = [
        Image.fromarray(rng.integers(0, 255, shape).astype(np.uint8)) for _ in range(3)
    ]
    path = tmp_path / "a.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:], compression=packing)

    scan = open_scan(path)

    with Image.open(path) as theirs:
        for k in range(3):
            theirs.seek(k)
            page = np.asarray(theirs.convert("RGB" if channels == 3 else "L"))
            np.testing.assert_array_equal(scan.voxels[:, :, k].swapaxes(0, 1), page)


@pytest.mark.parametrize("dtype", ["u1", "i2", ">u2", "f4", "f8", "?"])
def test_every_type_of_number_is_kept(tmp_path, dtype):
    picture = (numbers("YX") % 2 if dtype == "?" else numbers("YX")).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", picture)

    found = open_scan(tmp_path / "a.tif").voxels

    np.testing.assert_array_equal(found[:, :, 0].T, picture)
    assert found.dtype.isnative


def test_a_palette_becomes_colours(tmp_path):
    table = np.random.default_rng(0).integers(0, 65535, (3, 256)).astype(np.uint16)
    picture = numbers("YX", np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="palette", colormap=table)

    found = open_scan(tmp_path / "a.tif").voxels

    theirs = (table[:, picture] // 257).transpose(2, 1, 0)
    np.testing.assert_allclose(found[:, :, 0].astype(int), theirs, atol=1)


def test_of_a_pyramid_the_finest_level_that_fits_is_read(tmp_path, monkeypatch):
    fine = np.random.default_rng(0).integers(0, 255, (256, 512)).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as tif:
        told = {"axes": "YX", "PhysicalSizeX": 2, "PhysicalSizeY": 2}
        tif.write(fine, subifds=1, metadata=told, tile=(64, 64))
        tif.write(fine[::2, ::2], subfiletype=1, tile=(64, 64))

    whole = open_scan(tmp_path / "a.ome.tif")
    monkeypatch.setenv("MEDLAB_MAX_VOLUME_BYTES", str(4 * fine.size - 4))
    coarse = open_scan(tmp_path / "a.ome.tif")

    np.testing.assert_array_equal(whole.voxels[:, :, 0].T, fine)
    np.testing.assert_array_equal(coarse.voxels[:, :, 0].T, fine[::2, ::2])
    np.testing.assert_allclose(whole.spacing_mm[:2], (2e-3, 2e-3))
    np.testing.assert_allclose(coarse.spacing_mm[:2], (4e-3, 4e-3))
    assert any("Level 1 of the pyramid is shown" in note for note in coarse.warnings)


def test_a_picture_lying_on_its_side_is_turned(tmp_path):
    picture = numbers("YX")
    # Orientation 6: the 0th row is the right side, the 0th column the top.
    tifffile.imwrite(
        tmp_path / "a.tif", picture, extratags=[(274, "H", 1, 6, True)], metadata=None
    )

    found = open_scan(tmp_path / "a.tif").voxels

    np.testing.assert_array_equal(found[:, :, 0].T, np.rot90(picture, -1))


def test_white_that_is_zero_is_told_to_the_viewer(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", numbers("YX"), photometric="miniswhite")

    assert open_scan(tmp_path / "a.tif").is_inverted


def test_real_pages_are_read_as_pillow_reads_them():
    path = PICTURES / "multipage.tif"

    scan = open_scan(path)

    with Image.open(path) as theirs:
        theirs.seek(1)
        np.testing.assert_array_equal(scan.voxels[:, :, 1].T, np.asarray(theirs))
        assert scan.shape == (*theirs.size, theirs.n_frames)


def test_a_cut_tiff_and_another_file_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((64, 64), np.uint16))
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(content[:-2000])
    (tmp_path / "text.tif").write_text("Dear colleague")

    with pytest.raises(MedlabError) as caught:
        open_scan(tmp_path / "cut.tif")
    assert caught.value.code == "not-a-scan"
    with pytest.raises(MedlabError, match="must be a TIFF file, got something else"):
        open_scan(tmp_path / "text.tif")


def test_other_files_that_an_ome_header_names_are_not_opened(tmp_path):
    secret = tmp_path / "secret.ome.tif"
    tifffile.imwrite(secret, numbers("YX"))
    with tifffile.TiffFile(secret) as tif:
        uuid = tif.ome_metadata.split('UUID="')[1].split('"')[0]
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" '
        'SizeX="8" SizeY="7" SizeZ="1" SizeC="1" SizeT="1"><TiffData IFD="0">'
        f'<UUID FileName="secret.ome.tif">{uuid}</UUID></TiffData></Pixels></Image></OME>'
    )
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.zeros((7, 8), np.uint16), description=xml, metadata=None)

    try:
        found = open_scan(path).voxels
    except MedlabError:
        return
    assert not found.any()


def test_the_tags_of_a_tiff_are_rows_and_its_texts_identify(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", numbers("YX"), description="Doe, Jane")

    rows = header_tags(ScanSource("a.tif"), Home(tmp_path, tmp_path))

    told = {row["keyword"]: row for row in rows}
    assert told["ImageWidth"]["value"] == "8"
    assert told["ImageDescription"]["identifies"]
    assert not told["ImageWidth"]["identifies"]
