"""The generated part of the card of each kind in `docs/models.md`: picture, options, song table.

python -m benchmarks.cards --write

The words between the generated parts are written by hand, and left alone.
"""

import argparse
import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import torch

from benchmarks.drawings import drawing
from benchmarks.song_table import song_table
from models.autoencoders.base import Network
from models.catalog import KINDS, build, get_kind
from models.fitting import FitConfig, fit_all
from models.rows import SparseRows, to_rows
from pipelines.data.interactions import InteractionMatrix, batches

SEED = 1
EPOCHS = 400
PAGE = Path(__file__).parents[1] / "docs" / "models.md"
END = "<!-- end -->"

SONG_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "undercomplete": {"latent_dim": 2},
    "sparse": {"hidden_dims": (), "latent_dim": 8, "k": 2, "loss": "bernoulli"},
    "denoising": {
        "hidden_dims": (8,),
        "latent_dim": 2,
        "corruption_rate": 0.2,
        "loss": "bernoulli",
    },
    "contractive": {"latent_dim": 4, "contraction_weight": 0.01, "loss": "bernoulli"},
    "stacked": {
        "hidden_dims": (8, 4),
        "latent_dim": 2,
        "pretraining_epochs": 50,
        "activation": "tanh",
        "loss": "bernoulli",
    },
    "deep": {
        "hidden_dims": (16, 8, 4),
        "latent_dim": 2,
        "dropout_rate": 0.0,
        "loss": "bernoulli",
    },
    "variational": {"hidden_dims": (8,), "latent_dim": 2, "corruption_rate": 0.2},
    "linear": {"form": "ease", "regularisation": (0.5,)},
    "factorised": {"latent_dim": (2,), "regularisation": (0.5,)},
    "joint": {
        "members": (
            {"kind": "variational", "network": {"hidden_dims": (8,), "latent_dim": 2}},
            {"kind": "linear", "network": {"form": "ease", "regularisation": (0.5,)}},
        )
    },
    "rating": {"form": "user", "latent_dim": 2},
}
"""Options that suit four clients and five songs; a kind that is not named takes its defaults."""


def card(kind: str) -> str:
    """What the page shows of a kind, but for the words, as Markdown."""
    parts = [f"![The layers of {kind}](pictures/{kind}.svg)", option_table(kind)]
    if get_kind(kind).subject == "interactions":
        parts += song_part(kind)
    return "\n\n".join(parts)


def song_part(kind: str) -> list[str]:
    """The song table, and how a small network of the kind rebuilds it."""
    matrix = song_table()
    options = dict(SONG_OPTIONS.get(kind, {}))
    shown = ", ".join(f"{name} {_written(value)}" for name, value in options.items())
    return [
        f"The song table, rebuilt by a small one ({shown or 'defaults'}; seed {SEED}):",
        reconstruction_table(song_network(kind, matrix), matrix),
    ]


def option_table(kind: str) -> str:
    """Each option with its default and the sentence under its field."""
    config = get_kind(kind).config
    meanings = field_docs(config)
    rows = [
        f"| `{field.name}` | `{_default(field)}` | {meanings.get(field.name, '')} |"
        for field in fields(config)
    ]
    return "\n".join(["| option | default | |", "|---|---|---|", *rows])


def field_docs(config: type[Any]) -> dict[str, str]:
    """The docstring under each field of a dataclass, on one line."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(config))).body
    assert isinstance(definition, ast.ClassDef)
    docs = {}
    for field, after in zip(definition.body, definition.body[1:], strict=False):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                docs[name] = " ".join(text.split())
    return docs


def song_network(kind: str, matrix: InteractionMatrix) -> Network:
    """A network of the kind, fitted to the song table a row at a time."""
    generator = torch.Generator().manual_seed(SEED)
    options = SONG_OPTIONS.get(kind, {})
    network = build(kind, options, n_items=matrix.x.shape[1], generator=generator)
    rows = to_rows(matrix.x)
    network.prepare(rows)
    if network.phases():
        table = matrix.x.T.tocsr() if network.trains_on_items else matrix.x
        config = FitConfig(epochs=EPOCHS, learning_rate=0.02)
        fit_all(network, config, lambda: batches(table, 1, generator), generator=generator)
    network.solve(rows)
    return network.eval()


def reconstruction_table(network: Network, matrix: InteractionMatrix) -> str:
    """Each client's row, and what the network makes of it."""
    x: SparseRows = to_rows(matrix.x)
    with torch.inference_mode():
        rebuilt = network.reconstruct(x).tolist()
    rows = [
        f"| {user_id} | {_numbers(row, 0)} | {_numbers(values, 2)} |"
        for user_id, row, values in zip(
            matrix.user_ids, x.to_dense().tolist(), rebuilt, strict=True
        )
    ]
    return "\n".join(["| | the table | rebuilt |", "|---|---|---|", *rows])


def rewritten(text: str) -> str:
    """The page with every generated part as it should be."""

    def renewed(match: re.Match[str]) -> str:
        kind = match[1]
        return f"{begin(kind)}\n\n{card(kind)}\n\n{END}"

    pattern = begin("(.*?)") + ".*?" + END
    return re.sub(pattern, renewed, text, flags=re.DOTALL)


def begin(kind: str) -> str:
    """The line above the generated part of a kind."""
    return f"<!-- card of {kind}, written by python -m benchmarks.cards --write -->"


def _default(field: "Field[Any]") -> str:
    made = field.default if field.default_factory is MISSING else field.default_factory()
    return "required" if made is MISSING else _written(made)


def _written(value: object) -> str:
    if not value and isinstance(value, Mapping):
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_written(each)}" for name, each in value.items())
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def _numbers(values: list[float], digits: int) -> str:
    return " ".join(f"{round(value, digits) + 0.0:.{digits}f}" for value in values)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cards", description=__doc__)
    parser.add_argument("--write", action="store_true", help="into docs/, in place")
    torch.set_num_threads(1)
    if not parser.parse_args().write:
        print("\n\n".join(f"## {kind}\n\n{card(kind)}" for kind in KINDS))
        return 0
    PAGE.write_text(rewritten(PAGE.read_text()))
    for kind in KINDS:
        (PAGE.parent / "pictures" / f"{kind}.svg").write_text(drawing(kind))
    return 0


if __name__ == "__main__":
    sys.exit(main())
