"""Layers keep every edit of every writer, and take back what they are asked to."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlab.errors import MedlabError
from medlab.labels import (
    Ack,
    Layer,
    LayerNotFound,
    Segment,
    StaleEdit,
    as_segments,
    decode_frame,
    decode_runs,
    from_frame,
)
from medlab.labels._delta import voxel_delta
from medlab.labels._sealed_json import seal, unseal
from medlab.scans import Home, ScanSource
from tests.support.scans import make_volume

BLOCK = np.ones((2, 2, 2), bool)


def delta_for(layer, value=1, *, base=None, session="0badcafe", seq=1, **changes):
    """An edit as a browser sends it: `value` in the first voxels."""
    current = layer.voxels[:2, :2, :2]
    after = np.full_like(current, value)
    fields = {"scan": layer.scan_id, "layer": layer.name, "session": session}
    base = layer.rev if base is None else base
    delta = voxel_delta(
        *(current, after, (0, 0, 0)),
        **{**fields, "base": base, "seq": seq, "tool": "brush", "segment": value},
    )
    return replace(delta, **changes)


PAINT = st.tuples(
    st.sampled_from(["paint", "undo", "redo"]),
    st.integers(0, 1),
    st.sampled_from([None, 1, 2]),
    st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(0, 7)),
)


@given(st.lists(PAINT, max_size=25))
@settings(max_examples=60, deadline=None)
def test_two_writers_see_the_same_map_as_a_plain_array(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("place")
    scan = replace(make_volume(), source=ScanSource("a.nii"))
    home = Home(folder, folder / ".medlab")
    layers = [Layer.open(home, scan, segments=["lung", "liver"]) for _ in range(2)]
    expected = np.zeros(scan.shape, np.uint8)

    for what, who, segment, at in steps:
        writer = layers[who]
        if what == "paint":
            i, j, k = at
            writer.paint(segment, BLOCK, at=at)
            expected[i : i + 2, j : j + 2, k : k + 2] = segment or 0
        else:
            getattr(writer, what)()
            expected = writer.voxels.copy()
        np.testing.assert_array_equal(layers[1 - who].voxels, expected)

    assert layers[0].rev == layers[1].rev
    np.testing.assert_array_equal(Layer.open(home, scan).voxels, expected)


@given(st.lists(PAINT, min_size=1, max_size=15))
@settings(max_examples=40, deadline=None)
def test_undoing_all_gives_the_start_and_redoing_all_the_end(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("place")
    scan = replace(make_volume(), source=ScanSource("a.nii"))
    layer = Layer.open(
        Home(folder, folder / ".medlab"), scan, segments=["lung", "liver"]
    )
    for _, _, segment, at in steps:
        layer.paint(segment, BLOCK, at=at)
    layer.set_segments([*layer.segments, Segment(3, "heart", "#ff0000")])
    end = layer.voxels.copy()

    while layer.undo():
        pass
    start, names = layer.voxels.copy(), [s.name for s in layer.segments]
    while layer.redo():
        pass

    assert not start.any()
    assert names == ["lung", "liver"]
    np.testing.assert_array_equal(layer.voxels, end)
    assert [s.name for s in layer.segments] == ["lung", "liver", "heart"]


def test_undo_leaves_what_another_writer_drew_over_it(layer, open_layer):
    other = open_layer()
    layer.paint("lung", BLOCK)
    other.paint("liver", np.ones((1, 1, 1), bool))

    layer.undo()

    assert np.argwhere(other.voxels).tolist() == [[0, 0, 0]]
    assert other.voxels[0, 0, 0] == 2


def test_undo_of_a_segment_list_keeps_the_segments_that_others_added(layer, open_layer):
    other = open_layer()
    layer.set_segments([*layer.segments, Segment(3, "heart", "#ff0000")])
    other.set_segments([*other.segments, Segment(4, "spleen", "#00ff00")])

    layer.undo()

    assert [s.name for s in other.segments] == ["lung", "liver", "spleen"]


def test_a_paint_after_an_undo_ends_what_can_be_redone(layer):
    layer.paint("lung", BLOCK)
    layer.undo()
    layer.paint("liver", BLOCK)

    assert layer.redo() is None


def test_voxels_of_locked_segments_stay(layer):
    layer.paint("lung", BLOCK)
    lung, liver = layer.segments
    layer.set_segments([replace(lung, locked=True), liver])

    layer.paint("liver", np.ones(layer.shape, bool))

    assert np.all(layer.voxels[:2, :2, :2] == 1)
    assert np.count_nonzero(layer.voxels == 2) == 7 * 8 * 9 - 8


def test_the_map_cannot_be_written_past_the_journal(layer):
    with pytest.raises(ValueError, match="read-only"):
        layer.voxels[0, 0, 0] = 1


def test_painting_what_is_there_writes_nothing(layer):
    layer.paint("lung", BLOCK)

    assert layer.paint("lung", BLOCK) is None
    assert layer.rev == 1


def test_a_stale_edit_gets_what_it_missed(layer):
    layer.paint("lung", BLOCK)
    layer.paint("liver", BLOCK)
    edit = delta_for(layer, 1, base=1)

    with pytest.raises(StaleEdit, match=r"revision 2, got 1. Apply") as stale:
        layer.apply(edit)

    missed = [from_frame(decode_frame(data)) for data in stale.value.missed]
    assert [delta.rev for delta in missed] == [2]
    assert layer.rev == 2


def test_an_edit_sent_again_gets_its_own_revision_and_is_not_written(layer, open_layer):
    edits = []
    for seq, value in enumerate([1, 2, 1], start=1):
        edits.append(delta_for(layer, value, seq=seq))
        layer.apply(edits[-1])

    for opened in (layer, open_layer()):
        assert [opened.apply(edit).rev for edit in edits] == [1, 2, 3]
        assert opened.rev == 3


def test_an_edit_that_comes_after_a_later_one_is_written(layer):
    # Acknowledging it because its writer is already further would lose it.
    layer.apply(delta_for(layer, 1, seq=2))

    late = layer.apply(delta_for(layer, 2, seq=1))

    assert late.rev == 2
    assert layer.voxels[0, 0, 0] == 2


def test_since_tells_the_edits_after_a_revision(layer, open_layer):
    for value in (1, 2, 1):
        layer.paint(value, BLOCK)

    for opened in (layer, open_layer()):
        revs = [
            [decode_frame(data).header["rev"] for data in opened.since(rev)]
            for rev in range(4)
        ]
        assert revs == [[1, 2, 3], [2, 3], [3], []]


def test_a_revision_that_the_layer_does_not_have_is_told(layer):
    layer.paint("lung", BLOCK)

    with pytest.raises(
        MedlabError, match=r"no revision 4.*is at 1. Load it again"
    ) as no:
        layer.since(4)

    assert (no.value.code, no.value.told) == ("another-history", {"rev": 1})


def test_the_snapshot_frame_holds_the_whole_map(layer):
    layer.paint("liver", BLOCK, at=(5, 6, 7))

    frame = decode_frame(layer.snapshot())

    told = {key: frame.header[key] for key in ("op", "rev", "shape", "dtype")}
    assert told == {"op": "snapshot", "rev": 1, "shape": [7, 8, 9], "dtype": "u1"}
    voxels = decode_runs(frame.payload, layer.shape, "u1")
    np.testing.assert_array_equal(voxels, layer.voxels)


def test_an_acknowledgement_is_written_as_the_contract_says():
    frames = Path(__file__).parents[2] / "contract" / "frames"

    written = Ack("labels", 5, "00c0ffee", 18).encode()

    assert written == (frames / "ack.bin").read_bytes()


def test_ids_above_255_make_a_layer_of_two_bytes(home, scan):
    layer = Layer.open(home, scan, segments=[Segment(300, "vertebra", "#ff0000")])

    layer.paint("vertebra", BLOCK)

    assert layer.voxels.dtype == np.uint16
    assert Layer.open(home, scan).voxels[1, 1, 1] == 300


# What is refused, and what the message advises.


def test_a_mask_of_another_shape_is_refused_with_advice(layer):
    with pytest.raises(MedlabError, match=r"\(7, 8, 9\) voxels, got \(8, 7, 9\).*`at`"):
        layer.paint("lung", np.ones((8, 7, 9), bool))
    with pytest.raises(MedlabError, match=r"beginning at \(6, 0, 0\)"):
        layer.paint("lung", BLOCK, at=(6, 0, 0))


def test_a_locked_segment_is_not_painted(layer):
    layer.set_segments([replace(s, locked=True) for s in layer.segments])

    with pytest.raises(MedlabError, match=r"'lung' is locked. Unlock it to draw"):
        layer.paint("lung", BLOCK)


def test_an_unknown_segment_is_refused_with_those_there_are(layer):
    with pytest.raises(MedlabError, match="'hart', the segments are: 'lung', 'liver'"):
        layer.paint("hart", BLOCK)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b ", ".x", "ä", "x" * 65])
def test_a_name_that_is_no_folder_is_refused(home, scan, name):
    with pytest.raises(MedlabError, match=r"up to 64 letters.*Choose a simpler one"):
        Layer.open(home, scan, name)

    assert not home.folder.exists()


def test_a_name_that_is_an_address_of_the_server_is_refused(home, scan):
    with pytest.raises(MedlabError, match="must not be 'Files'.*Choose another"):
        Layer.open(home, scan, "Files")


def test_a_layer_that_is_not_there_is_told_with_those_there_are(home, scan, layer):
    with pytest.raises(LayerNotFound, match=r"has no layer 'truth'. It has: labels"):
        Layer.open(home, scan, "truth", create=False)


def test_a_volume_made_in_memory_has_no_layer(home):
    with pytest.raises(MedlabError, match=r"made in memory. Save it with medlab.scans"):
        Layer.open(home, make_volume())


@pytest.mark.parametrize(
    "other",
    [make_volume((9, 8, 7)), make_volume(axes="RAS"), make_volume(oblique=True)],
)
def test_the_layer_of_a_replaced_scan_is_refused(home, scan, layer, other):
    with pytest.raises(MedlabError, match="scan was replaced: open the old one"):
        Layer.open(home, replace(other, source=scan.source))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scan": "f" * 16}, "another scan or layer. Send it there"),
        ({"box": (0, 2, 0, 2, 0, 99)}, r"inside \(7, 8, 9\) voxels, got .*99"),
        ({"box": (0, 4, 0, 2, 0, 1)}, None),
        ({"box": (-2, 0, 0, 2, 0, 2)}, "inside"),
        ({"after": b"\0" * 6}, "cover 0"),
        ({"segments": ((), (Segment(256, "x", "#ffffff"),))}, "1 to 255, got 256"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused_and_not_written(layer, changes, message):
    edit = delta_for(layer, 1, **changes)
    if message is None:  # A box that fits, and holds as many voxels: it is an edit.
        assert layer.apply(edit).rev == 1
        return

    with pytest.raises(MedlabError, match=message):
        layer.apply(edit)

    assert layer.rev == 0
    assert not layer.voxels.any()


def test_an_edit_of_something_else_than_is_there_is_refused(layer):
    edit = delta_for(layer, 1)
    layer.paint("liver", np.ones((1, 1, 1), bool))

    with pytest.raises(MedlabError, match=r"revision 1 holds something else.*Load"):
        layer.apply(replace(edit, base=1))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("lung", r"got the single name 'lung'. Write \['lung'\]"),
        ([("lung", "red")], "must look like #rrggbb, got 'red'"),
        ([""], "must have a name such as"),
        ([{"id": "1", "name": "lung"}], "must be a whole number, got '1'"),
        ([{"id": 0, "name": "lung"}], "1 to 65535, got 0. 0 is background"),
        ([Segment(1, "a", "#ffffff"), "b", Segment(2, "c", "#ffffff")], "Number them"),
        ([3.5], "must be a name, a .* got 3.5"),
    ],
)
def test_segments_that_cannot_be_are_refused_with_advice(given, message):
    with pytest.raises(MedlabError, match=message):
        as_segments(given)


def test_a_layer_of_a_newer_format_is_refused_with_advice(home, layer, open_layer):
    (path,) = home.labels.glob("*/labels/layer.json")
    path.write_bytes(seal({**unseal(path.read_bytes()), "format": 2}))

    with pytest.raises(MedlabError, match=r"format 1, got 2. .*update this one"):
        open_layer()


def test_a_damaged_description_is_mended_by_its_copy(home, layer, open_layer):
    (path,) = home.labels.glob("*/labels/layer.json")
    whole = path.read_bytes()
    path.write_text("{")

    assert open_layer().shape == (7, 8, 9)

    assert path.read_bytes() == whole
    (kept,) = path.parent.glob("layer.json.damaged-*")
    assert kept.read_text() == "{"


def test_a_description_damaged_twice_is_told(home, layer, open_layer):
    for name in ("layer.json", "layer.copy.json"):
        (path,) = home.labels.glob(f"*/labels/{name}")
        path.write_text("{")

    with pytest.raises(
        MedlabError, match=r"must be the JSON that medlab wrote.*its copy.*backup"
    ):
        open_layer()


def test_a_layer_of_an_older_medlab_gets_a_checksum_and_a_copy(home, layer, open_layer):
    (path,) = home.labels.glob("*/labels/layer.json")
    told = unseal(path.read_bytes())
    path.write_text(json.dumps(told, indent=2))
    (path.parent / "layer.copy.json").unlink()

    open_layer()

    assert json.loads(path.read_text())["crc"]
    assert unseal((path.parent / "layer.copy.json").read_bytes()) == told
