"""The lesson's song table, number by number: prints what `docs/song-table.md` shows.

python -m benchmarks.song_table
"""

import sys

import torch
from torch import Tensor

from benchmarks.matrices import read_matrix
from models.autoencoders.undercomplete import UndercompleteAutoencoder, UndercompleteConfig
from models.fitting import FitConfig, Fitting
from models.rows import SparseRows
from models.scoring.ranking import mask, top_n
from pipelines.data.import_source import SONG_TABLE
from pipelines.data.interactions import InteractionMatrix, batches, to_rows

SEED = 1
SMALL_ERROR = 0.02
"""Mean |x - x_hat| at which training stops."""
MAX_EPOCHS = 20_000


def song_table() -> InteractionMatrix:
    """The four clients and five songs; a song that nobody likes has a column too."""
    return read_matrix(SONG_TABLE)


def first_network(n_items: int) -> UndercompleteAutoencoder:
    """Two hidden units, sigmoid in and out, weights drawn with SEED."""
    config = UndercompleteConfig(latent_dim=2)
    generator = torch.Generator().manual_seed(SEED)
    return UndercompleteAutoencoder(config, n_items=n_items, generator=generator)


def mean_error(network: UndercompleteAutoencoder, x: SparseRows) -> float:
    """Mean of |x - x_hat| over all entries of the table."""
    with torch.inference_mode():
        return float((x.to_dense() - network.reconstruct(x)).abs().mean())


def fit(network: UndercompleteAutoencoder, matrix: InteractionMatrix) -> int:
    """Stochastic gradient descent, a row at a time, until the error is small; epochs taken."""
    config = FitConfig(optimiser="sgd", learning_rate=0.5)
    fitting = Fitting(network, config, generator=torch.Generator().manual_seed(SEED))
    x = to_rows(matrix.x)
    for epoch in range(1, MAX_EPOCHS + 1):
        fitting.run_epoch(lambda: batches(matrix.x, 1, fitting.generator))
        if mean_error(network, x) < SMALL_ERROR:
            return epoch
    raise ArithmeticError(f"The error is still {mean_error(network, x):.3f}.")


def page() -> str:
    """The figures of `docs/song-table.md`, as Markdown."""
    torch.set_num_threads(1)  # the last digits depend on it
    matrix = song_table()
    x = to_rows(matrix.x)
    network = first_network(x.n_items)
    before = [
        "## Before training",
        _first_row(network, x),
        f"Mean error over the table: {mean_error(network, x):.3f}.",
    ]
    epochs = fit(network, matrix)
    after = [
        f"## After {epochs:,} epochs",
        _first_row(network, x),
        f"Mean error over the table: {mean_error(network, x):.3f}.",
        "## Every row",
        _every_row(network, matrix, x),
        "## What client 4 is recommended",
        _recommendations(network, matrix, x),
    ]
    return "\n\n".join([*before, *after])


def _first_row(network: UndercompleteAutoencoder, x: SparseRows) -> str:
    """Each step of the lesson for the first client."""
    layer = network.encoder[0]
    with torch.inference_mode():
        row = x.to_dense()[0]
        code = network.encode(x)[0]
        x_hat = network.reconstruct(x)[0]
    steps = {
        "x": row,
        "W, first unit": layer.weight[:, 0],
        "W, second unit": layer.weight[:, 1],
        "b": layer.bias,
        "W x + b": torch.logit(code),
        "h = sigmoid(W x + b)": code,
        "x_hat = sigmoid(W' h + b')": x_hat,
        "error = abs(x - x_hat)": (row - x_hat).abs(),
    }
    lines = [f"| `{name}` | {_numbers(values)} |" for name, values in steps.items()]
    return "\n".join(["| client 1 | |", "|---|---|", *lines])


def _every_row(network: UndercompleteAutoencoder, matrix: InteractionMatrix, x: SparseRows) -> str:
    with torch.inference_mode():
        codes, x_hat = network.encode(x), network.reconstruct(x)
    rows = [
        f"| {user_id} | {_numbers(row, 0)} | {_numbers(code)} | {_numbers(rebuilt)} | "
        f"{_numbers(rebuilt.round(), 0)} |"
        for user_id, row, code, rebuilt in zip(
            matrix.user_ids, x.to_dense(), codes, x_hat, strict=True
        )
    ]
    head = "| | the table | code h | reconstruction | rounded |"
    return "\n".join([head, "|---|---|---|---|---|", *rows])


def _recommendations(
    network: UndercompleteAutoencoder, matrix: InteractionMatrix, x: SparseRows
) -> str:
    scores, ranked = recommended(network, x, client=3)
    lines = [
        f"| {matrix.vocabulary.item_ids[num]} | {score:.3f} |"
        for num, score in zip(ranked, scores, strict=True)
    ]
    return "\n".join(["| not yet liked | expected |", "|---|---|", *lines])


def recommended(
    network: UndercompleteAutoencoder, x: SparseRows, *, client: int
) -> tuple[list[float], list[int]]:
    """What the network expects of the songs that a client has not liked, highest first."""
    with torch.inference_mode():
        expected = mask(network.reconstruct(x), x)[client]
    values, nums = top_n(expected[None], int((expected > -torch.inf).sum()))
    return values[0].tolist(), nums[0].tolist()


def _numbers(values: Tensor, digits: int = 3) -> str:
    return " ".join(f"{value:.{digits}f}" for value in values.tolist())


if __name__ == "__main__":
    print(page())
    sys.exit()
