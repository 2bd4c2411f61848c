"""Which files of a folder lists read: scans all, pictures only when they are likely scans."""

import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from medlab.errors import MedlabError
from medlab.scans import Home
from medlab.scans.index._folder_groups import groups_of, is_scan_folder, read_group
from tests.support.scans import make_volume, write_nifti_by_nibabel

GREY = np.random.default_rng(0).integers(0, 255, (70, 90)).astype(np.uint8)


def kinds(folder, names, folders=(), **settings):
    return {g.key: g.kind for g in groups_of(folder, names, folders, **settings)}


def listed(folder, **settings):
    """What the list shows of a folder: path and kind, or the error's code."""
    home = Home(folder, folder / ".medlab")
    names = [p.name for p in folder.iterdir() if p.is_file()]
    folders = [p.name for p in folder.iterdir() if p.is_dir()]
    found = {}
    for group in groups_of(folder.name, names, folders, **settings):
        for scan in read_group(folder, group, home, **settings):
            bad = isinstance(scan.header, MedlabError)
            found[scan.source.path] = scan.header.code if bad else scan.kind
    return found


def test_every_format_is_told_by_its_ending():
    names = ["a.nii", "b.nii.gz", "c.hdr", "c.img", "d.nrrd", "e.mhd", "e.raw", "f.MHA",
             "g.png", "h.JPG", "i.tiff", "j.npy", "k.npz", "l.dcm", "m.txt"]  # fmt: skip

    assert kinds("scans", names, ["x.ome.zarr", "y"]) == {
        "a.nii": "nifti",
        "b.nii.gz": "nifti",
        "c.hdr": "nifti",
        "d.nrrd": "nrrd",
        "e.mhd": "metaimage",
        "f.MHA": "metaimage",
        "g.png": "picture",
        "h.JPG": "picture",
        "i.tiff": "tiff",
        "j.npy": "npy",
        "x.ome.zarr": "omezarr",
    }
    assert is_scan_folder("x.ome.zarr")


def test_voxels_beside_a_header_belong_to_its_group():
    groups = groups_of(
        "scans", ["c.hdr", "c.img", "e.mhd", "e.raw", "n.nhdr", "n.raw.gz"]
    )

    assert [g.names for g in groups] == [
        ("c.hdr", "c.img"),
        ("e.mhd", "e.raw"),
        ("n.nhdr", "n.raw.gz"),
    ]


@pytest.mark.parametrize("folder", ["figures", "outputs", "Docs", "thumbnails"])
def test_pictures_in_folders_of_results_are_left_out(folder):
    names = ["a.png", "b.tif", "c.npy", "d.nii"]

    assert kinds(folder, names) == {"d.nii": "nifti"}
    assert len(kinds(folder, names, pictures="all")) == 4


@pytest.mark.parametrize(
    "beside", ["work.ipynb", "train.py", "index.html", "paper.tex"]
)
def test_single_pictures_beside_code_are_left_out_but_stacks_are_not(beside):
    names = ["a.png", "b.npy", "c.tif", beside]
    stack = [f"s{n:03d}.png" for n in range(9)]

    assert kinds("work", names) == {"c.tif": "tiff"}
    assert kinds("work", [*stack, beside]) == {"*": "stack"}


def test_pictures_are_left_out_when_asked():
    names = ["a.png", "b.tif", "c.npy", *(f"s{n}.png" for n in range(9)), "d.nii"]

    assert kinds("x", names, ["e.zarr"], pictures="none") == {"d.nii": "nifti"}


def test_icons_plots_and_holiday_photos_are_left_out(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "retina.png")
    Image.fromarray(GREY[:32, :32]).save(tmp_path / "icon.png")
    plot = PngInfo()
    plot.add_text("Software", "Matplotlib version3.10.0, https://matplotlib.org/")
    Image.fromarray(GREY).save(tmp_path / "loss.png", pnginfo=plot)
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    Image.fromarray(GREY).save(tmp_path / "beach.jpg", exif=exif)
    np.save(tmp_path / "scores.npy", np.zeros(100))
    np.save(tmp_path / "table.npy", np.zeros((1000, 4)))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    np.save(tmp_path / "volume.npy", np.zeros((20, 20, 20)))

    assert listed(tmp_path) == {"retina.png": "picture", "volume.npy": "npy"}
    everything = listed(tmp_path, pictures="all")
    assert set(everything) >= {"icon.png", "loss.png", "beach.jpg", "table.npy"}


def test_a_plot_that_matplotlib_draws_is_left_out(tmp_path):
    figure = pytest.importorskip("matplotlib.figure")
    drawn = figure.Figure()
    drawn.add_subplot().plot([1, 2])
    content = io.BytesIO()
    drawn.savefig(content, format="png")
    (tmp_path / "a.png").write_bytes(content.getvalue())

    assert listed(tmp_path) == {}


def test_a_stack_is_one_row_and_pictures_that_are_none_are_single_rows(tmp_path):
    (tmp_path / "stack").mkdir()
    (tmp_path / "mixed").mkdir()
    for n in range(9):
        Image.fromarray(GREY).save(tmp_path / "stack" / f"{n}.png")
        Image.fromarray(GREY[n // 2 :]).save(tmp_path / "mixed" / f"{n}.png")

    assert listed(tmp_path / "stack") == {".": "stack"}
    assert listed(tmp_path / "mixed") == {f"{n}.png": "picture" for n in range(9)}


def test_a_broken_scan_is_a_row_with_its_error_and_another_files_header_is_none(
    tmp_path,
):
    volume = make_volume()
    write_nifti_by_nibabel(tmp_path / "good.nii", volume.voxels, volume.affine)
    (tmp_path / "bad.nii").write_text("Dear colleague")
    (tmp_path / "light.hdr").write_bytes(b"#?RADIANCE\n" + bytes(400))
    (tmp_path / "table.zarr").mkdir()
    (tmp_path / "table.zarr" / ".zattrs").write_text("{}")

    assert listed(tmp_path) == {"bad.nii": "not-a-scan", "good.nii": "nifti"}
