"""Recognition: which class is it? The last layer's meaning and its loss. Not what is trained on.

softmax: exactly one class is right, and the classes compete. sigmoid: each class is a question of
its own, so that several may be right, or none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.encoders.initialise import initialise
from models.encoders.layers import CodeLayer, check_count, code_modules, run_code
from models.errors import ConfigError, choice_error

OutputName = Literal["softmax", "sigmoid"]

AUXILIARY_WEIGHT = 0.3
"""What the loss of an auxiliary head counts (Szegedy et al. 2015, sec. 5)."""


@dataclass(frozen=True)
class RecognitionTerms:
    """The parts of a loss, each a scalar averaged over the rows of the batch."""

    cross_entropy: Tensor
    auxiliary: Tensor
    """Of auxiliary heads, weighted; zero where there are none."""

    @property
    def total(self) -> Tensor:
        return self.cross_entropy + self.auxiliary


@dataclass(frozen=True)
class Output:
    """What logits mean, how far they are from labels (a scalar), and which labels are none."""

    probabilities: Callable[[Tensor], Tensor]
    loss: Callable[[Tensor, Tensor], Tensor]
    check: Callable[[Tensor, Tensor], None]


class Classifies(Protocol):
    """What a recogniser needs of a network: an image encoder has it, and a `CodeClassifier`."""

    def all_logits(
        self, x: Tensor, generator: torch.Generator | None = None, /
    ) -> tuple[Tensor, ...]:
        """The logits, (batch, n_classes), and after them those of auxiliary heads."""
        ...


class Encodes(Protocol):
    """What a head needs below it; every autoencoder has it."""

    def encode(self, x: Any, /) -> Tensor:
        """The code of each row, (batch, latent_dim)."""
        ...


class Recogniser:
    """A network and the meaning of its logits."""

    def __init__(self, network: Classifies, output: OutputName = "softmax") -> None:
        if output not in OUTPUTS:
            raise choice_error("output", output, OUTPUTS)
        self.network = network
        self.output = OUTPUTS[output]

    def probabilities(self, x: Tensor) -> Tensor:
        """Of each class, (batch, n_classes); with softmax they add up to 1."""
        return self.output.probabilities(self.network.all_logits(x)[0])

    def loss(
        self, x: Tensor, labels: Tensor, generator: torch.Generator | None = None
    ) -> RecognitionTerms:
        """The training loss of a batch; dropout draws from the generator, if there is one.

        labels: softmax (batch,) class numbers; sigmoid (batch, n_classes) of 0 and 1.
        """
        logits, *auxiliary = self.network.all_logits(x, generator)
        self.output.check(logits, labels)
        terms = [self.output.loss(each, labels) for each in auxiliary]
        total = torch.stack(terms).sum() if terms else logits.new_zeros(())
        return RecognitionTerms(self.output.loss(logits, labels), AUXILIARY_WEIGHT * total)


class CodeClassifier(nn.Module):
    """A head on an autoencoder that has learnt codes without labels: dense layers, then logits.

    Its parameters hold the autoencoder's: fine-tuning moves both, the decoder aside, which no
    logit depends on.
    """

    def __init__(
        self,
        autoencoder: Encodes,
        code_dim: int,
        n_classes: int,
        *,
        hidden: Sequence[CodeLayer] = (),
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        check_count("code_dim", code_dim)
        check_count("n_classes", n_classes)
        with torch.device("meta"):
            modules, width = code_modules(tuple(hidden), code_dim)
            self.head = nn.Sequential(*modules, nn.Linear(width, n_classes))
        initialise(self.head.to_empty(device=generator.device), generator)
        self.autoencoder = autoencoder

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """One logit a class, (batch, n_classes); dropout only with a generator."""
        return run_code(list(self.head), self.autoencoder.encode(x), generator)

    def all_logits(
        self, x: Tensor, generator: torch.Generator | None = None, /
    ) -> tuple[Tensor, ...]:
        """The same, and no auxiliary heads."""
        return (self(x, generator),)


def one_of(logits: Tensor, labels: Tensor) -> Tensor:
    """-log softmax(logits) of the right class, averaged over the rows."""
    return F.cross_entropy(logits, labels)


def each_by_itself(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of every class as a coin of its own, summed over a row, averaged over rows."""
    labels = labels.to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="sum") / len(logits)


def check_one_of(logits: Tensor, labels: Tensor) -> None:
    """Raise ConfigError unless each label is the number of a class."""
    n_classes = logits.shape[1]
    whole = labels.shape == logits.shape[:1] and not labels.is_floating_point()
    if not whole or bool(((labels < 0) | (labels >= n_classes)).any()):
        detail = f"With softmax a row's label is one whole number from 0 to {n_classes - 1}."
        raise ConfigError("labels", detail)


def check_each(logits: Tensor, labels: Tensor) -> None:
    """Raise ConfigError unless there is a 0 or 1 for each class."""
    if labels.shape != logits.shape or bool(((labels != 0) & (labels != 1)).any()):
        detail = f"With sigmoid a row's labels are 0 or 1 for each of {logits.shape[1]} classes."
        raise ConfigError("labels", detail)


OUTPUTS: dict[OutputName, Output] = {
    "softmax": Output(lambda logits: logits.softmax(dim=1), one_of, check_one_of),
    "sigmoid": Output(torch.sigmoid, each_by_itself, check_each),
}
