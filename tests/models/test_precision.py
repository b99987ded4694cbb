"""What half the digits change: a network in bfloat16 ranks, and learns, as it does in float32."""

import pytest
import torch

from models.catalog import build
from models.errors import ConfigError
from models.fitting import FitConfig, Fitting, fit_all
from models.precision import PRECISIONS, PrecisionName, multiplies_bfloat16, precision
from models.products import times, wide_linear
from models.rows import SparseRows, to_rows
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
    best = []
    for name in PRECISIONS[:2]:
        with torch.inference_mode(), precision(name):
            best.append(top_n(mask(network.logits(rows), rows), 20)[1])
    shared = (best[0][:, :, None] == best[1][:, None, :]).any(dim=2)
    assert OVERLAP <= shared.float().mean() < 1


def learned(kind: str, options: dict[str, object], name: PrecisionName) -> tuple[float, set[str]]:
    """The loss after some epochs of training, and the types of the weights."""
    x = two_tastes(300).x
    generator = torch.Generator().manual_seed(0)
    network = build(kind, options, n_items=x.shape[1], generator=generator)
    config = FitConfig(learning_rate=5e-3, precision=name)
    fitting = Fitting(network, config, generator=generator)
    for _ in range(15):
        loss = fitting.run_epoch(lambda: batches(x, 50, generator))
    return loss.reconstruction + loss.penalty, {str(p.dtype) for p in network.parameters()}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("denoising", OPTIONS["denoising"]),
        ("denoising", {**OPTIONS["denoising"], "loss": "bernoulli"}),
        ("variational", OPTIONS["variational"]),
        ("variational", {"form": "recvae", "hidden_dims": [64, 64], "latent_dim": 16}),
        ("linear", {"form": "elsa", "latent_dim": 16}),
    ],
)
def test_a_network_learns_in_bfloat16_what_it_learns_in_float32(
    kind: str, options: dict[str, object]
) -> None:
    whole, half = (learned(kind, options, name) for name in ("float32", "bfloat16"))
    assert half[0] == pytest.approx(whole[0], rel=0.01)
    assert half[1] == {"torch.float32"}


def test_auto_is_what_the_processor_multiplies_itself() -> None:
    as_they_are = {True: "bfloat16", False: "float32"}[multiplies_bfloat16()]
    found = [learned("variational", OPTIONS["variational"], name) for name in ("auto", as_they_are)]
    assert found[0] == found[1]


@pytest.mark.parametrize("can", [True, False])
def test_auto_goes_by_the_gpu_on_a_gpu(can: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: can)
    assert multiplies_bfloat16("cuda") is can
    if not can:
        with precision("auto", "cuda"):
            assert not torch.is_autocast_enabled("cuda")


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ConfigError, match="bfloat16"):
        FitConfig(precision="bfloat")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_gradients_of_products_are_those_of_dense_ones(name: PrecisionName) -> None:
    generator = torch.Generator().manual_seed(0)
    table = torch.rand(30, 50, generator=generator) * (
        torch.rand(30, 50, generator=generator) > 0.8
    )
    table[3], table[:, 7] = 0, 0  # an empty row, and an item that nobody has
    filled = table.nonzero()
    offsets = torch.cat([torch.zeros(1), (table > 0).sum(dim=1).cumsum(0)]).long()
    rows = SparseRows(offsets, filled[:, 1], table[table > 0], 50)
    weight = torch.randn(50, 8, generator=generator).requires_grad_()
    wide, bias = (
        torch.randn(*shape, generator=generator).requires_grad_() for shape in ((50, 8), (50,))
    )
    with precision(name):
        logits = wide_linear(times(rows, weight), wide, bias)
    expected = (table @ weight) @ wide.T + bias
    pull = torch.randn(30, 50, generator=generator)
    found = torch.autograd.grad(logits, (weight, wide, bias), pull.to(logits.dtype))
    for ours, theirs in zip(
        found, torch.autograd.grad(expected, (weight, wide, bias), pull), strict=True
    ):
        assert ours.dtype == torch.float32
        error = (ours - theirs).norm() / theirs.norm()
        assert error < (1e-5 if name == "float32" else 1e-2)
