"""What changes intensities agrees with SciPy, scikit-image, NumPy's FFT or a formula."""

import jax
import numpy as np
import pytest
from scipy import ndimage, stats
from skimage import exposure, transform

from medlab.augment._anisotropy import thicken_slices
from medlab.augment._bias_field import shade
from medlab.augment._blur import blur
from medlab.augment._brightness import brighten
from medlab.augment._contrast import spread_intensities
from medlab.augment._cutout import cut_out
from medlab.augment._gamma import bend_intensities
from medlab.augment._ghosting import add_ghosts
from medlab.augment._low_resolution import lower_resolution
from medlab.augment._motion import scan_in_motion
from medlab.augment._noise import add_noise
from medlab.augment._spike import add_stripes

SHAPE = (12, 18, 9)


@pytest.fixture(scope="module")
def volume():
    return np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


def applied(transform, image, *drawn):
    """Compiled, on an image with one channel."""
    return np.asarray(jax.jit(transform)(image[..., None], *drawn))[..., 0]


def test_noise_is_normal_with_the_deviation_asked_for_and_new_in_every_channel():
    image = np.ones((128, 128, 2), np.float32)
    noise = np.asarray(jax.jit(add_noise)(image, 0.3, jax.random.key(0))) - image
    assert abs(noise.mean()) < 4 * 0.3 / noise.size**0.5
    assert stats.kstest(noise.ravel() / 0.3, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.04
    neighbours = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())
    assert abs(neighbours[0, 1]) < 0.04


@pytest.mark.parametrize("deviation", [0.7, 2.0])
def test_blur_is_scipys_gaussian_filter(volume, deviation):
    theirs = ndimage.gaussian_filter(volume, deviation, mode="reflect", truncate=8)
    np.testing.assert_allclose(applied(blur, volume, deviation), theirs, atol=2e-5)


def test_blurring_by_nothing_changes_nothing(volume):
    np.testing.assert_allclose(applied(blur, volume, 0.0), volume, atol=1e-6)


def test_gamma_is_the_power_of_what_lies_between_the_extremes(volume):
    low, span = volume.min(), np.ptp(volume)
    theirs = exposure.adjust_gamma((volume - low) / span, 1.7) * span + low
    ours = applied(bend_intensities, volume, 1.7)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_gamma_of_a_flat_image_is_that_image():
    flat = np.full(SHAPE, 0.5, np.float32)
    np.testing.assert_allclose(applied(bend_intensities, flat, 2.0), flat, atol=1e-5)


def test_contrast_and_brightness_are_a_line(volume):
    np.testing.assert_allclose(spread_intensities(volume, 0.5), 1.5 * volume, rtol=1e-6)
    np.testing.assert_allclose(brighten(volume, 0.5), volume + np.float32(0.5))


def down_and_up(line, step, axis):
    """Average over `step` voxels and interpolate linearly, as SciPy does it."""
    steps = [step if a == axis else 1 for a in range(line.ndim)]
    small = transform.downscale_local_mean(line, tuple(steps))
    return ndimage.zoom(small, steps, order=1, mode="nearest", grid_mode=True)


def test_low_resolution_is_down_and_up(volume):
    theirs = volume
    for axis in range(3):
        theirs = down_and_up(theirs, 3, axis)
    np.testing.assert_allclose(
        applied(lower_resolution, volume, 3.0), theirs, atol=1e-5
    )


def test_full_resolution_changes_nothing(volume):
    ours = applied(lower_resolution, volume, 1.0)
    np.testing.assert_allclose(ours, volume, atol=1e-6)


def test_low_resolution_keeps_a_flat_image_flat_for_sizes_that_do_not_divide():
    flat = np.full(SHAPE, 2.5, np.float32)
    np.testing.assert_allclose(applied(lower_resolution, flat, 2.3), flat, rtol=1e-5)


@pytest.mark.parametrize("axis", range(3))
def test_anisotropy_is_down_and_up_along_one_axis(volume, axis):
    ours = applied(thicken_slices, volume, axis, 3.0)
    np.testing.assert_allclose(ours, down_and_up(volume, 3, axis), atol=1e-5)


def test_a_bias_field_is_smooth_positive_and_the_same_for_any_image(volume):
    waves = np.random.default_rng(1).uniform(-1, 1, (4, 4, 4)).astype(np.float32)
    ramp = np.linspace(-1, 1, volume.size, dtype=np.float32).reshape(SHAPE)
    logs = []
    for image in (volume, ramp):
        bright = image > image.min() + 0.2
        ours = applied(shade, image, waves, 0.5)
        ratio = (ours - image.min())[bright] / (image - image.min())[bright]
        logs.append(np.full(SHAPE, np.nan))
        logs[-1][bright] = np.log(ratio)
    both = np.isfinite(logs).all(0)
    assert both.mean() > 0.8
    np.testing.assert_allclose(logs[0][both], logs[1][both], atol=1e-4)
    field = np.nanmax(logs, axis=0)
    assert np.abs(field).max() == pytest.approx(0.5, abs=0.02)
    for axis in range(3):
        # The fastest wave is three halves of a cosine along the side.
        bend = np.abs(np.diff(field, 2, axis)).max()
        assert bend < 0.5 * (3 * np.pi / SHAPE[axis]) ** 2


@pytest.mark.parametrize("axis", range(3))
def test_ghosts_are_weaker_lines_of_k_space(volume, axis):
    ours = applied(add_ghosts, volume, axis, 3, 0.4)
    ratio = np.fft.fftn(ours) / np.fft.fftn(volume)
    lines = np.moveaxis(ratio, axis, 0).reshape(SHAPE[axis], -1)
    line = np.abs(np.fft.fftfreq(SHAPE[axis]) * SHAPE[axis]).round()
    for number, found in zip(line, lines, strict=True):
        weaker = number > 0 and number % 3 == 0
        np.testing.assert_allclose(found, 0.6 if weaker else 1.0, atol=2e-3)


def test_ghosts_keep_the_mean(volume):
    assert applied(add_ghosts, volume, 0, 2, 1.0).mean() == pytest.approx(
        volume.mean(), abs=1e-5
    )


def test_motion_takes_the_lines_of_k_space_from_moved_bodies(volume):
    places = np.array([[1.5, -2.0, 0.5], [-1.0, 0.0, 2.0]], np.float32)
    moments = np.array([0.3, 0.8], np.float32)

    ours = applied(scan_in_motion, volume, 1, moments, places)

    still = np.fft.fftn(volume - volume.min())
    early, late = (ndimage.fourier_shift(still, place) for place in places)
    time = np.fft.fftfreq(SHAPE[1]) + 0.5
    seen = np.where((time < 0.3)[None, :, None], early, still)
    seen = np.where((time > 0.8)[None, :, None], late, seen)
    theirs = np.abs(np.fft.ifftn(seen)) + volume.min()
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_a_body_that_does_not_move_is_scanned_as_it_is(volume):
    ours = applied(
        scan_in_motion, volume, 0, np.array([0.3, 0.8]), np.zeros((2, 3), np.float32)
    )
    np.testing.assert_allclose(ours, volume, atol=1e-5)


def test_a_spike_is_one_point_of_k_space_and_its_mirror_image(volume):
    point = np.array([2, -3, 1])
    ours = applied(add_stripes, volume, point, 0.7, 0.2)
    added = np.abs(np.fft.fftn(ours - volume))
    height = 0.2 * np.ptp(volume) * volume.size / 2
    expected = np.zeros(SHAPE)
    expected[tuple(point)] = expected[tuple(-point)] = height
    np.testing.assert_allclose(added, expected, atol=height * 1e-4)


def test_cutout_fills_a_box_with_the_mean(volume):
    ours = applied(cut_out, volume, np.array([2, 3.0, 0]), np.array([6, 8.0, 4]))
    expected = volume.copy()
    expected[2:6, 3:8, 0:4] = volume.mean()
    np.testing.assert_allclose(ours, expected, atol=1e-6)
