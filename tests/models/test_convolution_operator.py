"""The operator and the pools against scipy and torch, whatever the sizes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal
from torch import Tensor
from torch.nn import functional as F

from models import convolution
from models.convolution.operator import convolve, convolve_maps, correlate, correlate_maps
from models.convolution.pooling import max_pool, mean_pool
from models.convolution.sizes import Window, output_size
from models.errors import ConfigError

sizes = st.integers(1, 4)
seeds = st.integers(0, 2**31)


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(n=st.integers(4, 12), size=sizes, seed=seeds)
def test_one_axis_agrees_with_scipy(n: int, size: int, seed: int) -> None:
    x, kernel = drawn(n, seed=seed), drawn(size, seed=seed + 1)
    convolved, whole = convolve(x, kernel), convolve(x, kernel, padding=size - 1)
    assert np.allclose(convolved, signal.convolve(x.numpy(), kernel.numpy(), "valid"))
    assert np.allclose(whole, signal.convolve(x.numpy(), kernel.numpy(), "full"))
    correlated = signal.correlate(x.numpy(), kernel.numpy(), "valid")
    assert np.allclose(correlate(x, kernel), correlated)


@given(rows=st.integers(4, 9), columns=st.integers(4, 9), high=sizes, wide=sizes, seed=seeds)
def test_two_axes_agree_with_scipy(
    rows: int, columns: int, high: int, wide: int, seed: int
) -> None:
    x, kernel = drawn(rows, columns, seed=seed), drawn(high, wide, seed=seed + 1)
    convolved = signal.convolve2d(x.numpy(), kernel.numpy(), "valid")
    correlated = signal.correlate2d(x.numpy(), kernel.numpy(), "valid")
    assert np.allclose(convolve(x, kernel), convolved)
    assert np.allclose(correlate(x, kernel), correlated)


@given(n=st.integers(1, 8), size=sizes, seed=seeds)
def test_convolution_commutes(n: int, size: int, seed: int) -> None:
    x, kernel = drawn(n, seed=seed), drawn(size, seed=seed + 1)
    there, back = convolve(x, kernel, padding=size - 1), convolve(kernel, x, padding=n - 1)
    assert torch.allclose(there, back)


LAYERS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


@pytest.mark.parametrize("axes", LAYERS)
@given(
    n=st.integers(4, 7),
    size=sizes,
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
    seed=seeds,
)
def test_layers_of_several_channels_agree_with_torch(
    axes: int, n: int, size: int, stride: int, padding: int, channels: int, filters: int, seed: int
) -> None:
    x = drawn(2, channels, *range(n, n + axes), seed=seed)
    kernels = drawn(filters, channels, *(size,) * axes, seed=seed + 1)
    bias = drawn(filters, seed=seed + 2)
    ours = correlate_maps(x, kernels, bias=bias, stride=stride, padding=padding)
    assert torch.allclose(ours, LAYERS[axes](x, kernels, bias, stride=stride, padding=padding))
    turned = kernels.flip(tuple(range(2, axes + 2)))
    assert torch.allclose(convolve_maps(x, turned, bias=bias, stride=stride, padding=padding), ours)


POOLS = {
    ("max", 1): (max_pool, F.max_pool1d),
    ("max", 2): (max_pool, F.max_pool2d),
    ("mean", 1): (mean_pool, F.avg_pool1d),
    ("mean", 2): (mean_pool, F.avg_pool2d),
}


@pytest.mark.parametrize(("kind", "axes"), POOLS)
@given(
    n=st.integers(3, 9),
    size=st.integers(1, 3),
    stride=st.integers(1, 4),
    padded=st.booleans(),
    round_up=st.booleans(),
    seed=seeds,
)
def test_pools_agree_with_torch(
    kind: str, axes: int, n: int, size: int, stride: int, padded: bool, round_up: bool, seed: int
) -> None:
    ours, theirs = POOLS[kind, axes]
    window = Window(size, stride, size // 2 if padded else 0, round_up)
    x = drawn(2, 3, *range(n, n + axes), seed=seed)
    expected = theirs(x, size, stride, window.padding, ceil_mode=round_up)
    assert torch.allclose(ours(x, window, axes=axes), expected)


@given(n=st.integers(1, 20), size=sizes, stride=st.integers(1, 4), padding=st.integers(0, 3))
def test_the_formula_foretells_the_size(n: int, size: int, stride: int, padding: int) -> None:
    window = Window(size, stride, padding)
    if n + 2 * padding < size:
        with pytest.raises(ConfigError, match="does not fit"):
            output_size(n, window)
        return
    out = correlate(torch.ones(n), torch.ones(size), stride=stride, padding=padding)
    assert len(out) == output_size(n, window)


def test_axes_may_have_strides_and_paddings_of_their_own() -> None:
    x, kernel = drawn(1, 1, 7, 9, seed=0), drawn(1, 1, 3, 2, seed=1)
    ours = correlate_maps(x, kernel, stride=(2, 3), padding=(0, 1))
    assert torch.allclose(ours, F.conv2d(x, kernel, stride=(2, 3), padding=(0, 1)))


def test_whole_numbers_stay_whole() -> None:
    assert correlate(torch.tensor([1, 2, 3]), torch.tensor([1, 1])).tolist() == [3, 5]


def test_exact_refuses_windows_that_do_not_end_with_the_input() -> None:
    x = torch.ones(8)
    assert len(correlate(x, torch.ones(3), stride=2)) == 3
    with pytest.raises(ConfigError, match=r"\(8 - 3 \+ 2\*0\) / 2 is not whole") as raised:
        correlate(x, torch.ones(3), stride=2, exact=True)
    assert raised.value.field == "stride"
    assert "Take a stride among 1, 5" in raised.value.detail
    with pytest.raises(ConfigError, match="not whole"):
        max_pool(torch.ones(7, 7), Window(2, 2), exact=True)


def test_a_kernel_that_does_not_match_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigError, match="read 2 channels, the input has 3"):
        correlate_maps(torch.ones(1, 3, 5, 5), torch.ones(1, 2, 3, 3))
    with pytest.raises(ConfigError, match="slides along 1 axes, the input has 2"):
        correlate_maps(torch.ones(1, 3, 5, 5), torch.ones(1, 3, 3))
    with pytest.raises(ConfigError, match="does not fit into 2 entries"):
        correlate(torch.ones(2, 2), torch.ones(3, 3))
    with pytest.raises(ConfigError, match="stride has 3 numbers for 2 axes"):
        correlate(torch.ones(5, 5), torch.ones(3, 3), stride=(1, 1, 1))
    with pytest.raises(ConfigError, match="stride is 0"):
        correlate(torch.ones(5), torch.ones(3), stride=0)


def test_every_public_name_is_had_from_the_package() -> None:
    names = ("filters", "operator", "pooling", "signals", "sizes")
    modules = [getattr(convolution, name) for name in names]
    own = {
        name
        for module in modules
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
    }
    assert own - {"check_axes", "per_axis"} <= set(convolution.__all__)
    assert all(hasattr(convolution, name) for name in convolution.__all__)
