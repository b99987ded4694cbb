"""Rows too many and too wide to be made dense: what a fit and a ranking of them take."""

import numpy as np
import pytest
import torch
from scipy import sparse

from models.catalog import build
from models.fitting import FitConfig, Fitting
from pipelines.data.interactions import batches
from pipelines.data.splits import HeldOut
from pipelines.training.evaluate import evaluate

SHAPE = (1_000_000, 200_000)
"""As a dense matrix of float32: 800 GB."""
N_HAVE = 40
"""Users who have any items."""


@pytest.mark.parametrize("form", ["mult-vae", "recvae"])
def test_a_matrix_too_large_to_be_dense_is_learnt_from_and_ranked(form: str) -> None:
    rng = np.random.default_rng(0)
    user_nums = np.repeat(rng.choice(SHAPE[0], size=N_HAVE, replace=False), 20)
    item_nums = rng.choice(SHAPE[1], size=20 * N_HAVE, replace=False)
    ones = np.ones(20 * N_HAVE, dtype=np.float32)
    x = sparse.csr_array((ones, (user_nums, item_nums)), shape=SHAPE)
    have = x[np.unique(user_nums)]
    generator = torch.Generator().manual_seed(0)
    options = {"form": form, "hidden_dims": [4], "latent_dim": 2, "sampled_share": 0.001}
    network = build("variational", options, n_items=SHAPE[1], generator=generator)
    fitting = Fitting(network, FitConfig(batch_size=20), generator=generator)
    loss = fitting.run_epoch(lambda: batches(have, 20, generator))
    assert np.isfinite(loss.reconstruction)
    first = next(iter(batches(x, 1_000)))
    assert len(first) == 1_000
    judged = evaluate(network.logits, HeldOut(have[:2], have[2:4]))
    assert np.isfinite(judged.mean("ndcg@100"))
