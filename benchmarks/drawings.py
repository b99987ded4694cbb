"""A picture of a kind: how large its layers are, from a network of the catalog itself, as SVG."""

from itertools import pairwise
from math import prod
from typing import Any

import torch
from torch import nn

from models.autoencoders.base import Network
from models.autoencoders.layers import SparseLinear
from models.autoencoders.tied import TiedLinear
from models.catalog import build, get_kind
from models.rows import SparseRows

N_ITEMS = 1_000
OPTIONS: dict[str, dict[str, Any]] = {"rating": {"form": "user"}}
"""The form that is drawn, where it is not the default."""
STEP, BAR, TALLEST, MARGIN = 90, 14, 120, 30
"""Pixels from layer to layer, of a layer's thickness, of the widest layer, and around all."""

LAYERS = (
    *(nn.Linear, SparseLinear, TiedLinear, nn.Upsample),
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d),
    *(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
"""What counts as a layer."""


def drawing(kind: str) -> str:
    """The layers from the row to its reconstruction, each as high as the root of its size."""
    return svg(kind, sizes(kind))


def shape_of(kind: str) -> tuple[int, ...]:
    """Of a row by the kind's defaults: N_ITEMS items, or (channels, *space)."""
    kinds = get_kind(kind)
    return (N_ITEMS,) if kinds.subject == "interactions" else kinds.config().shape


def sizes(kind: str) -> list[tuple[int, ...]]:
    """How large the layers are that a row passes through, the row and its reconstruction
    included: the width of a dense one, (channels, *space) of maps.
    """
    generator = torch.Generator().manual_seed(0)
    shape = shape_of(kind)
    options = OPTIONS.get(kind, {})
    network = build(kind, options, n_items=prod(shape), generator=generator).eval()
    passed = [shape, *_outputs(network)]
    if len(passed) > 1:
        return passed
    embeddings = network.item_embeddings()
    inner = [] if embeddings is None else [(embeddings.shape[1],)]
    return [shape, *inner, shape]


def _outputs(network: Network) -> list[tuple[int, ...]]:
    """Sizes of what the layers give, in the order in which they are gone through."""
    found: list[tuple[int, ...]] = []

    def note(_: nn.Module, __: Any, output: torch.Tensor) -> None:
        found.append(tuple(output.shape[1:]))

    hooks = [m.register_forward_hook(note) for m in network.modules() if isinstance(m, LAYERS)]
    one = SparseRows(torch.tensor([0, 1]), torch.tensor([0]), torch.ones(1), network.n_items)
    with torch.inference_mode():
        network.logits(one)
    for hook in hooks:
        hook.remove()
    return found


def svg(name: str, layers: list[tuple[int, ...]]) -> str:
    """Bars from left to right with their sizes below, joined edge to edge."""
    middle = MARGIN + TALLEST / 2
    largest = max(map(prod, layers))
    bars = [
        (MARGIN + num * STEP, TALLEST * (prod(size) / largest) ** 0.5)
        for num, size in enumerate(layers)
    ]
    joins = [
        f'<path d="M{left + BAR} {middle - before / 2:.0f} L{right} {middle - after / 2:.0f} '
        f'V{middle + after / 2:.0f} L{left + BAR} {middle + before / 2:.0f} Z" fill="#dbe4ee"/>'
        for (left, before), (right, after) in pairwise(bars)
    ]
    rects = [
        f'<rect x="{left}" y="{middle - height / 2:.0f}" width="{BAR}" height="{height:.0f}" '
        'fill="#33658a"/>'
        for left, height in bars
    ]
    labels = [
        f'<text x="{left + BAR / 2:.0f}" y="{MARGIN + TALLEST + 18}" text-anchor="middle">'
        f"{_written(size)}</text>"
        for (left, _), size in zip(bars, layers, strict=True)
    ]
    wide, high = 2 * MARGIN + (len(layers) - 1) * STEP + BAR, 2 * MARGIN + TALLEST
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" role="img" font-family="sans-serif" font-size="12">'
    )
    title = f"<title>{name}: {' to '.join(map(_written, layers))}</title>"
    ground = f'<rect width="{wide}" height="{high}" fill="#fff"/>'
    return "\n".join([head, title, ground, *joins, *rects, *labels, "</svg>", ""])


def _written(size: tuple[int, ...]) -> str:
    return "×".join(f"{n:,}" for n in size)
