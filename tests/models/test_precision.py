"""What half the digits change: a network in bfloat16 ranks as it does in float32."""

from copy import deepcopy

import pytest
import torch

from models.catalog import build
from models.fitting import FitConfig, fit_all
from models.rows import to_rows
from models.scoring.ranking import mask, top_n
from pipelines.data.interactions import batches
from tests.worlds import two_tastes

OPTIONS = {
    "denoising": {"hidden_dims": [64], "latent_dim": 16},
    "variational": {"hidden_dims": [64], "latent_dim": 16},
    "linear": {"form": "ease", "regularisation": [30.0]},
}
OVERLAP = 0.9
"""Of the first 20 items, the share that is among the first 20 in bfloat16 too, on the average."""


@pytest.mark.parametrize("kind", OPTIONS)
def test_nine_of_ten_of_the_first_twenty_items_are_the_same_in_bfloat16(kind: str) -> None:
    x = two_tastes(300).x
    generator = torch.Generator().manual_seed(0)
    network = build(kind, OPTIONS[kind], n_items=x.shape[1], generator=generator)
    rows = to_rows(x)
    if network.phases():
        fit_all(
            network,
            FitConfig(epochs=15, learning_rate=5e-3),
            lambda: batches(x, 50, generator),
            generator=generator,
        )
    network.solve(rows)
    halved = deepcopy(network).bfloat16()
    with torch.inference_mode():
        best, halved_best = (
            top_n(mask(each.logits(rows), rows), 20)[1] for each in (network, halved)
        )
    shared = (best[:, :, None] == halved_best[:, None, :]).any(dim=2)
    assert shared.float().mean() >= OVERLAP
    assert halved.logits(rows).dtype == torch.bfloat16
