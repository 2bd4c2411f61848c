"""Movement agrees with SciPy's interpolation, keeps shapes in mm, and can be undone."""

import jax
import numpy as np
import pytest
from scipy import ndimage

from medlab.augment import IGNORE, Augmentation
from medlab.augment._elastic import NODES
from medlab.augment._interpolate import find_corners, look_up
from medlab.augment._movement import (
    Movement,
    draw_movement,
    hide_outside,
    move_boxes,
    move_points,
    sources,
)

SHAPE = (13, 18, 15)
MIDDLE = (np.array(SHAPE) - 1) / 2


@pytest.fixture(scope="module")
def drawn():
    """Two hundred movements with everything on, of voxels with three spacings."""
    limits = Augmentation.of({"preset": "strong", "flip_p": 0.3})
    keys = jax.random.split(jax.random.key(0), 200)
    spacing_mm = np.array([1.0, 2.0, 0.5], np.float32)
    draw = jax.jit(jax.vmap(lambda key: draw_movement(key, limits, SHAPE, spacing_mm)))
    return jax.tree.map(np.asarray, draw(keys))


def one(drawn, number):
    return Movement(*(part[number] for part in drawn))


def draw_many(limits, shape, count=2000, spacing_mm=None):
    spacing_mm = np.ones(len(shape)) if spacing_mm is None else np.array(spacing_mm)
    keys = jax.random.split(jax.random.key(1), count)
    spacing_mm = spacing_mm.astype(np.float32)
    draw = jax.jit(jax.vmap(lambda key: draw_movement(key, limits, shape, spacing_mm)))
    return jax.tree.map(np.asarray, draw(keys))


def only(**limits):
    return Augmentation.of({"preset": "none", **limits})


def test_lookup_is_scipys_linear_and_nearest_interpolation():
    random = np.random.default_rng(0)
    image = random.normal(size=(*SHAPE, 2)).astype(np.float32)
    labels = random.integers(0, 5, SHAPE).astype(np.uint8)
    where = random.uniform(-2, 20, (3, *SHAPE)).astype(np.float32)

    find = jax.jit(lambda *all: look_up(*all[:2], find_corners(all[2], SHAPE)))
    ours, known = map(np.asarray, find(image, labels, where))

    for channel in range(2):
        theirs = ndimage.map_coordinates(
            image[..., channel], where, order=1, mode="nearest"
        )
        np.testing.assert_allclose(ours[..., channel], theirs, atol=1e-5)
    theirs = ndimage.map_coordinates(labels, where, order=0, mode="nearest")
    size = np.array(SHAPE).reshape(3, 1, 1, 1)
    inside = ((where >= -0.5) & (where < size - 0.5)).all(0)
    np.testing.assert_array_equal(known, np.where(inside, theirs, IGNORE))
    assert known.dtype == labels.dtype


def test_lookup_in_an_image_that_is_one_voxel_thick():
    image = np.arange(6, dtype=np.float32).reshape(1, 6, 1)
    labels = np.zeros((1, 6), np.uint8)
    where = np.stack([np.zeros((1, 6)), np.arange(6)[None] + 0.25])
    where = where.astype(np.float32)
    find = jax.jit(lambda *all: look_up(*all[:2], find_corners(all[2], (1, 6))))
    ours, _ = find(image, labels, where)
    np.testing.assert_allclose(ours[0, :, 0], [0.25, 1.25, 2.25, 3.25, 4.25, 5])


def test_sources_are_the_linear_map_and_the_bend_added_up(drawn):
    movement = one(drawn, 3)
    found = np.asarray(jax.jit(lambda m: sources(m, SHAPE))(movement))
    grid = np.indices(SHAPE).reshape(3, -1) - MIDDLE[:, None]
    linear = movement.matrix @ grid + (MIDDLE + movement.offset)[:, None]
    bend = found.reshape(3, -1) - linear
    corners = np.ix_(range(3), *[[0, size - 1] for size in SHAPE])
    nodes = movement.nodes[:, :: NODES - 1, :: NODES - 1, :: NODES - 1]
    np.testing.assert_allclose(bend.reshape(found.shape)[corners], nodes, atol=1e-4)
    # Cubic convolution overshoots its nodes by at most a quarter along each axis.
    assert np.abs(bend).max() < 1.25**3 * np.abs(movement.nodes).max()


def test_points_come_from_where_their_voxels_came_from(drawn):
    far = 0.0
    follow = jax.jit(lambda m, p: move_points(m, p, SHAPE))
    find = jax.jit(lambda m: sources(m, SHAPE))
    for number in range(0, 200, 10):
        movement = one(drawn, number)
        voxels = np.random.default_rng(number).integers(0, SHAPE, (9, 3))
        origins = np.asarray(find(movement))[:, *voxels.T].T
        back = np.asarray(follow(movement, origins))
        far = max(far, np.abs(back - voxels).max())
    assert far < 0.05


def test_nothing_folds_over_at_the_largest_limits():
    bends = draw_many(only(bend=0.04), (32, 32), count=50)
    find = jax.jit(jax.vmap(lambda m: sources(m, (32, 32))))
    where = np.asarray(find(Movement(*bends)))
    rows, columns = np.diff(where, axis=2), np.diff(where, axis=3)
    area = rows[:, 0, :, 1:] * columns[:, 1, 1:] - rows[:, 1, :, 1:] * columns[:, 0, 1:]
    assert area.min() > 0


def test_a_turn_is_rigid_in_mm():
    spacing_mm = np.array([1.0, 2.0, 0.5])
    movement = draw_many(only(turn_deg=40), SHAPE, 20, spacing_mm)
    rigid = movement.matrix * spacing_mm[:, None] / spacing_mm
    turned = rigid @ rigid.transpose(0, 2, 1)
    np.testing.assert_allclose(turned, np.tile(np.eye(3), (20, 1, 1)), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(rigid), 1, atol=1e-5)


def test_a_turn_reaches_its_limit_to_both_sides_and_not_further():
    matrix = draw_many(only(turn_deg=30), (9, 9)).matrix
    angles = np.rad2deg(np.arctan2(matrix[:, 1, 0], matrix[:, 0, 0]))
    assert -30 <= angles.min() < -29
    assert 29 < angles.max() <= 30
    assert abs(angles.mean()) < 4 * (60 / 12**0.5) / 2000**0.5


def test_each_axis_turns_by_its_own_limit():
    matrix = draw_many(only(turn_deg=(30, 0, 0)), SHAPE, 50).matrix
    np.testing.assert_array_equal(matrix[:, 0], np.tile([1, 0, 0], (50, 1)))


@pytest.mark.parametrize(
    ("limits", "entry", "bound"),
    [
        ({"scale": 0.3}, (0, 0), (0.7, 1.3)),
        ({"shear_deg": 20, "shear_p": 1}, (0, 1), (-0.364, 0.364)),
    ],
)
def test_scale_and_shear_reach_their_limits_and_not_further(limits, entry, bound):
    found = draw_many(only(**limits), (9, 9)).matrix[:, *entry]
    assert bound[0] <= found.min() < bound[0] + 0.02
    assert bound[1] - 0.02 < found.max() <= bound[1] + 1e-6


def test_a_shift_is_a_share_of_the_patch():
    offset = draw_many(only(shift=0.1), (20, 50)).offset
    np.testing.assert_allclose(np.abs(offset).max(0), [2, 5], rtol=0.01)


@pytest.mark.parametrize("chance", [0.0, 0.25, 1.0])
def test_mirror_images_are_as_frequent_as_asked_for(chance):
    matrix = draw_many(only(flip_p=(chance, 0.5)), (9, 9)).matrix
    mirrored = (matrix[:, 0, 0] == -1).mean()
    assert abs(mirrored - chance) <= 4 * (chance * (1 - chance) / 2000) ** 0.5
    assert (
        abs(np.corrcoef(matrix[:, 0, 0], matrix[:, 1, 1])[0, 1]) < 0.1 or chance != 0.25
    )


def test_quarter_turns_stay_in_planes_with_equal_sides_and_spacings():
    square = draw_many(only(quarter_turn_p=0.6), (8, 9, 9)).matrix
    assert (square[:, 0, 0] == 1).all()
    turned = (square != np.eye(3)).any((1, 2)).mean()
    assert abs(turned - 0.6) < 0.05
    np.testing.assert_allclose(np.linalg.det(square), 1)
    thick = draw_many(only(quarter_turn_p=1), (8, 9, 9), 50, (1, 1, 2)).matrix
    np.testing.assert_array_equal(thick, np.tile(np.eye(3), (50, 1, 1)))


def test_a_crop_stays_inside_the_patch():
    crops = draw_many(only(crop=0.6, crop_p=1), (21, 31), 200)
    find = jax.jit(jax.vmap(lambda m: sources(m, (21, 31))))
    where = np.asarray(find(Movement(crops.matrix, crops.offset, None)))
    assert where.min() >= -0.5
    assert (where[:, 0] <= 20.5).all()
    assert (where[:, 1] <= 30.5).all()
    assert 0.4 <= crops.matrix[:, 0, 0].min() < 0.42


def test_a_box_becomes_the_box_around_its_moved_corners():
    quarter = Movement(np.array([[0.0, -1], [1, 0]]), np.zeros(2), None)
    boxes = np.array([[[1.0, 2], [3, 7]], [[-20, -20], [-10, -10]]])
    moved = np.asarray(move_boxes(quarter, boxes, (9, 9)))
    # From x comes (8 - x1, x0): the box turns the other way.
    np.testing.assert_allclose(moved[0], [[2, 5], [7, 7]], atol=1e-5)
    assert np.isnan(moved[1]).all()


def test_a_box_is_cut_off_at_the_patch():
    shift = Movement(np.eye(2), np.array([4.0, 0.0]), None)
    moved = np.asarray(move_boxes(shift, np.array([[[1.0, 1], [6, 20]]]), (9, 9)))
    np.testing.assert_allclose(moved[0], [[-0.5, 1], [2, 8.5]])


def test_points_outside_the_patch_are_hidden():
    points = np.array([[-0.6, 4], [-0.4, 4], [4, 8.4], [4, 8.6], [np.nan, 4]])
    hidden = np.isnan(np.asarray(hide_outside(points, (9, 9)))).all(1)
    assert hidden.tolist() == [True, False, False, True, True]
