"""Training on a GPU: a pretend one, which refuses what a real one does, and a real one if any.

What is fitted there is, but for rounding, what is fitted on the processor from the same draws.
"""

from math import prod
from typing import Any

import pytest
import torch

from models.autoencoders.base import Network
from models.catalog import build
from models.devices import DeviceName, anywhere, device_of, generator_on, kept
from models.errors import ConfigError
from models.fitting import FitConfig, Fitting, fit_all
from models.precision import PrecisionName, precision
from models.products import MANY_ROWS
from models.recognition import Recogniser
from models.rows import SparseRows, transposed
from models.supervised import SupervisedConfig, SupervisedFitting, fit_recogniser
from pipelines.runs import trees
from tests.models.conftest import (
    SMALL,
    assert_alike_and_on_the_processor,
    assert_goes_on_to_the_same_weights,
    checkerboard,
    kind_of,
    nearly_equal,
    rows_of,
)
from tests.models.test_rating import ratings
from tests.models.test_supervised import bars, small_encoder
from tests.pretend_device import pretend_device

TABLE = checkerboard()
TABLE[3] = 0
CLOSED_FORMS = ("linear", "linear/spectral", "factorised")
DENOISING, STACKED, VARIATIONAL = (SMALL[kind] for kind in ("denoising", "stacked", "variational"))
CASES: dict[str, dict[str, Any]] = {
    **{name: options for name, options in SMALL.items() if name not in CLOSED_FORMS},
    "denoising/gaussian": {**DENOISING, "corruption": "gaussian", "loss": "cosine"},
    "denoising/salt-and-pepper": {
        **DENOISING,
        "corruption": "salt-and-pepper",
        "corruption_rate": 0.2,
        "loss": "focal",
    },
    "sparse/kl": {"form": "kl", "hidden_dims": [16], "loss": "squared"},
    "contractive/hutchinson": {"latent_dim": 8, "hidden_dims": [12], "norm": "hutchinson"},
    "contractive/exact": {"latent_dim": 8, "hidden_dims": [12], "tied": False},
    "stacked/rbm": {**STACKED, "form": "rbm"},
    "deep/tied": {"hidden_dims": [24, 16], "latent_dim": 8, "tied": True, "refeeding_weight": 0.5},
    "variational/sampled": {**VARIATIONAL, "sampled_share": 0.6, "annealing_steps": 20},
    "variational/gaussian": {**VARIATIONAL, "loss": "gaussian"},
}
"""All that trains by gradients on interactions."""
SHAPED: dict[str, dict[str, Any]] = {
    "convolutional": {
        "shape": [1, 12, 12],
        "latent_dim": 6,
        "shift": 2,
        "relight": 0.2,
        "agreement_weight": 0.1,
        "corruption_rate": 0.2,
    },
    "sequence": {"shape": [1, 32], "latent_dim": 4, "corruption_rate": 0.1},
    "volume": {"shape": [1, 8, 8, 8], "latent_dim": 4},
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def fitted(case: str, device: DeviceName, digits: PrecisionName = "float32") -> Network:
    """After three epochs of a long and a short batch, with an empty row in the first."""
    network = build(kind_of(case), CASES[case], n_items=20, generator=generator())
    config = FitConfig(epochs=3, learning_rate=0.01, device=device, precision=digits)
    batches = [rows_of(TABLE[:14]), rows_of(TABLE[14:])]
    fit_all(network, config, lambda: batches, generator=generator(), rows=rows_of(TABLE))
    return network


@pytest.mark.parametrize("case", CASES)
def test_every_kind_comes_to_the_weights_of_the_processor(case: str, gpu: torch.device) -> None:
    assert_alike_and_on_the_processor(fitted(case, "cuda"), fitted(case, "cpu"))


@pytest.mark.parametrize("case", CASES)
def test_every_kind_learns_as_much_in_mixed_precision(case: str, gpu: torch.device) -> None:
    def loss(network: Network) -> float:
        last = network.phases()[-1].passes[0]
        return float(last.loss(rows_of(TABLE), generator(1)).total.detach())

    ours, theirs = fitted(case, "cuda", "bfloat16"), fitted(case, "cpu")
    assert loss(ours) == pytest.approx(loss(theirs), rel=0.02)
    expected = [tensor.dtype for tensor in theirs.state_dict().values()]
    assert [tensor.dtype for tensor in ours.state_dict().values()] == expected


@pytest.mark.parametrize("loss", ["multinomial", "bernoulli"])
def test_many_rows_at_once_do_not_take_the_way_of_the_processors_caches(
    loss: str, gpu: torch.device
) -> None:
    rows, losses = rows_of(TABLE.repeat(MANY_ROWS // len(TABLE) + 1, 1)), []
    for device in ("cuda", "cpu"):
        network = build("denoising", {**DENOISING, "loss": loss}, n_items=20, generator=generator())
        config = FitConfig(precision="bfloat16", device=device)
        fitting = Fitting(network, config, generator=generator())
        losses.append([fitting.run_epoch(lambda: [rows]).reconstruction for _ in range(5)])
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


def test_ratings_of_items_come_to_the_weights_of_the_processor(gpu: torch.device) -> None:
    def fit(device: DeviceName) -> Network:
        options = {"form": "item", "latent_dim": 6, "corruption_rate": 0.2}
        network = build("rating", options, n_items=12, generator=generator())
        rows = rows_of(ratings())
        config = FitConfig(epochs=5, learning_rate=0.02, device=device, optimiser="nadam")
        items = transposed(rows)
        fit_all(network, config, lambda: [items], generator=generator(), rows=rows)
        return network

    ours = fit("cuda")
    assert_alike_and_on_the_processor(ours, fit("cpu"))
    assert_answers_the_same_from(gpu, ours, rows_of(ratings()))


@pytest.mark.parametrize("digits", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", SHAPED)
def test_rows_with_a_shape_come_to_the_weights_of_the_processor(
    kind: str, digits: PrecisionName, gpu: torch.device
) -> None:
    rows = torch.rand(30, prod(SHAPED[kind]["shape"]), generator=generator())

    def fit(device: DeviceName) -> Network:
        network = build(kind, SHAPED[kind], n_items=rows.shape[1], generator=generator())
        config = FitConfig(epochs=2, optimiser="sgd", device=device, precision=digits)
        fit_all(network, config, lambda: rows.split(20), generator=generator())
        return network

    ours, theirs = fit("cuda"), fit("cpu")
    if digits == "float32":
        assert_alike_and_on_the_processor(ours, theirs)
    else:
        x, expected = (each.reconstruct(rows).detach() for each in (ours, theirs))
        assert torch.allclose(x, expected, atol=0.05)


@pytest.mark.parametrize("case", [case for case in CASES if case in SMALL])
def test_a_fit_on_it_goes_on_from_its_saved_state(case: str, gpu: torch.device) -> None:
    def start(device: DeviceName = "cuda") -> Fitting:
        network = build(kind_of(case), SMALL[case], n_items=20, generator=generator())
        return Fitting(network, FitConfig(device=device), generator=generator())

    assert_goes_on_to_the_same_weights(start, rows_of(TABLE), epochs=2, same=nearly_equal)
    fitting = start()
    fitting.run_epoch(lambda: [rows_of(TABLE)])
    assert {each.device.type for each in fitting.network.parameters()} == {gpu.type}
    state = trees.from_bytes(trees.to_bytes(fitting.state()))
    fitting.run_epoch(lambda: [rows_of(TABLE)])
    fitting.leave_device()
    for device in ("cuda", "cpu"):  # where it went on, and where there is no GPU any more
        other = start(device)
        other.restore(state)
        other.run_epoch(lambda: [rows_of(TABLE)])
        other.leave_device()
        assert_alike_and_on_the_processor(other.network, fitting.network)


def test_what_is_drawn_on_a_gpu_comes_from_a_generator_of_its_own_that_is_saved(
    gpu: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    if gpu.type == "cuda":
        monkeypatch.undo()
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    else:  # it has none of its own: here it is another of the processor
        monkeypatch.setattr("models.devices.generator_on", lambda *_: generator(7))

    def start() -> Fitting:
        network = build("variational", SMALL["variational"], n_items=20, generator=generator())
        return Fitting(network, FitConfig(device="cuda"), generator=generator())

    fitting = start()
    before = fitting.state()
    fitting.run_epoch(lambda: [rows_of(TABLE)])
    after = fitting.state()
    assert torch.equal(after["generator"], before["generator"])  # it draws what the caller does
    (drawn,), (drawn_before,) = after["drawing"].values(), before["drawing"].values()
    assert not torch.equal(drawn, drawn_before)
    assert_goes_on_to_the_same_weights(start, rows_of(TABLE), epochs=2, same=nearly_equal)


@pytest.mark.parametrize("digits", ["float32", "bfloat16"])
def test_a_recogniser_comes_to_the_weights_of_the_processor(
    digits: PrecisionName, gpu: torch.device
) -> None:
    x, labels = bars(40)

    def fit(device: DeviceName) -> Recogniser:
        recogniser = Recogniser(small_encoder())
        options = {"epochs": 3, "batch_size": 16, "shift": 1, "flip": True, "optimiser": "sgd"}
        config = SupervisedConfig(**options, precision=digits, device=device)
        fit_recogniser(recogniser, x, labels, config, generator=generator())
        return recogniser

    ours, theirs = fit("cuda"), fit("cpu")
    if digits == "float32":
        assert_alike_and_on_the_processor(ours.network, theirs.network)
    else:
        found, expected = (each.probabilities(x).detach() for each in (ours, theirs))
        assert torch.allclose(found, expected, atol=0.02)


def test_a_fit_to_labels_on_it_goes_on_from_its_saved_state(gpu: torch.device) -> None:
    x, labels = bars(40)

    def start() -> SupervisedFitting:
        config = SupervisedConfig(epochs=3, shift=1, flip=True, device="cuda")
        return SupervisedFitting(Recogniser(small_encoder()), config, generator=generator())

    fitting, other = start(), start()
    fitting.run_epoch(x, labels)
    state = trees.from_bytes(trees.to_bytes(fitting.state()))
    other.restore(state)
    for each in (fitting, other):
        each.run_epoch(x, labels)
        each.leave_device()
    assert_alike_and_on_the_processor(other.network, fitting.network)


def assert_answers_the_same_from(gpu: torch.device, network: Network, x: SparseRows) -> None:
    """Here in float32, and there in either precision."""
    answers = [network.eval().logits, network.reconstruct]
    with torch.inference_mode():
        expected = [answer(x) for answer in answers]
    network.to(gpu)
    for name, error in (("float32", 1e-3), ("bfloat16", 0.05)):
        for answer, there in zip(answers, expected, strict=True):
            with torch.inference_mode(), precision(name, gpu.type):
                found = anywhere(network, answer)(x)
            assert type(found) is torch.Tensor
            assert torch.allclose(found.float(), there, rtol=error, atol=error)


@pytest.mark.parametrize("case", CASES)
def test_every_kind_answers_from_where_it_is(case: str, gpu: torch.device) -> None:
    network = build(kind_of(case), CASES[case], n_items=20, generator=generator())
    assert_answers_the_same_from(gpu, network, rows_of(TABLE))


def test_a_state_of_another_device_or_of_before_there_were_any_goes_on() -> None:
    x, labels = bars(40)
    recogniser, config = Recogniser(small_encoder()), SupervisedConfig(epochs=3, shift=1)
    fitting = SupervisedFitting(recogniser, config, generator=generator())
    network = build("denoising", SMALL["denoising"], n_items=20, generator=generator())
    other = Fitting(network, FitConfig(), generator=generator())
    of_a_gpu = {"cuda": torch.zeros(16, dtype=torch.uint8)}
    for state, restore in ((fitting.state(), fitting.restore), (other.state(), other.restore)):
        restore({**state, "drawing": of_a_gpu})
        del state["drawing"]
        restore(state)
    assert fitting.run_epoch(x, labels) > 0


def test_what_is_kept_of_one_number_expanded_is_one_number() -> None:
    copy = kept({"weight": torch.zeros(1).expand(50, 50)})["weight"]
    assert (copy.shape, copy.untyped_storage().nbytes()) == ((50, 50), 4)


def test_without_a_gpu_one_that_is_asked_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of("auto") == device_of("cpu") == torch.device("cpu")
    config = FitConfig(device="cuda")  # a run made elsewhere can be read
    network = build("denoising", SMALL["denoising"], n_items=20, generator=generator())
    with pytest.raises(ConfigError, match="'auto' or 'cpu'") as caught:
        Fitting(network, config, generator=generator())
    assert caught.value.field == "device"


def test_an_unknown_device_is_refused() -> None:
    for config in (FitConfig, SupervisedConfig):
        with pytest.raises(ConfigError, match="auto, cpu, cuda"):
            config(device="gpu")  # type: ignore[arg-type]


def test_on_the_processor_the_generator_is_the_one_handed_in() -> None:
    one = generator()
    before = one.get_state()
    assert generator_on(torch.device("cpu"), one) is one
    assert torch.equal(one.get_state(), before)


def test_the_pretend_gpu_refuses_what_a_real_one_does() -> None:
    there, here = torch.ones(3, device=pretend_device()), torch.ones(3)
    with pytest.raises(RuntimeError, match="mixes"):
        there + here
    with pytest.raises(RuntimeError, match="mixes"):
        here[there.long()]
    with pytest.raises((RuntimeError, TypeError)):
        there.numpy()
    assert (there + torch.tensor(1.0)).cpu().tolist() == [2.0, 2.0, 2.0]
