"""PNG, JPEG, arrays and folders of pictures: pixels as others read them, honest distances."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
import skimage
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from medlab.errors import MedlabError
from medlab.scans import Home, open_scan
from medlab.scans._open import header_tags, read_source_header
from medlab.scans._volume import ScanSource

PICTURES = Path(skimage.__file__).parent / "data"
IN_PIXELS = "The file gives no pixel size; distances are in pixels."
RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 255, (70, 90)).astype(np.uint8)
COLOURS = RNG.integers(0, 255, (70, 90, 3)).astype(np.uint8)


def upright(voxels):
    """`(I, J, 1[, 3])` as rows and columns."""
    return np.swapaxes(voxels[:, :, 0], 0, 1)


def header_of(path):
    return read_source_header(ScanSource(path.name), Home(path.parent, path.parent))


@pytest.mark.parametrize(
    "name", ["retina.jpg", "ihc.png", "microaneurysms.png", "cell.png", "page.png"]
)
def test_real_pictures_are_read_as_simpleitk_reads_them(name):
    found = open_scan(PICTURES / name)

    theirs = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(PICTURES / name)))
    apart = np.abs(upright(found.voxels).astype(int) - theirs.astype(int))
    # JPEG leaves it to the reader how colours between pixels are made up.
    assert apart.mean() < 0.5 if name.endswith(".jpg") else not apart.any()
    assert found.orientation == "LPS"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_keeps_every_bit(tmp_path, dtype, channels):
    top = np.iinfo(dtype).max
    shape = (7, 8) if channels == 1 else (7, 8, channels)
    picture = RNG.integers(0, top, shape, endpoint=True).astype(dtype)
    image = SimpleITK.GetImageFromArray(picture, isVector=channels > 1)
    SimpleITK.WriteImage(image, str(tmp_path / "a.png"))

    found = open_scan(tmp_path / "a.png")

    np.testing.assert_array_equal(upright(found.voxels), picture)
    assert found.voxels.dtype == dtype


def test_a_missing_pixel_size_is_told(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")

    scan, header = open_scan(tmp_path / "a.png"), header_of(tmp_path / "a.png")

    assert (scan.spacing_unit, header.spacing_unit) == ("pixels", "pixels")
    assert scan.warnings[0] == IN_PIXELS
    assert "pixels" in repr(scan)


@pytest.mark.parametrize("dpi", [72, 96, 150, 300, 600])
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_resolution_for_paper_is_no_pixel_size(tmp_path, dpi, ending):
    Image.fromarray(GREY).save(tmp_path / f"a.{ending}", dpi=(dpi, dpi))

    scan = open_scan(tmp_path / f"a.{ending}")

    assert (scan.spacing_unit, scan.spacing_mm) == ("pixels", (1, 1, 1))
    assert "dots per inch is one for printing, not a pixel size" in scan.warnings[0]


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_another_resolution_is_a_pixel_size_and_says_so(tmp_path, ending):
    # 254 dots per inch are 0.1 mm, as digitisers of films write.
    Image.fromarray(GREY).save(tmp_path / f"a.{ending}", dpi=(254, 508))

    scan = open_scan(tmp_path / f"a.{ending}")

    assert scan.spacing_unit == "mm"
    np.testing.assert_allclose(scan.spacing_mm[:2], (0.1, 0.05), rtol=1e-3)
    assert "is that of the resolution tag" in scan.warnings[0]


def test_a_cameras_resolution_is_never_a_pixel_size(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    Image.fromarray(GREY).save(tmp_path / "a.jpg", dpi=(254, 254), exif=exif)

    scan = open_scan(tmp_path / "a.jpg")

    assert scan.spacing_unit == "pixels"
    assert scan.warnings[0].startswith("A camera took the picture")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_turned_back(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = np.zeros((64, 96), np.uint8)
    picture[:20, :30] = 255  # Bright at the top left of what was stored.
    Image.fromarray(picture).save(tmp_path / "a.jpg", exif=exif, dpi=(254, 508))

    scan = open_scan(tmp_path / "a.jpg")

    # EXIF 2.3, Orientation: on which side the 0th row and the 0th column lie.
    row_side, column_side = (
        ("top", "left"), ("top", "right"), ("bottom", "right"), ("bottom", "left"),
        ("left", "top"), ("right", "top"), ("right", "bottom"), ("left", "bottom"),
    )[orientation - 1]  # fmt: skip
    sides = {row_side, column_side}
    seen = upright(scan.voxels)
    corner = seen[
        slice(0, 10) if "top" in sides else slice(-10, None),
        slice(0, 10) if "left" in sides else slice(-10, None),
    ]
    assert corner.min() > 200
    is_turned = row_side in ("left", "right")
    assert seen.shape == ((96, 64) if is_turned else (64, 96))
    assert header_of(tmp_path / "a.jpg").shape == scan.shape
    np.testing.assert_allclose(
        scan.spacing_mm[:2], (0.05, 0.1) if is_turned else (0.1, 0.05), rtol=1e-3
    )


def test_palettes_become_colours_and_transparency_is_told(tmp_path):
    Image.fromarray(COLOURS).quantize(8).save(tmp_path / "palette.png")
    clear = np.dstack([COLOURS, GREY])
    Image.fromarray(clear).save(tmp_path / "clear.png")

    palette = open_scan(tmp_path / "palette.png")

    theirs = np.asarray(Image.open(tmp_path / "palette.png").convert("RGB"))
    np.testing.assert_array_equal(upright(palette.voxels), theirs)
    assert "Transparency was left out." in open_scan(tmp_path / "clear.png").warnings


def test_a_cut_picture_and_another_file_are_refused(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.png").write_text("Dear colleague")

    with pytest.raises(MedlabError, match="is not a whole JPEG file"):
        open_scan(tmp_path / "cut.jpg")
    with pytest.raises(MedlabError, match="must be a PNG or JPEG picture"):
        open_scan(tmp_path / "text.png")


def test_a_picture_that_claims_too_much_is_refused_unread(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = (60_000).to_bytes(4, "big") * 2
    (tmp_path / "a.png").write_bytes(content)

    with pytest.raises(MedlabError) as caught:
        header_of(tmp_path / "a.png")
    assert caught.value.code in ("too-large", "not-a-scan")


def test_text_in_a_picture_is_marked_as_telling_who_it_is(tmp_path):
    text = PngInfo()
    text.add_text("Author", "Doe, Jane")
    Image.fromarray(GREY).save(tmp_path / "a.png", pnginfo=text, dpi=(254, 254))

    rows = header_tags(ScanSource("a.png"), Home(tmp_path, tmp_path))

    told = {row["keyword"]: row for row in rows}
    assert told["Author"]["value"] == "Doe, Jane"
    assert told["Author"]["identifies"]
    assert not told["Size"]["identifies"]


def write_stack(folder, count, *, first=1, size=(70, 90), name="p{}.png"):
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        picture = np.full(size, n, np.uint8)
        Image.fromarray(picture).save(folder / name.format(first + n))


def test_a_folder_of_numbered_pictures_is_a_volume_in_the_order_of_numbers(tmp_path):
    write_stack(tmp_path / "brain", 12, first=5)

    scan = open_scan(tmp_path / "brain", home=Home(tmp_path, tmp_path / ".medlab"))

    # p10.png comes before p5.png by name.
    np.testing.assert_array_equal(scan.voxels[0, 0], np.arange(12))
    assert (scan.shape, scan.source.path) == ((90, 70, 12), "brain")
    assert scan.spacing_unit == "pixels"
    assert scan.warnings[0] == (
        "Nothing says how far apart pixels and pictures are; they are in pixels."
    )


@pytest.mark.parametrize("why", ["few", "gap", "sizes", "another name"])
def test_a_folder_that_is_not_clearly_a_stack_is_refused_with_advice(tmp_path, why):
    folder = tmp_path / "pictures"
    write_stack(folder, 7 if why == "few" else 9)
    if why == "gap":
        (folder / "p4.png").unlink()
    if why == "sizes":
        Image.fromarray(GREY[:-1]).save(folder / "p4.png")
    if why == "another name":
        Image.fromarray(GREY).save(folder / "overview1.png")

    with pytest.raises(MedlabError, match=r"one by one|must hold a DICOM series"):
        open_scan(folder, home=Home(tmp_path, tmp_path / ".medlab"))


def test_arrays_come_back_as_they_were_saved(tmp_path):
    volume = RNG.normal(size=(20, 21, 22)).astype(">f4")
    np.save(tmp_path / "volume.npy", np.asfortranarray(volume))
    np.save(tmp_path / "picture.npy", GREY)
    np.save(tmp_path / "colours.npy", COLOURS)

    scan = open_scan(tmp_path / "volume.npy")

    np.testing.assert_array_equal(scan.voxels, volume)
    assert scan.voxels.dtype.isnative
    assert scan.spacing_unit == "pixels"
    found = open_scan(tmp_path / "picture.npy").voxels
    np.testing.assert_array_equal(upright(found), GREY)
    found = open_scan(tmp_path / "colours.npy").voxels
    np.testing.assert_array_equal(upright(found), COLOURS)


def test_the_volumes_of_an_array_are_chosen_by_frame(tmp_path):
    array = np.arange(16 * 17 * 18 * 4).reshape(16, 17, 18, 4)
    np.save(tmp_path / "a.npy", array)

    found = open_scan(tmp_path / "a.npy", frame=2).voxels

    np.testing.assert_array_equal(found, array[..., 2])


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("unpickled"),))


def test_objects_are_never_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.array([[Bomb()] * 20] * 20, object), allow_pickle=True)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Bomb()))

    with pytest.raises(MedlabError, match="Python objects, which are never unpickled"):
        open_scan("a.npy")
    with pytest.raises(MedlabError, match="must be an array saved by numpy.save"):
        open_scan("b.npy")
    assert not Path("unpickled").exists()


def test_a_cut_array_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", GREY)
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-1])

    with pytest.raises(MedlabError, match="not a whole NPY file"):
        header_of(tmp_path / "a.npy")


def test_an_archive_of_arrays_is_refused_with_a_hint(tmp_path):
    np.savez(tmp_path / "a.npz", a=GREY)

    with pytest.raises(MedlabError) as caught:
        open_scan(tmp_path / "a.npz")
    assert str(caught.value) == (
        "a.npz must be one array, got an archive of several. Save the one you need: "
        "numpy.save('scan.npy', numpy.load(archive)[name])."
    )
