"""A workplace with one scan, and layers on it."""

import pytest

from medlab.labels import Layer
from medlab.scans import Home, open_scan
from tests.support.scans import make_volume, write_nifti_by_nibabel


@pytest.fixture(autouse=True)
def no_home_named(monkeypatch):
    monkeypatch.delenv("MEDLAB_HOME", raising=False)


@pytest.fixture
def home(tmp_path):
    root = tmp_path.resolve()
    return Home(root, root / ".medlab")


@pytest.fixture
def scan(home):
    volume = make_volume()
    path = home.root / "thorax.nii.gz"
    write_nifti_by_nibabel(path, volume.voxels, volume.affine)
    return open_scan(path, home=home)


@pytest.fixture
def open_layer(home, scan):
    """Open the same layer anew, as another process would."""

    def open_layer(name="labels", segments=("lung", "heart"), **rest):
        return Layer.open(home, scan, name, segments=segments, **rest)

    return open_layer


@pytest.fixture
def layer(open_layer):
    return open_layer()
