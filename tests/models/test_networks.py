"""That a kind is what its name says."""

import pytest
import torch

from models.autoencoders.base import Autoencoder
from models.autoencoders.corruption import CORRUPTIONS, gaussian, salt_and_pepper
from models.autoencoders.denoising import DenoisingAutoencoder, DenoisingConfig
from models.autoencoders.undercomplete import UndercompleteAutoencoder, UndercompleteConfig
from models.catalog import build, get_kind
from models.errors import ConfigError
from models.products import wide_linear
from models.scoring.ranking import mask, top_n
from tests.models.conftest import checkerboard, fitted, rows_of


def test_unknown_kind_lists_the_valid_ones_and_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"denoising, .*undercomplete.*'denoising'\?"):
        get_kind("denoisign")


def test_undercomplete_code_as_wide_as_its_input_is_refused() -> None:
    with pytest.raises(ConfigError, match="at most 4"):
        UndercompleteAutoencoder(
            UndercompleteConfig(latent_dim=5), n_items=5, generator=torch.Generator()
        )


@pytest.mark.parametrize(("n_items", "latent_dim"), [(2, 1), (5, 2), (40, 20), (9_000, 100)])
def test_undercomplete_code_left_out_is_narrower_than_any_input(
    n_items: int, latent_dim: int
) -> None:
    network = UndercompleteAutoencoder(
        UndercompleteConfig(), n_items=n_items, generator=torch.Generator().manual_seed(0)
    )
    assert network.output.weight.shape == (n_items, latent_dim)


def test_undercomplete_code_is_the_lessons_sigmoid() -> None:
    network = UndercompleteAutoencoder(
        UndercompleteConfig(), n_items=20, generator=torch.Generator().manual_seed(0)
    )
    x = rows_of(checkerboard())
    layer = network.encoder[0]
    expected = torch.sigmoid(x.to_dense() @ layer.weight + layer.bias)
    assert torch.allclose(network.encode(x), expected, atol=1e-6)


class TestDenoising:
    def network(self, corruption_rate: float = 0.5) -> DenoisingAutoencoder:
        config = DenoisingConfig(hidden_dims=(8,), latent_dim=4, corruption_rate=corruption_rate)
        return DenoisingAutoencoder(config, n_items=20, generator=torch.Generator().manual_seed(0))

    def test_corruption_hides_the_stated_share_and_keeps_zeros_zero(self) -> None:
        x = rows_of(checkerboard().repeat(50, 1))
        seen = self.network(0.3).seen(x, torch.Generator().manual_seed(0))
        assert len(seen.values) / len(x.values) == pytest.approx(0.7, abs=0.02)
        assert not seen.to_dense()[x.to_dense() == 0].any()
        length = x.lengths[0].sqrt().item()
        assert seen.values.max().item() == pytest.approx(1 / 0.7 / length)

    @pytest.mark.parametrize("kind", ["denoising", "variational", "stacked"])
    def test_what_is_left_of_a_row_is_on_average_as_loud_as_the_row(self, kind: str) -> None:
        network = build(
            kind, {"corruption_rate": 0.5}, n_items=20, generator=torch.Generator().manual_seed(0)
        )
        assert isinstance(network, Autoencoder)
        x = rows_of(checkerboard().repeat(100, 1))
        seen = network.seen(x, torch.Generator().manual_seed(0))
        mean = network.read(x).to_dense().mean().item()
        assert seen.to_dense().mean().item() == pytest.approx(mean, rel=0.02)

    def test_gaussian_noise_has_the_stated_deviation_and_touches_all(self) -> None:
        x = rows_of(checkerboard().repeat(50, 1))
        noise = gaussian(x, 0.3, torch.Generator().manual_seed(0)) - x.to_dense()
        assert noise.std().item() == pytest.approx(0.3, rel=0.02)
        assert noise.mean().item() == pytest.approx(0.0, abs=0.01)

    def test_salt_and_pepper_sets_the_stated_share_to_an_extreme(self) -> None:
        x = rows_of(3 * checkerboard().repeat(50, 1))
        seen = salt_and_pepper(x, 0.4, torch.Generator().manual_seed(0))
        assert set(seen.unique().tolist()) == {0.0, 3.0}
        # Half of those hit are set to what they were.
        assert (seen != x.to_dense()).float().mean().item() == pytest.approx(0.2, abs=0.01)

    @pytest.mark.parametrize("corruption", CORRUPTIONS)
    def test_any_damage_is_done_in_training_only_and_still_teaches(self, corruption: str) -> None:
        table = checkerboard()
        network = fitted("denoising", table, epochs=150, corruption=corruption)
        x = rows_of(table)
        _, best = top_n(mask(network.logits(x).detach(), x), 1)
        assert (best[:, 0] == torch.arange(20)).float().mean() >= 0.9

    @pytest.mark.parametrize("corruption", CORRUPTIONS)
    def test_no_damage_at_rate_zero(self, corruption: str) -> None:
        x = rows_of(checkerboard())
        seen = CORRUPTIONS[corruption](x, 0.0, torch.Generator())  # type: ignore[index]
        dense = seen if isinstance(seen, torch.Tensor) else seen.to_dense()
        assert torch.equal(dense, x.to_dense())

    def test_a_misspelt_damage_is_refused_and_the_nearest_named(self) -> None:
        with pytest.raises(ConfigError, match="'salt-and-pepper'"):
            DenoisingConfig(corruption="salt-n-pepper")  # type: ignore[arg-type]

    def test_evaluation_sees_the_whole_row(self) -> None:
        network, x = self.network(), rows_of(checkerboard())
        assert torch.equal(network.logits(x), network.logits(x))

    def test_the_corrupted_row_is_compared_with_the_clean_one(self) -> None:
        network, x = self.network(0.9), rows_of(checkerboard())
        generator = torch.Generator().manual_seed(3)
        state = generator.get_state()
        loss = network.loss(x, generator).total
        generator.set_state(state)
        seen = network.seen(x, generator)
        log_p = torch.log_softmax(network.decode(network.encoder(seen)), dim=1)
        assert loss.item() == pytest.approx((-(x.to_dense() * log_p).sum() / 20).item(), rel=1e-5)

    @pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
    def test_impossible_corruption_is_refused(self, rate: float) -> None:
        with pytest.raises(ConfigError, match="corruption_rate"):
            DenoisingConfig(corruption_rate=rate)


@pytest.mark.parametrize("size", [(3, 5), (600, 700)])
def test_a_product_in_tiles_is_the_product_and_so_are_its_gradients(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    n_rows, n_items = size
    shapes = ((n_rows, 4), (n_items, 4), (n_items,))
    x, weight, bias = (
        torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
        for shape in shapes
    )
    products = (wide_linear(x, weight, bias), x @ weight.T + bias)
    assert torch.allclose(*products)
    pull = torch.randn(size, generator=generator, dtype=torch.float64)
    gradients = [torch.autograd.grad(p, (x, weight, bias), pull) for p in products]
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.allclose(ours, theirs)
