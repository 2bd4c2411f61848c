"""A workplace with one scan, and layers on it."""

from dataclasses import replace

import pytest

from medlab.labels import Layer
from medlab.scans import Home, ScanSource
from tests.support.scans import make_volume


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path, tmp_path / ".medlab")


@pytest.fixture
def scan():
    """A scan of 7 x 8 x 9 voxels that says it lies on disk."""
    return replace(make_volume(), source=ScanSource("scans/thorax.nii.gz"))


@pytest.fixture
def open_layer(home, scan):
    """Open the layer "labels" anew, as another process would."""

    def open_one(**options):
        return Layer.open(home, scan, segments=["lung", "liver"], **options)

    return open_one


@pytest.fixture
def layer(open_layer):
    return open_layer()
