"""A picture of a kind: the widths of its layers, from a network of the catalog itself, as SVG."""

from itertools import pairwise
from typing import Any

import torch
from torch import nn

from models.autoencoders.base import Network
from models.autoencoders.layers import SparseLinear
from models.autoencoders.tied import TiedLinear
from models.catalog import build
from models.rows import SparseRows

N_ITEMS = 1_000
OPTIONS: dict[str, dict[str, Any]] = {"rating": {"form": "user"}}
"""The form that is drawn, where it is not the default."""
STEP, BAR, TALLEST, MARGIN = 90, 14, 120, 30
"""Pixels from layer to layer, of a layer's thickness, of the widest layer, and around all."""


def drawing(kind: str) -> str:
    """The layers from the row to its reconstruction, each as high as the root of its width."""
    return svg(kind, widths(kind))


def widths(kind: str) -> list[int]:
    """How wide the layers are that a row passes through, the row and its reconstruction included.

    The kind's defaults over N_ITEMS items.
    """
    generator = torch.Generator().manual_seed(0)
    network = build(kind, OPTIONS.get(kind, {}), n_items=N_ITEMS, generator=generator).eval()
    passed = [N_ITEMS, *_outputs(network)]
    if len(passed) > 1:
        return passed
    embeddings = network.item_embeddings()
    inner = [] if embeddings is None else [embeddings.shape[1]]
    return [N_ITEMS, *inner, N_ITEMS]


def _outputs(network: Network) -> list[int]:
    """Widths of what the linear layers give, in the order in which they are gone through."""
    found: list[int] = []

    def note(_: nn.Module, __: Any, output: torch.Tensor) -> None:
        found.append(output.shape[1])

    linear = (nn.Linear, SparseLinear, TiedLinear)
    hooks = [m.register_forward_hook(note) for m in network.modules() if isinstance(m, linear)]
    row = SparseRows(torch.tensor([0, 1]), torch.tensor([0]), torch.ones(1), N_ITEMS)
    with torch.inference_mode():
        network.logits(row)
    for hook in hooks:
        hook.remove()
    return found


def svg(name: str, layers: list[int]) -> str:
    """Bars from left to right with their widths below, joined edge to edge."""
    middle = MARGIN + TALLEST / 2
    bars = [
        (MARGIN + num * STEP, TALLEST * (width / max(layers)) ** 0.5)
        for num, width in enumerate(layers)
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
        f"{width:,}</text>"
        for (left, _), width in zip(bars, layers, strict=True)
    ]
    wide, high = 2 * MARGIN + (len(layers) - 1) * STEP + BAR, 2 * MARGIN + TALLEST
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" role="img" font-family="sans-serif" font-size="12">'
    )
    title = f"<title>{name}: {' to '.join(f'{width:,}' for width in layers)}</title>"
    ground = f'<rect width="{wide}" height="{high}" fill="#fff"/>'
    return "\n".join([head, title, ground, *joins, *rects, *labels, "</svg>", ""])
