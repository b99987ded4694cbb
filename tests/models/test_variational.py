"""Mult-VAE and RecVAE: the KL term, its weight, the prior, and whose turn it is."""

import copy
import math

import pytest
import torch
from torch.distributions import Normal as TorchNormal
from torch.distributions import kl_divergence

from models.autoencoders.losses import LOSSES
from models.autoencoders.recvae import MIXTURE, WIDE, RecVae, variational
from models.autoencoders.variational import MultVae, Normal, VariationalConfig
from models.errors import ConfigError
from models.fitting import FitConfig, Fitting
from tests.models.conftest import checkerboard, rows_of

X = rows_of(checkerboard())


def network(form: str, **options: object) -> MultVae | RecVae:
    widths = (12, 12) if form == "recvae" else (12,)
    config = VariationalConfig(form=form, hidden_dims=widths, latent_dim=5, **options)
    return variational(config, n_items=20, generator=torch.Generator().manual_seed(0))


def fitting(vae: MultVae | RecVae) -> Fitting:
    return Fitting(vae, FitConfig(), generator=torch.Generator().manual_seed(0))


def test_kl_to_the_standard_normal_is_the_textbooks() -> None:
    generator = torch.Generator().manual_seed(0)
    mean, log_variance = (torch.randn(3, 4, generator=generator) for _ in range(2))
    theirs = kl_divergence(TorchNormal(mean, (log_variance / 2).exp()), TorchNormal(0.0, 1.0))
    assert torch.allclose(Normal(mean, log_variance).kl_to_standard(), theirs.sum(dim=1))


def test_a_sample_has_the_mean_and_the_variance_it_should() -> None:
    normal = Normal(torch.full((20_000, 1), 2.0), torch.full((20_000, 1), math.log(9.0)))
    z = normal.sample(torch.Generator().manual_seed(0))
    assert z.mean().item() == pytest.approx(2.0, abs=0.1)
    assert z.std().item() == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("form", ["mult-vae", "recvae"])
def test_the_answer_is_the_mean_and_draws_nothing(form: str) -> None:
    vae = network(form)
    assert torch.equal(vae.logits(X), vae.logits(X))
    assert torch.equal(vae.encode(X), vae.posterior(vae.read(X)).mean)


class TestMultVae:
    def test_the_weight_of_the_kl_rises_in_a_line_to_its_cap(self) -> None:
        vae = network("mult-vae", beta=0.4, annealing_steps=4)
        run, weights = fitting(vae), []
        for _ in range(6):
            weights.append(vae.kl_weight)
            run.run_epoch(lambda: [X])
        assert weights == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.4])

    def test_the_count_of_updates_is_saved_with_the_weights(self) -> None:
        vae = network("mult-vae", annealing_steps=10)
        run = fitting(vae)
        run.run_epoch(lambda: [X, X, X])
        resumed = fitting(network("mult-vae", annealing_steps=10))
        resumed.restore(run.state())
        assert resumed.network.kl_weight == pytest.approx(0.2 * 3 / 10)
        for each in (run, resumed):
            each.run_epoch(lambda: [X])
        for name, tensor in vae.state_dict().items():
            assert torch.equal(tensor, resumed.network.state_dict()[name]), name

    def test_the_penalty_moves_with_its_weight(self) -> None:
        def penalty(beta: float) -> float:
            vae = network("mult-vae", beta=beta, annealing_steps=0)
            return vae.loss(X, torch.Generator().manual_seed(1)).penalty.item()

        assert penalty(0.0) == 0
        assert penalty(1.0) == pytest.approx(2 * penalty(0.5))
        assert penalty(1.0) > 0


class TestRecVae:
    def test_the_prior_is_the_mixture_of_the_paper(self) -> None:
        vae = network("recvae")
        z = torch.randn(20, 5, generator=torch.Generator().manual_seed(1))
        old = vae.previous(vae.read(X))
        parts = [
            TorchNormal(torch.zeros(20, 5), 1.0),
            TorchNormal(old.mean, (old.log_variance / 2).exp()),
            TorchNormal(torch.zeros(20, 5), math.exp(WIDE / 2)),
        ]
        density = sum(w * p.log_prob(z).exp() for w, p in zip(MIXTURE, parts, strict=True))
        assert sum(MIXTURE) == pytest.approx(1)
        assert torch.allclose(vae.log_prior(X, z), density.log(), atol=1e-5)

    def test_the_kl_weighs_more_for_who_has_more(self) -> None:
        vae = network("recvae", gamma=0.5)
        row = checkerboard()[0]
        row[10:] = 0
        few, many = (rows_of(each[None]) for each in (row, checkerboard()[0]))
        posterior = Normal(torch.ones(1, 5), torch.zeros(1, 5))
        z = torch.zeros(1, 5)
        density = TorchNormal(1.0, 1.0).log_prob(z).sum()
        for x in (few, many):
            expected = 0.5 * len(x.indices) * (density - vae.log_prior(x, z).sum())
            assert torch.allclose(vae.weighted_kl(x, posterior, z), expected)

    def test_three_passes_train_the_encoder_and_then_one_the_decoder(self) -> None:
        vae = network("recvae")
        encoder, decoder = vae.phases()[0].passes
        assert (encoder.times, decoder.times) == (3, 1)
        assert set(encoder.parameters) == set(vae.encoder.parameters())
        assert set(decoder.parameters) == set(vae.output.parameters())

    def test_the_decoder_learns_from_whole_rows_and_moves_no_encoder(self) -> None:
        vae = network("recvae", corruption_rate=0.9)
        seen = []
        posterior = vae.posterior
        vae.posterior = lambda x: seen.append(x) or posterior(x)  # type: ignore[method-assign]
        decoder = vae.phases()[0].passes[1]
        terms = decoder.loss(X, torch.Generator().manual_seed(0))
        terms.total.backward()
        assert (seen[0].values > 0).all()
        assert terms.penalty == 0
        assert all(parameter.grad is None for parameter in vae.encoder.parameters())

    def test_the_prior_remembers_the_encoder_as_it_was_before_the_decoders_turn(self) -> None:
        vae = network("recvae")
        start = copy.deepcopy(vae.encoder.state_dict())
        run = fitting(vae)
        assert all(torch.equal(t, start[n]) for n, t in vae.previous.state_dict().items())
        run.run_epoch(lambda: [X])
        for name, tensor in vae.previous.state_dict().items():
            assert torch.equal(tensor, vae.encoder.state_dict()[name])
        assert not torch.equal(vae.previous.first.weight, start["first.weight"])

    def test_every_layer_adds_all_that_came_before(self) -> None:
        vae = network("recvae")
        encoder = vae.encoder
        first = encoder.norms[0](torch.nn.functional.silu(encoder.first(X)))
        second = encoder.norms[1](torch.nn.functional.silu(encoder.layers[0](first) + first))
        mean = encoder.moments(second)[:, :5]
        assert torch.allclose(encoder(X).mean, mean, atol=1e-6)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("form", "vae"),
        ("hidden_dims", ()),
        ("latent_dim", 0),
        ("corruption_rate", 1.0),
        ("beta", -1.0),
        ("gamma", -1.0),
        ("annealing_steps", -1),
    ],
)
def test_an_impossible_option_is_named(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=field):
        VariationalConfig(**{field: value})


def test_recvae_refuses_widths_that_cannot_be_added() -> None:
    with pytest.raises(ConfigError, match="all are equal"):
        VariationalConfig(form="recvae", hidden_dims=(10, 20))


@pytest.mark.parametrize("form", ["mult-vae", "recvae"])
def test_a_sample_of_the_items_is_enough_to_learn(form: str) -> None:
    vae = network(form, sampled_share=0.5)
    run = fitting(vae)
    for _ in range(400):
        run.run_epoch(lambda: [X])
    best = vae.logits(X).argmax(dim=1)
    assert ((best - torch.arange(20)) % 2 == 0).double().mean() > 0.9


def test_sums_over_a_sample_are_on_the_average_those_over_all_items() -> None:
    vae = network("mult-vae", loss="squared", sampled_share=0.25)
    code, generator = vae.encode(X), torch.Generator().manual_seed(0)
    whole = LOSSES["squared"].of(vae.decode(code), X)
    sampled = torch.stack([vae.reconstruction(code, X, generator) for _ in range(500)])
    assert sampled.mean().item() == pytest.approx(whole.item(), rel=0.03)


def test_an_angle_cannot_be_sampled() -> None:
    with pytest.raises(ConfigError, match="cosine"):
        VariationalConfig(loss="cosine", sampled_share=0.5)
