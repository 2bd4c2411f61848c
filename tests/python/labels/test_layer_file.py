"""The file of a layer: whoever writes it in between, nothing is lost unseen."""

import os

import numpy as np
import pytest

from medlab.labels import (
    FileChanged,
    Grid,
    Labels,
    Layer,
    as_segments,
    file_state,
    open_labels,
    save_layers,
)

ROUNDS = int(os.environ.get("MEDLAB_ROUNDS", 0)) or (
    1000 if os.environ.get("MEDLAB_LONG") else 25
)


@pytest.fixture
def grid(scan):
    return Grid(scan.shape, scan.affine)


def contents(folder):
    """Every label map that lies in the folder, the kept ones too."""
    return {path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_turns_of_two_layers_and_another_program_lose_nothing(
    home, scan, grid, seed
):
    rng = np.random.default_rng(seed)
    layers = [Layer.open(home, scan, name, segments=["a"]) for name in ("one", "two")]
    target = home.root / "files" / "labels.seg.nrrd"
    target.parent.mkdir()
    written_by = None
    for _ in range(8):
        who = int(rng.integers(3))
        mask = rng.random(scan.shape) < 0.2
        if who == 2:
            # Another program: it writes what it likes, over what it likes.
            Labels(mask.astype(np.uint8), scan.affine, as_segments(["b"])).save(target)
            written_by = "another program"
            continue
        layers[who].paint("a", mask)
        before = target.read_bytes() if target.exists() else None
        is_own = written_by in (None, layers[who].name)
        try:
            save_layers(home, [layers[who]], target, grid)
        except FileChanged as changed:
            assert not is_own
            assert target.read_bytes() == before
            if rng.random() < 0.5:
                continue
            save_layers(
                home, [layers[who]], target, grid, replace=changed.told["sha256"]
            )
            assert before in contents(target.parent)
        else:
            assert is_own
        written_by = layers[who].name
        found = open_labels(target).voxels
        np.testing.assert_array_equal(found, layers[who].voxels)
        assert file_state(home, layers[who])["state"] == "current"


def test_a_save_that_was_killed_before_its_note_is_known_again(
    home, scan, grid, monkeypatch
):
    layer = Layer.open(home, scan, segments=["a"])
    layer.paint("a", np.ones(scan.shape, bool))
    target = home.root / "labels.seg.nrrd"

    class Killed(BaseException):
        pass

    import medlab.labels._layer_file as writer

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        # Right after the rename, before the last note.
        patch.setattr(writer, "_stamp", killed)
        with pytest.raises(Killed):
            save_layers(home, [layer], target, grid)

    assert target.exists()
    assert file_state(home, layer)["state"] == "current"
    layer.paint(None, np.ones(scan.shape, bool))
    assert file_state(home, layer)["state"] == "behind"
    save_layers(home, [layer], target, grid)
    assert file_state(home, layer)["state"] == "current"


def test_a_damaged_note_is_no_licence_to_overwrite(home, scan, grid):
    layer = Layer.open(home, scan, segments=["a"])
    layer.paint("a", np.ones(scan.shape, bool))
    target = home.root / "labels.seg.nrrd"
    save_layers(home, [layer], target, grid)
    (note,) = home.labels.rglob("file.json")

    for damage in (b"", b"{", b"[]", b'{"path": 7}', b"\xff"):
        note.write_bytes(damage)
        assert file_state(home, layer)["state"] == "none"
        with pytest.raises(FileChanged):
            save_layers(home, [layer], target, grid)


def test_two_layers_in_one_file_are_not_replaced_by_one(home, scan, grid):
    layers = [Layer.open(home, scan, name, segments=["a"]) for name in ("one", "two")]
    target = home.root / "labels.seg.nrrd"
    save_layers(home, layers, target, grid)

    with pytest.raises(FileChanged):
        save_layers(home, layers[:1], target, grid)

    save_layers(home, layers[::-1], target, grid)
