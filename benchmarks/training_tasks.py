"""What `benchmarks.training` measures, a function a task. Not the work: `training_worker.py`."""

import json
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.matrices import read_matrix
from benchmarks.turns import Figures, Worker, in_turns
from benchmarks.zipf import Csr, histories

ROOT = Path(__file__).parents[1]
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
MULT_VAE: dict[str, Any] = {"form": "mult-vae", "beta": 0.2}
SAMPLED_SHARE = 0.25
PEERS = {"mult-vae": ("MultiVAE", {"latent_dimension": 200}), "recvae": ("RecVAE", {})}
"""RecBole's names, and options that give its network the widths of ours."""
LARGE = (116_677, 20_108, 8_600_000)
"""Users, items and draws of the size of MovieLens-20M; draws repeat, so there are fewer ones."""
LARGE_SHARE = 0.1
WIDE = (1_000_000, 100_000, 55_000_000)
WIDE_SHARE = 0.02
DUAL = (1_497, 15_375, 80_000)


def ours(rows: Path, kind: str = "variational", **options: Any) -> list[str]:
    """The command of a worker of ours."""
    values = json.dumps({"rows": str(rows), "kind": kind, **options})
    return [sys.executable, "-m", "benchmarks.training_worker", values]


def recbole(folder: Path, form: str, **options: Any) -> dict[str, list[str]]:
    """RecBole by its name, or nothing where it is not installed, which is said."""
    model, widths = PEERS[form]
    if not PEER_PYTHON.is_file():
        print("recbole is skipped: it is not installed (make peers).", file=sys.stderr)
        return {}
    values = json.dumps({"folder": str(folder), "model": model, "options": {**widths, **options}})
    return {"recbole": [str(PEER_PYTHON), str(Path(__file__).with_name("peer_recbole.py")), values]}


def epoch(arguments: Namespace, folder: Path) -> Figures:
    """An epoch of training beside RecBole's own trainer; of recvae an outer epoch."""
    _write_parts(arguments.data, folder, arguments.seed)
    network = {"form": arguments.form}
    size = arguments.batch_size
    commands = {
        **recbole(folder, arguments.form, train_batch_size=size),
        "all items": ours(folder / "train.npz", network=network, batch_size=size),
        "a sample of them": ours(
            folder / "train.npz",
            network={**network, "sampled_share": SAMPLED_SHARE},
            batch_size=size,
        ),
    }
    return _with_ratios(in_turns(commands, "epoch", turns=arguments.turns), "recbole")


def evaluation(arguments: Namespace, folder: Path) -> Figures:
    """Ranking all items for all users, and the metrics, beside RecBole at two batch sizes."""
    _write_parts(arguments.data, folder, arguments.seed)
    n_items = sparse.load_npz(folder / "train.npz").shape[1]
    peers = {
        f"recbole, {n_users} users a batch": command
        for n_users, size in ((1, 4_096), (500, 501 * n_items), (2_000, 2_001 * n_items))
        for command in recbole(folder, "mult-vae", eval_batch_size=size).values()
    }
    rows, test = (folder / f"{part}.npz" for part in ("train", "test"))
    commands = peers | {
        f"ours, {name}": ours(rows, network=MULT_VAE, test=str(test), precision=name)
        for name in ("float32", "auto")
    }
    done = in_turns(commands, "evaluation", turns=arguments.turns)
    halved = _units(ours(rows, network=MULT_VAE), *["epoch"] * 5, "agreement")
    return {**_with_ratios(done, next(iter(done))), "bfloat16": halved["agreement"]}


def large(arguments: Namespace, folder: Path) -> Figures:
    """A network of 600-200-600 at the size of MovieLens-20M, in batches of 500: some batches in
    turns, by threads, scaled to an epoch; and what one thread spends its time on.
    """
    rows, x = made(folder, LARGE, arguments.seed)
    variants = {"all items": 1.0, "a sample of them": LARGE_SHARE}
    shares = {f"{name}, {n} threads": share for name, share in variants.items() for n in (1, 2)}

    def command(name: str, threads: int) -> list[str]:
        return ours(rows, network={**MULT_VAE, "sampled_share": shares[name]}, threads=threads)

    naive = _units(ours(rows, "naive"), "naive", "naive")
    commands = {name: command(name, 2 if "2 threads" in name else 1) for name in shares}
    in_turn = in_turns(commands, "step", turns=arguments.turns)
    n_steps, timed = -(-x.shape[0] // 500), 6
    figures = {}
    for name, each in {"naive": {**naive, **naive["naive"]}, **in_turn}.items():
        seconds = each["seconds"] * n_steps / timed
        products = _operations(x, shares.get(name, 1.0))
        figures[name] = {**each, "epoch_seconds": seconds, "gflops": products / seconds / 1e9}
    units = ("product", "loading", "profile")
    profiles = {name: _units(command(name, 1), *units) for name in shares if "1 threads" in name}
    return {"ones": x.nnz, "steps": figures, "profiles": profiles}


def closed_form(arguments: Namespace, folder: Path) -> Figures:
    """EDLAE solved at 20,108 items, and where items outnumber users."""
    found = {}
    for name, size in (("20,108 items", LARGE), ("dual", DUAL)):
        rows, x = made(folder / name, size, arguments.seed)
        network = {"form": "edlae", "regularisation": [300.0]}
        command = ours(rows, "linear", network=network, threads=arguments.threads)
        found[name] = {"shape": x.shape, "ones": x.nnz, **_units(command, "solve")}
    return found


def wide(arguments: Namespace, folder: Path) -> Figures:
    """100,000 items, a million users: what is refused, and what is trained in how much memory."""
    rows, x = made(folder, WIDE, arguments.seed)
    network = {**MULT_VAE, "sampled_share": WIDE_SHARE}
    steps = 20
    trained = _units(ours(rows, network=network, steps=steps), "loading", "step", "step")
    n_steps = -(-x.shape[0] // 500)
    return {
        "ones": x.nnz,
        "refused": _units(ours(rows, "linear", network={"form": "ease"}), "refusal"),
        "mult-vae": {**trained, "epoch_seconds": trained["step"]["seconds"] * n_steps / steps},
    }


def scaling(arguments: Namespace, folder: Path) -> Figures:
    """Seconds of an epoch as users and as items grow, of both ways to reckon the softmax."""
    sizes = {
        "users": [(n, 5_000, 60 * n) for n in (2_500, 5_000, 10_000, 20_000)],
        "items": [(5_000, n, 300_000) for n in (2_500, 5_000, 10_000, 20_000, 40_000)],
    }
    figures: dict[str, list[Figures]] = {}
    for axis, shapes in sizes.items():
        figures[axis] = []
        for shape in shapes:
            rows, _ = made(folder / f"{axis}-{shape[0]}-{shape[1]}", shape, arguments.seed)
            commands = {
                "all items": ours(rows, network=MULT_VAE),
                "a sample of them": ours(
                    rows, network={**MULT_VAE, "sampled_share": min(1.0, 1_000 / shape[1])}
                ),
            }
            done = in_turns(commands, "epoch", turns=1)
            seconds = {name: each["seconds"] for name, each in done.items()}
            figures[axis].append({"users": shape[0], "items": shape[1], **seconds})
    return figures


TASKS: dict[str, Callable[[Namespace, Path], Figures]] = {
    "epoch": epoch,
    "evaluation": evaluation,
    "large": large,
    "closed-form": closed_form,
    "wide": wide,
    "scaling": scaling,
}


def _operations(x: Csr, share: float) -> float:
    """Of the dense products of an epoch of a 600-200-600 network, forward and backward; what the
    sparse first layer adds is not counted.
    """
    n_users, n_items = x.shape
    return 6.0 * n_users * (600 * n_items * share + 600 * 400 + 200 * 600)


def _units(command: list[str], *units: str) -> Figures:
    """What a worker of its own measures, unit after unit; of one that is named twice the last."""
    with Worker(command) as worker:
        done = {unit: worker.run(unit) for unit in units}
        print(f"{units}: {done}", file=sys.stderr)
        return {**done, **worker.end()}


def _with_ratios(figures: dict[str, Figures], base: str) -> Figures:
    """Beside each how many times as fast as the first it is, if that was there."""
    if base in figures:
        for each in figures.values():
            each["ratio"] = round(figures[base]["seconds"] / each["seconds"], 2)
    return dict(figures)


def made(folder: Path, size: tuple[int, int, int], seed: int) -> tuple[Path, Csr]:
    """Rows of so many users, items and draws, and the file in the folder that holds them."""
    folder.mkdir(exist_ok=True)
    x = histories(*size, seed=seed)
    path = folder / "rows.npz"
    sparse.save_npz(path, x, compressed=False)
    return path, x


def _write_parts(data: Path, folder: Path, seed: int) -> None:
    """Eight, one and one tenth of each user's items: as matrices, and as RecBole reads them."""
    x = read_matrix(data).x
    rng = np.random.default_rng(seed)
    part_of = np.zeros(x.nnz, dtype=np.int8)
    for start, end in zip(x.indptr, x.indptr[1:], strict=False):
        tenth = (end - start) // 10
        shuffled = start + rng.permutation(end - start)
        part_of[shuffled[:tenth]], part_of[shuffled[tenth : 2 * tenth]] = 1, 2
    user_nums = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
    for num, part in enumerate(("train", "valid", "test")):
        kept = part_of == num
        pairs = np.column_stack([user_nums[kept], x.indices[kept]])
        matrix = sparse.csr_array((x.data[kept], pairs.T), shape=x.shape)
        sparse.save_npz(folder / f"{part}.npz", matrix)
        lines = "".join(f"{user}\t{item}\n" for user, item in pairs.tolist())
        name = folder / f"{folder.name}.{part}.inter"
        name.write_text("user_id:token\titem_id:token\n" + lines)
