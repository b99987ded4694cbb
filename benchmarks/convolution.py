"""The lesson's examples of convolution: prints what `docs/convolution.md` shows.

python -m benchmarks.convolution [--pictures docs/pictures]
"""

import argparse
import math
import sys
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.pictures import filtered, write_pictures
from models.convolution.filters import classic_filter
from models.convolution.operator import convolve, correlate, correlate_maps
from models.convolution.pooling import max_pool
from models.convolution.signals import convolve_functions, echo, weighted_moving_average
from models.convolution.sizes import (
    Window,
    dense_weights,
    filter_weights,
    output_size,
    output_sizes,
    receptive_fields,
)
from models.encoders.catalog import ENCODERS, build_encoder
from models.errors import ConfigError

SEED = 1
INPUT = torch.tensor(
    [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
)
KERNEL = torch.tensor([[0, 1, 2], [2, 2, 0], [0, 1, 2]])
LETTER = ("......", "..##..", ".#..#.", ".####.", ".#..#.", "......")
INK = 0.6
PHASES = [(filters, Window(3, padding=1), Window(2, stride=2)) for filters in (32, 64, 128)]


def page() -> str:
    """The examples of `docs/convolution.md`, as Markdown."""
    sections = {
        "Cross-correlation and convolution": _operators(),
        "How large the output is": _sizes(),
        "How many weights": _weights(),
        "What each filter does to a picture": _filters(),
        "The letter A": _letter(),
        "A filter's map moves with the picture; pooling forgives small moves": _moves(),
        "Global and local transformations": _permutation(),
        "Three phases": _phases(),
        "Convolution in time": _signals(),
        "Six networks": _networks(),
    }
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())


def letter_a() -> Tensor:
    """The letter in 6x6 pixels."""
    return INK * torch.tensor([[float(pixel == "#") for pixel in row] for row in LETTER])


def _operators() -> str:
    shown = _side_by_side(
        {
            "input": INPUT,
            "kernel": KERNEL,
            "cross-correlation": correlate(INPUT, KERNEL),
            "convolution": convolve(INPUT, KERNEL),
        }
    )
    text = (
        "Cross-correlation lays the kernel on the input as it stands, multiplies and adds up; "
        "convolution turns it round first. The first entry of each:"
    )
    corner = INPUT[:3, :3]
    sums = [
        f"- {name}: {_products(corner, kernel)} = {int((corner * kernel).sum())}"
        for name, kernel in (("cross-correlation", KERNEL), ("convolution", KERNEL.flip(0, 1)))
    ]
    return "\n\n".join([shown, text, "\n".join(sums)])


def _products(x: Tensor, kernel: Tensor) -> str:
    pairs = zip(x.flatten().tolist(), kernel.flatten().tolist(), strict=True)
    return " + ".join(f"{a}·{b}" for a, b in pairs)


def _sizes() -> str:
    cases = (
        ("the example above", 5, Window(3)),
        ("in steps of two, padded", 5, Window(3, stride=2, padding=1)),
        ("the lesson's last pool", 7, Window(2, stride=2)),
        ("AlexNet's first layer", 224, Window(11, stride=4, padding=2)),
        ("ResNet's first layer", 224, Window(7, stride=2, padding=3)),
    )
    lines = []
    for name, n, window in cases:
        quotient = (n - window.size + 2 * window.padding) / window.stride + 1
        sizes = (n, window.size, window.stride, window.padding, f"{quotient:g}")
        lines.append((name, *sizes, output_size(n, window)))
    table = _table(("", "N", "F", "S", "P", "(N - F + 2P)/S + 1", "output"), lines)
    try:
        output_size(7, Window(2, stride=2), exact=True)
    except ConfigError as error:
        return f"{table}\n\nWith `exact=True`, the third says: {error.detail}"
    raise AssertionError("exact=True let a quotient pass that is not whole")


def _weights() -> str:
    n_out = correlate(INPUT, KERNEL).numel()
    colour = 1000 * 1000 * 3
    lines = (
        (
            "5x5 pixels to 3x3",
            f"25 · 9 = {dense_weights(INPUT.numel(), n_out):,}",
            f"3 · 3 = {filter_weights(KERNEL.shape)}",
        ),
        (
            "1000x1000 pixels in colour to 1,000 units, or maps",
            f"1000 · 1000 · 3 · 1000 = {dense_weights(colour, 1000):,}",
            f"3 · 3 · 3 · 1000 = {filter_weights((3, 3), in_channels=3, filters=1000):,}",
        ),
    )
    return _table(("", "weights of a dense layer", "of filters of 3x3"), lines)


def _filters() -> str:
    maps = filtered()
    lines = [
        (f"`{name}`", f"{_size(values)}", f"![{name}](pictures/{name}.png)")
        for name, values in maps.items()
    ]
    text = (
        "Black is 0 and white is 1. Where a filter gives negative values, grey is 0, black "
        "negative and white positive."
    )
    return f"{text}\n\n{_table(('', 'pixels', ''), lines)}"


def _letter() -> str:
    letter, sobel = letter_a(), classic_filter("sobel-vertical")
    maps = correlate(letter, sobel)
    return _side_by_side(
        {"letter": letter, "filter": sobel, "its map": maps, "after ReLU": maps.relu()}
    )


def _moves() -> str:
    picture = torch.zeros(12, 12)
    picture[1:7, 1:7] = letter_a()
    moved = picture.roll((3, 4), dims=(0, 1))
    sobel = classic_filter("sobel-vertical")
    before, after = (correlate(x, sobel, padding=1) for x in (picture, moved))
    same = torch.equal(before.roll((3, 4), dims=(0, 1)), after)
    spot = torch.zeros(6, 6)
    spot[2, 2] = 1
    lines = []
    for step in range(3):
        near = spot.roll((0, step), dims=(0, 1))
        pooled = max_pool(near, Window(2, stride=2))
        changed = int((near != spot).sum()), int((pooled != max_pool(spot, Window(2, 2))).sum())
        lines.append((step, *changed))
    table = _table(("the spot moves by", "pixels that change", "after a 2x2 max pool"), lines)
    verdict = "the same map, moved as far" if same else "another map"
    return f"The letter moved 3 down and 4 to the right gives {verdict}.\n\n{table}"


def _permutation() -> str:
    generator = torch.Generator().manual_seed(SEED)
    pictures = torch.rand(40, 36, generator=generator, dtype=torch.float64)
    order = torch.randperm(36, generator=generator)
    dense = torch.randn(16, 36, generator=generator, dtype=torch.float64)
    kernel = classic_filter("sobel-vertical").double()[None, None]
    maps = correlate_maps(pictures.reshape(40, 1, 6, 6), kernel).flatten(1)
    lines = []
    for name, outputs in (("dense layer", pictures @ dense.T), ("filter of 3x3", maps)):
        fitted = _left_by_dense if name == "dense layer" else _left_by_filters
        errors = (fitted(x, outputs) for x in (pictures, pictures[:, order]))
        lines.append((name, *(f"{error:.0%}" for error in errors)))
    text = (
        "All pixels of 40 pictures are put into one other order. How much of a layer's output is "
        "out of reach of the best layer of the same form?"
    )
    return f"{text}\n\n{_table(('', 'pixels in order', 'permuted'), lines)}"


def _left_by_dense(pictures: Tensor, outputs: Tensor) -> float:
    return _left(pictures, outputs)


def _left_by_filters(pictures: Tensor, outputs: Tensor) -> float:
    patches = pictures.reshape(-1, 6, 6).unfold(1, 3, 1).unfold(2, 3, 1).reshape(-1, 9)
    return _left(patches, outputs.reshape(-1, 1))


def _left(inputs: Tensor, outputs: Tensor) -> float:
    """Share of the outputs' squares that no linear function of the inputs reaches."""
    left = outputs - inputs @ torch.linalg.lstsq(inputs, outputs, driver="gelsd").solution
    return abs(float(left.square().sum() / outputs.square().sum()))


def _phases() -> str:
    windows = [window for _, conv, pool in PHASES for window in (conv, pool)]
    sizes = output_sizes(28, windows)[1::2]
    fields = receptive_fields(windows)[1::2]
    lines, channels = [("input", 1, "28x28", "", "1x1")], 1
    for (filters, conv, _), side, field in zip(PHASES, sizes, fields, strict=True):
        weights = filter_weights((conv.size,) * 2, in_channels=channels, filters=filters)
        seen = f"{field.size}x{field.size}"
        lines.append(("conv 3x3, pool 2x2", filters, f"{side}x{side}", f"{weights:,}", seen))
        channels = filters
    head = ("", "maps", "of", "weights", "one value sees")
    return _table(head, lines)


def _signals() -> str:
    def box(t: Tensor) -> Tensor:
        return ((t >= 0) & (t <= 1)).double()

    times = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0])
    triangle = convolve_functions(box, box, times, low=-1, high=3, n_points=40_001)
    prices, weights = torch.tensor([1.0, 2.0, 3.0, 10.0]), torch.tensor([3.0, 2.0, 1.0])
    sound = torch.tensor([1.0, -2.0, 0.5])
    lines = (
        ("a box of width 1 with itself, at 0, 0.5, 1, 1.5, 2", _numbers(triangle)),
        (
            "moving average of 1, 2, 3, 10 with weights 3 (newest), 2, 1",
            _numbers(weighted_moving_average(prices, weights)),
        ),
        (
            "1, -2, 0.5 and its echo two samples later, half as loud",
            _numbers(echo(sound, delay=2, strength=0.5)),
        ),
    )
    return _table(("", ""), lines)


def _networks() -> str:
    lines = []
    for name in ENCODERS:
        options = {"auxiliary": False} if name == "googlenet" else {}
        network = build_encoder(name, options, generator=None)
        seen = list(network.receptive_fields().values())[-1].size
        weights = sum(math.prod(parameter.shape) for parameter in network.parameters())
        least = network.smallest_side, build_encoder(name, small=True, generator=None).smallest_side
        lines.append((f"`{name}`", f"{weights:,}", *least, seen, network.embedding_dim))
    head = ("", "weights", "least side", "small stem", "the last maps see", "embedding")
    return _table(head, lines)


def _table(head: Iterable[object], lines: Iterable[Iterable[object]]) -> str:
    rows = [list(head), *(list(line) for line in lines)]
    text = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join([text[0], "|" + "---|" * len(rows[0]), *text[1:]])


def _side_by_side(matrices: dict[str, Tensor]) -> str:
    """A row of a Markdown table with each matrix in a cell."""
    cells = [
        "<br>".join(" ".join(f"`{_number(x)}`" for x in row) for row in matrix.tolist())
        for matrix in matrices.values()
    ]
    return _table(matrices, [cells])


def _size(values: Tensor) -> str:
    return "x".join(map(str, values.shape))


def _numbers(values: Tensor) -> str:
    return ", ".join(map(_number, values.tolist()))


def _number(value: float) -> str:
    return f"{round(value, 2) + 0.0:g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="folder to write the pictures to")
    folder = parser.parse_args().pictures
    torch.set_num_threads(1)
    if folder is not None:
        write_pictures(folder)
    print(page())


if __name__ == "__main__":
    main()
    sys.exit()
