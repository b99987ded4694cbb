"""The lesson's examples of convolution, to the digit."""

import math

import pytest
import torch
from torch import Tensor

from models.convolution.filters import FILTERS, classic_filter, gaussian_blur
from models.convolution.operator import convolve, correlate, correlate_maps
from models.convolution.pooling import max_pool, mean_pool
from models.convolution.signals import convolve_functions, echo, weighted_moving_average
from models.convolution.sizes import (
    ReceptiveField,
    Window,
    dense_weights,
    filter_weights,
    output_size,
    output_sizes,
    receptive_fields,
    smallest_input,
)
from models.errors import ConfigError

INPUT = torch.tensor(
    [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
)
KERNEL = torch.tensor([[0, 1, 2], [2, 2, 0], [0, 1, 2]])
LETTER_A = 0.6 * torch.tensor(
    [
        [0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0],
        [0, 1, 0, 0, 1, 0],
        [0, 1, 1, 1, 1, 0],
        [0, 1, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 0],
    ]
)


def test_the_picture_of_the_lesson_is_a_cross_correlation() -> None:
    assert correlate(INPUT, KERNEL).tolist() == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]


def test_convolution_turns_the_kernel_round_first() -> None:
    assert convolve(INPUT, KERNEL).tolist() == [[18, 20, 19], [10, 9, 17], [11, 8, 14]]


def test_nine_weights_do_the_work_of_225() -> None:
    out = correlate(INPUT, KERNEL)
    assert filter_weights(KERNEL.shape) == 9
    assert dense_weights(INPUT.numel(), out.numel()) == 225


def test_a_dense_layer_on_a_colour_image_has_3000_million_weights() -> None:
    assert dense_weights(1000 * 1000 * 3, 1000) == 3_000_000_000
    assert filter_weights((3, 3), in_channels=3, filters=1000) == 27_000


def test_five_entries_three_wide_in_steps_of_two_give_three() -> None:
    assert output_size(5, Window(3, stride=2, padding=1), exact=True) == 3
    assert correlate(INPUT, KERNEL, stride=2, padding=1, exact=True).shape == (3, 3)


def test_seven_pooled_by_two_is_three_rounded_down() -> None:
    assert output_size(7, Window(2, stride=2)) == 3
    with pytest.raises(ConfigError, match="not whole"):
        output_size(7, Window(2, stride=2), exact=True)


def test_three_phases_lead_from_28x28_to_128_maps_of_3x3() -> None:
    generator = torch.Generator().manual_seed(0)
    maps, shapes = torch.rand(1, 1, 28, 28, generator=generator), []
    for filters in (32, 64, 128):
        kernels = torch.randn(filters, maps.shape[1], 3, 3, generator=generator)
        maps = max_pool(correlate_maps(maps, kernels, padding=1).relu(), Window(2, stride=2))
        shapes.append(tuple(maps.shape[1:]))
    assert shapes == [(32, 14, 14), (64, 7, 7), (128, 3, 3)]


def test_what_each_layer_of_the_three_phases_sees() -> None:
    phase = (Window(3, padding=1), Window(2, stride=2))
    assert output_sizes(28, phase * 3) == [28, 14, 14, 7, 7, 3]
    fields = receptive_fields(phase * 3)
    assert [field.size for field in fields] == [3, 4, 8, 10, 18, 22]
    assert [field.step for field in fields] == [1, 2, 2, 4, 4, 8]


def test_two_filters_of_three_see_what_one_of_five_does() -> None:
    assert receptive_fields((Window(3), Window(3)))[-1] == receptive_fields((Window(5),))[-1]
    assert receptive_fields((Window(3, stride=2), Window(3)))[-1] == ReceptiveField(7, 2)


def test_a_receptive_field_is_where_a_change_of_the_input_shows() -> None:
    stack = (Window(3, stride=2), Window(3), Window(2, stride=2))
    x = torch.zeros(40, dtype=torch.float64, requires_grad=True)
    y: Tensor = x
    for window in stack:
        y = correlate(y, torch.ones(window.size, dtype=torch.float64), stride=window.stride)
    seen = [torch.autograd.grad(y[i], x, retain_graph=True)[0].nonzero() for i in (0, 1)]
    field = receptive_fields(stack)[-1]
    assert len(seen[0]) == field.size
    assert int(seen[1].min() - seen[0].min()) == field.step


def test_the_smallest_input_fits_and_one_less_does_not() -> None:
    stack = (Window(5), Window(2, stride=2), Window(5), Window(2, stride=2), Window(5))
    assert smallest_input(stack) == 32  # LeNet-5
    assert output_sizes(32, stack)[-1] == 1
    with pytest.raises(ConfigError, match="does not fit"):
        output_sizes(31, stack)


def test_the_letter_a_and_its_feature_map() -> None:
    sobel = classic_filter("sobel-vertical")
    maps = correlate(LETTER_A, sobel)
    expected = torch.tensor(
        [
            [-1.2, -0.6, 0.6, 1.2],
            [-1.2, 0.6, -0.6, 1.2],
            [-1.2, 1.2, -1.2, 1.2],
            [-0.6, 1.2, -1.2, 0.6],
        ]
    )
    assert torch.allclose(maps, expected)
    assert torch.allclose(maps.relu(), expected.clamp_min(0))
    assert maps.relu()[0].tolist() == pytest.approx([0, 0, 0.6, 1.2])


def test_classic_filters_do_what_their_names_say() -> None:
    x = torch.tensor([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0], [1.0, 2.0, 4.0]])
    assert correlate(x, classic_filter("left-difference")).tolist() == [[1.0, 2.0]] * 3
    assert correlate(x, classic_filter("mean-2x2")).tolist() == [[1.5, 3.0]] * 2
    assert correlate(x, classic_filter("mean-3x3")).item() == pytest.approx(21 / 9)
    assert correlate(x, classic_filter("edges")).item() == pytest.approx(9 * 2 - 21)
    assert correlate(x, classic_filter("sobel-horizontal")).item() == 0
    assert correlate(x.T, classic_filter("sobel-vertical")).item() == 0
    assert correlate(x, classic_filter("blur")).item() == pytest.approx((1 + 2 * 2 + 4) / 4)
    with pytest.raises(ConfigError, match="Did you mean 'edges'"):
        classic_filter("edge")


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_keeps_or_removes_what_is_even(name: str) -> None:
    even = correlate(torch.ones(5, 5), classic_filter(name))
    keeps = name.startswith(("mean", "blur"))
    assert torch.allclose(even, torch.full_like(even, float(keeps)), atol=1e-6)


def test_a_blur_spreads_one_point_and_loses_nothing() -> None:
    point = torch.zeros(9, 9)
    point[4, 4] = 1.0
    blurred = correlate(point, gaussian_blur(5, 1.0), padding=2)
    assert blurred.sum().item() == pytest.approx(1)
    assert blurred.argmax().item() == 4 * 9 + 4
    assert torch.allclose(blurred, blurred.T)
    with pytest.raises(ConfigError, match="must be above 0"):
        gaussian_blur(3, 0.0)


def test_pools_of_four_numbers() -> None:
    x = torch.tensor([[1.0, 2.0, 5.0, 6.0], [3.0, 4.0, 7.0, 8.0]])
    assert max_pool(x, Window(2, stride=2)).tolist() == [[4.0, 8.0]]
    assert mean_pool(x, Window(2, stride=2)).tolist() == [[2.5, 6.5]]


def test_a_global_transformation_survives_a_permutation_of_the_pixels() -> None:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(40, 36, generator=generator, dtype=torch.float64)
    weight = torch.randn(16, 36, generator=generator, dtype=torch.float64)
    order = torch.randperm(36, generator=generator)
    permuted = pictures[:, order]
    assert torch.allclose(permuted @ weight[:, order].T, pictures @ weight.T)


def test_a_local_transformation_does_not_survive_it() -> None:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(40, 1, 6, 6, generator=generator, dtype=torch.float64)
    sobel = classic_filter("sobel-vertical").double()
    maps = correlate_maps(pictures, sobel[None, None]).flatten()
    order = torch.randperm(36, generator=generator)
    permuted = pictures.flatten(1)[:, order].reshape(pictures.shape)
    assert _error_of_the_best_kernel(pictures, maps) < 1e-12
    assert _error_of_the_best_kernel(permuted, maps) > 0.8


def _error_of_the_best_kernel(pictures: Tensor, maps: Tensor) -> float:
    """Of all 3x3 kernels: how much of the maps the best of them leaves unexplained."""
    patches = pictures.unfold(2, 3, 1).unfold(3, 3, 1).reshape(-1, 9)
    kernel = torch.linalg.lstsq(patches, maps[:, None]).solution
    left = maps - (patches @ kernel)[:, 0]
    return float(left.square().sum() / maps.square().sum())


def test_the_map_of_a_filter_moves_with_the_picture() -> None:
    picture = torch.zeros(16, 16)
    picture[3:9, 3:9] = LETTER_A
    moved = picture.roll((2, 4), dims=(0, 1))
    sobel = classic_filter("sobel-vertical")
    before, after = (correlate(x, sobel, padding=1) for x in (picture, moved))
    assert torch.equal(before.roll((2, 4), dims=(0, 1)), after)


def test_pooling_forgives_small_moves() -> None:
    spot = torch.zeros(8, 8)
    spot[2, 2] = 1.0
    moved = spot.roll((1, 1), dims=(0, 1))
    assert not torch.equal(spot, moved)
    window = Window(2, stride=2)
    assert torch.equal(max_pool(spot, window), max_pool(moved, window))
    far = spot.roll((2, 2), dims=(0, 1))
    assert not torch.equal(max_pool(spot, window), max_pool(far, window))


def box(t: Tensor) -> Tensor:
    return ((t >= 0) & (t <= 1)).double()


def test_two_boxes_convolve_to_a_triangle() -> None:
    t = torch.tensor([-0.5, 0.0, 0.25, 1.0, 1.5, 2.0, 2.5])
    triangle = convolve_functions(box, box, t, low=-1, high=3, n_points=40_001)
    expected = torch.tensor([0.0, 0.0, 0.25, 1.0, 0.5, 0.0, 0.0])
    assert torch.allclose(triangle.float(), expected, atol=2e-4)


def bell(variance: float, t: Tensor) -> Tensor:
    return torch.exp(-(t**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)


def test_bells_convolve_to_a_bell_of_both_variances() -> None:
    t = torch.linspace(-3, 3, 13, dtype=torch.float64)
    both = convolve_functions(lambda a: bell(1, a), lambda a: bell(2, a), t, low=-12, high=12)
    assert torch.allclose(both, bell(3, t))
    with pytest.raises(ConfigError, match="low below high"):
        convolve_functions(box, box, t, low=1, high=0)


def test_a_weighted_moving_average_counts_the_newest_value_most() -> None:
    x = torch.tensor([1.0, 2.0, 3.0, 10.0])
    averages = weighted_moving_average(x, torch.tensor([3.0, 2.0, 1.0]))
    expected = [(3 * 3 + 2 * 2 + 1 * 1) / 6, (3 * 10 + 2 * 3 + 1 * 2) / 6]
    assert averages.tolist() == pytest.approx(expected)
    with pytest.raises(ConfigError, match="add up to 0"):
        weighted_moving_average(x, torch.tensor([1.0, -1.0]))


def test_an_echo_is_the_sound_again_later_and_softer() -> None:
    heard = echo(torch.tensor([1.0, -2.0, 0.5]), delay=2, strength=0.5)
    assert heard.tolist() == [1.0, -2.0, 1.0, -1.0, 0.25]
    with pytest.raises(ConfigError, match="at least 1 sample later"):
        echo(torch.ones(3), delay=0, strength=0.5)
