"""No tool changes a locked voxel, nor a hidden one unless everything may be overwritten."""

import os
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
from hypothesis import HealthCheck, given, settings

from medlab.errors import MedlabError
from medlab.labels import Segment
from medlab.labels.tools import TOOLS, propose
from tests.support.shapes import drawn_on

SIZES = st.integers(4, 14)
IDS = (1, 2, 3, 7)
ROUNDS = 10_000 if os.environ.get("MEDLAB_LONG") else 200


@st.composite
def scenes(draw):
    """A scan, a map of a few blobs, and segments in any state."""
    shape = draw(st.tuples(SIZES, SIZES, SIZES))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    order = draw(st.sampled_from("CF"))
    labels = np.zeros(shape, draw(st.sampled_from([np.uint8, np.uint16])), order=order)
    for _ in range(draw(st.integers(1, 9))):
        low = [int(rng.integers(0, n)) for n in shape]
        high = [int(rng.integers(a, n)) + 1 for a, n in zip(low, shape, strict=True)]
        block = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        labels[block] = rng.choice([0, *IDS])
    voxels = np.asarray(rng.normal(0, 100, shape) + 300 * (labels == 1), np.float32)
    segments = [
        Segment(n, f"s{n}", "#112233", draw(st.booleans()), draw(st.booleans()))
        for n in IDS
    ]
    spacing = draw(st.tuples(*[st.sampled_from([0.5, 0.7, 1.0, 2.5, 5.0])] * 3))
    return voxels, labels, segments, spacing


@st.composite
def requests(draw, shape):
    """A tool and parameters that it might be sent."""
    segment, other = draw(st.sampled_from(IDS)), draw(st.sampled_from(IDS))
    seed = [draw(st.integers(0, n - 1)) for n in shape]
    mm = draw(st.floats(0.4, 6))
    axis = draw(st.integers(0, 2))
    tolerance = draw(st.none() | st.floats(1, 400))
    one = {"segment": segment}
    logic = ("copy", "union", "intersect", "subtract", "invert", "clear", "fill-holes")
    clicked = ("keep-clicked", "remove-clicked", "add-clicked")
    forms = {
        "grow": {
            **one,
            **{"seed": seed, "tolerance": tolerance},
            "axis": draw(st.none() | st.just(axis)),
            "max_mm": draw(st.none() | st.just(mm)),
            "expand": draw(st.integers(-5, 5)),
        },
        "fill": {**one, "seed": seed, "tolerance": tolerance},
        "seeds": {"margin_mm": mm, "smoothness": draw(st.floats(0, 1))},
        "between": {**one, "axis": axis},
        "islands": {
            **one,
            "op": draw(
                st.sampled_from(["keep-largest", "remove-small", "split", *clicked])
            ),
            **{"min_mm3": mm, "seed": seed},
        },
        "margin": {**one, "mm": draw(st.sampled_from([mm, -mm]))},
        "smooth": draw(
            st.sampled_from(
                [{"segments": None, "method": "joint", "mm": mm}]
                + [
                    {"segments": [segment], "method": m, "mm": mm}
                    for m in ("median", "open", "close", "gaussian", "joint")
                ]
            )
        ),
        "hollow": {
            **{**one, "mm": mm},
            "side": draw(st.sampled_from(["inside", "outside", "middle"])),
        },
        "logic": {**one, "other": other, "op": draw(st.sampled_from(logic))},
        "threshold": {
            **one,
            "low": draw(st.none() | st.floats(-99, 99)),
            "high": 300.0,
        },
    }
    assert set(forms) == set(TOOLS)
    tool = draw(st.sampled_from(sorted(forms)))
    return tool, forms[tool]


@settings(max_examples=ROUNDS, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_locked_and_hidden_segments_keep_every_voxel(data):
    voxels, labels, segments, spacing = data.draw(scenes())
    tool, params = data.draw(requests(labels.shape))
    overwrites = data.draw(st.sampled_from(["visible", "background", "everything"]))
    before = labels.copy()

    try:
        proposal = propose(
            tool,
            voxels,
            labels,
            known=segments,
            spacing_mm=spacing,
            overwrites=overwrites,
            **params,
        )
    except MedlabError:
        return

    np.testing.assert_array_equal(labels, before)
    drawn = drawn_on(labels, proposal)
    for segment in segments:
        if segment.locked or (overwrites != "everything" and not segment.visible):
            np.testing.assert_array_equal(drawn == segment.id, labels == segment.id)
    known = {0, *IDS} | {segment.id for segment in proposal.new_segments}
    assert set(np.unique(drawn).tolist()) <= known
    if overwrites == "background":
        taken = (drawn != labels) & (labels > 0)
        assert np.isin(labels[taken], proposal.segments).all()


@settings(
    max_examples=ROUNDS // 2, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(st.data())
def test_the_order_of_axes_in_memory_changes_nothing(data):
    voxels, labels, segments, spacing = data.draw(scenes())
    tool, params = data.draw(requests(labels.shape))
    segments = [replace(s, locked=False, visible=True) for s in segments]

    def drawn(order):
        try:
            found = propose(
                tool,
                np.asarray(voxels, order=order),
                np.asarray(labels, order=order),
                known=segments,
                spacing_mm=spacing,
                **params,
            )
        except MedlabError as error:
            return str(error)
        return drawn_on(labels, found)

    first, second = drawn("C"), drawn("F")
    if isinstance(first, str):
        assert first == second
    elif tool not in ("seeds", "islands"):
        # Islands of equal size, and voxels as near to two seeds, go to whichever is first.
        np.testing.assert_array_equal(first, second)


def test_a_locked_target_is_refused_with_its_name():
    labels = np.ones((4, 4, 4), np.uint8)
    locked = [Segment(1, "liver", "#112233", locked=True)]
    hidden = [Segment(1, "liver", "#112233", visible=False)]

    def sentence(known, **told):
        try:
            propose("margin", None, labels, known=known, spacing_mm=(1, 1, 1), **told)
        except MedlabError as error:
            return str(error)
        return None

    assert sentence(locked, segment=1, mm=-1.0) == (
        "The segment 'liver' is locked. Unlock it to draw."
    )
    assert sentence(hidden, segment=1, mm=-1.0) == (
        "The segment 'liver' is hidden. Show it to draw, or overwrite everything."
    )
    assert sentence(hidden, segment=1, mm=-1.0, overwrites="everything") is None


def test_a_region_keeps_the_tool_inside_it():
    labels = np.zeros((9, 9, 9), np.uint8)
    labels[4, 4, 4] = 1
    known = [Segment(1, "node", "#112233")]

    found = propose(
        "margin",
        None,
        labels,
        known=known,
        spacing_mm=(1, 1, 1),
        region=(3, 9, 0, 5, 0, 9),
        **{"segment": 1, "mm": 3.0},
    )

    assert found.box == (3, 8, 1, 5, 1, 8)
