"""That a stack is trained layer by layer, and an RBM by contrastive divergence."""

import pytest
import torch

from models.autoencoders.stacked import StackedAutoencoder, StackedConfig
from models.errors import ConfigError
from models.fitting import FitConfig, Fitting
from models.scoring.ranking import mask, top_n
from tests.models.conftest import checkerboard, fitted, rows_of, unsettled

FORMS = ["autoencoder", "rbm"]


def network(n_items: int = 20, **options: object) -> StackedAutoencoder:
    config = StackedConfig(
        **{"hidden_dims": (12, 8), "latent_dim": 5, "pretraining_epochs": 2, **options}  # type: ignore[arg-type]
    )
    return StackedAutoencoder(config, n_items=n_items, generator=torch.Generator().manual_seed(0))


def fitting(stack: StackedAutoencoder) -> Fitting:
    return Fitting(stack, FitConfig(), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("form", FORMS)
def test_a_phase_a_layer_and_one_for_the_whole(form: str) -> None:
    phases = network(form=form).phases()
    names = [phase.name for phase in phases]
    assert names == ["pretrain-1", "pretrain-2", "pretrain-3", "fine-tune"]
    assert [phase.epochs for phase in phases] == [2, 2, 2, None]


@pytest.mark.parametrize("form", FORMS)
def test_a_phase_moves_its_own_layer_and_no_other(form: str) -> None:
    stack = network(form=form)
    run = fitting(stack)
    run.next_phase()
    before = {name: tensor.clone() for name, tensor in stack.state_dict().items()}
    run.run_epoch(lambda: [rows_of(checkerboard())])
    run.next_phase()
    moved = {name for name, t in stack.state_dict().items() if not torch.equal(t, before[name])}
    mirror = {"decoder.2.weight", "decoder.2.bias"}
    assert moved == {"encoder.2.weight", "encoder.2.bias"} | mirror


@pytest.mark.parametrize("form", FORMS)
def test_a_stack_of_either_form_solves_the_checkerboard(form: str) -> None:
    table = checkerboard()
    x = rows_of(table)
    stack = fitted("stacked", table, epochs=150, form=form, pretraining_epochs=30)
    _, best = top_n(mask(stack.logits(x).detach(), x), 1)
    assert (best[:, 0] == torch.arange(20)).float().mean() >= 0.9


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("num", [0, 1, 2])
def test_every_parameter_of_a_phase_gets_a_gradient(form: str, num: int) -> None:
    stack = unsettled(network(form=form))
    (each,) = stack.phases()[num].passes
    x = rows_of(checkerboard())
    each.loss(x, torch.Generator().manual_seed(0)).total.backward()
    for parameter in each.parameters:
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0


def test_pretraining_lowers_each_layers_own_loss() -> None:
    run = fitting(network(activation="tanh", pretraining_epochs=40))
    for _ in range(3):
        losses = [
            run.run_epoch(lambda: [rows_of(checkerboard())]).reconstruction for _ in range(40)
        ]
        assert losses[-1] < losses[0]
        run.next_phase()


@pytest.mark.parametrize("form", FORMS)
def test_a_fit_goes_on_from_a_state_saved_between_phases_to_the_same_weights(form: str) -> None:
    def epoch(run: Fitting) -> None:
        run.run_epoch(lambda: [rows_of(checkerboard())])

    undisturbed, resumed = fitting(network(form=form)), fitting(network(form=form))
    epoch(undisturbed)
    undisturbed.next_phase()
    state = undisturbed.state()
    resumed.restore(state)
    for run in (undisturbed, resumed):
        epoch(run)
        run.next_phase()
        epoch(run)
    for name, tensor in undisturbed.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name


class TestRbm:
    @pytest.mark.parametrize("loss", ["multinomial", "bernoulli", "squared"])
    @pytest.mark.parametrize("steps", [1, 3])
    def test_the_gradient_is_the_difference_of_the_statistics(self, loss: str, steps: int) -> None:
        """<v h> over the data minus <v h> after k steps, with h = sigmoid(W'v + c)."""
        stack = unsettled(network(form="rbm", loss=loss, cd_steps=steps)).double()
        x = rows_of(checkerboard().double())
        v0 = x.to_dense()
        layer, out = stack.encoder[0], stack.output
        after = stack.rbm(0, x).gibbs(v0, steps, torch.Generator().manual_seed(3))
        (each,) = stack.phases()[0].passes
        each.loss(x, torch.Generator().manual_seed(3)).total.backward()
        h0, h1 = ((v @ layer.weight + layer.bias).sigmoid() for v in (v0, after))
        assert torch.allclose(layer.weight.grad, -(v0.T @ h0 - after.T @ h1) / 20)
        assert torch.allclose(layer.bias.grad, -(h0 - h1).mean(dim=0))
        assert torch.allclose(out.bias.grad, -(v0 - after).mean(dim=0))

    def test_the_free_energy_is_the_sum_over_all_hidden_states(self) -> None:
        """-log sum_h exp(b'v + c'h + v'W h), over the 32 states of five hidden units."""
        stack = unsettled(network(form="rbm", hidden_dims=(5,), latent_dim=3)).double()
        x = rows_of(checkerboard()[:1].double())
        states = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 5)
        v, layer = x.to_dense()[0], stack.encoder[0]
        minus_energy = v @ stack.output.bias + states @ (layer.bias + v @ layer.weight)
        energy = stack.rbm(0, x).free_energy(x.to_dense())
        assert energy.item() == pytest.approx(-torch.logsumexp(minus_energy, dim=0).item())

    def test_the_mirror_gets_the_weights_at_the_end_of_a_phase(self) -> None:
        stack = network(form="rbm")
        run = fitting(stack)
        run.run_epoch(lambda: [rows_of(checkerboard())])
        run.next_phase()
        assert torch.equal(stack.output.weight, stack.encoder[0].weight)
        run.run_epoch(lambda: [rows_of(checkerboard())])
        run.next_phase()
        assert torch.equal(stack.decoder[2].weight, stack.encoder[2].weight.T)

    def test_the_fine_tuned_mirror_is_its_own(self) -> None:
        stack = fitted("stacked", checkerboard(), epochs=2, form="rbm")
        assert isinstance(stack, StackedAutoencoder)
        assert not torch.equal(stack.output.weight, stack.encoder[0].weight)

    def test_the_same_generator_gives_the_same_samples(self) -> None:
        stack, x = unsettled(network(form="rbm")), rows_of(checkerboard())
        first, second, other = (
            stack.rbm(0, x).gibbs(x.to_dense(), 2, torch.Generator().manual_seed(seed))
            for seed in (1, 1, 2)
        )
        assert torch.equal(first, second)
        assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"form": "rmb"}, "'rbm'"),
        ({"form": "rbm", "activation": "tanh"}, "sigmoid"),
        ({"hidden_dims": ()}, "two layers"),
        ({"pretraining_epochs": 0}, "pretraining_epochs"),
        ({"cd_steps": 0}, "cd_steps"),
        ({"corruption_rate": 1.0}, "corruption_rate"),
    ],
)
def test_an_impossible_option_is_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        StackedConfig(**options)  # type: ignore[arg-type]
