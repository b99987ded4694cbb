"""Profiles of which it is known whether they are fake: injected, or labelled in a folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.matrices import read_matrix
from models.attacks import AttackConfig, attacked
from models.groups.signals import Array, Csr
from pipelines.data.interactions import matrix_of
from pipelines.errors import InvalidInput

FILLERS = (0.03, 0.06)
INJECTED = {
    **{
        f"{attack} {filler:.0%}": AttackConfig(attack, filler=filler)
        for attack in ("random", "average", "bandwagon", "segment", "love-hate")
        for filler in FILLERS
    },
    **{
        f"{attack} 3% nuke": AttackConfig(attack, aim="nuke")
        for attack in ("random", "average", "bandwagon", "segment", "love-hate")
    },
}
"""The attacks by name: 5 % attackers, fillers as a share of the items."""
ATTACKER = "1"


@dataclass(frozen=True)
class LabelledUsers:
    """x (n_users, n_items) of ratings, and of users with a label whether they are attackers.

    judged (n_users,) bool: who has a label. is_attacker (n_users,) bool.
    """

    x: Csr
    judged: Array
    is_attacker: Array


def is_labelled(folder: Path) -> bool:
    """Whether a folder says of users whether they are fake."""
    return folder.is_dir() and len(_label_files(folder)) == 1


def set_names(data: Path, wanted: list[str] | None) -> list[str]:
    """The sets of the data: the folder itself where it has labels, else attacks by name."""
    return [data.name] if is_labelled(data) else (wanted or list(INJECTED))


def users_of(data: Path, name: str, seeds: list[int]) -> Iterator[LabelledUsers]:
    """The set of that name with each seed; labelled data are the same with every seed, and come
    once. Raises InvalidInput for data that cannot be read.
    """
    if is_labelled(data):
        yield read_labelled(data)
        return
    x = read_matrix(data, "rating").x
    for seed in seeds:
        made = attacked(x, INJECTED[name], np.random.default_rng(seed))
        yield LabelledUsers(made.x, np.ones(len(made.is_attacker), dtype=bool), made.is_attacker)


def read_labelled(folder: Path) -> LabelledUsers:
    """A folder with a file of `user label` lines, called `...label...`, where 1 is an attacker,
    and one of `user item rating` lines; more columns are not read. Commas separate as well.
    """
    labels = _label_files(folder)[0]
    profiles = [each for each in _text_files(folder) if each != labels and _is_profiles(each)]
    if len(profiles) != 1:
        raise InvalidInput(f"{folder} needs one file of `user item rating` lines beside {labels}.")
    of_user = {row[0]: row[1] == ATTACKER for row in _rows(labels, 2)}
    rows = _rows(profiles[0], 3)
    user_ids = tuple(sorted({row[0] for row in rows}))
    item_ids = tuple(sorted({row[1] for row in rows}))
    user_nums = {user_id: num for num, user_id in enumerate(user_ids)}
    item_nums = {item_id: num for num, item_id in enumerate(item_ids)}
    matrix = matrix_of(
        user_ids,
        np.array([user_nums[row[0]] for row in rows]),
        item_ids,
        np.array([item_nums[row[1]] for row in rows]),
        weights=np.array([float(row[2]) for row in rows], dtype=np.float32),
        values="rating",
    )
    judged = np.array([user_id in of_user for user_id in user_ids])
    is_attacker = np.array([of_user.get(user_id, False) for user_id in user_ids])
    if not is_attacker.any() or is_attacker[judged].all():
        raise InvalidInput(f"{labels} needs attackers, labelled 1, and others.")
    return LabelledUsers(matrix.x, judged, is_attacker)


def _text_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".txt", ".csv", ".tsv"))


def _label_files(folder: Path) -> list[Path]:
    return [path for path in _text_files(folder) if "label" in path.stem.lower()]


def _is_profiles(path: Path) -> bool:
    """Whether the second line, the first may be a header, has a user, an item and a number."""
    with path.open() as lines:
        next(lines, None)
        cells = _cells(next(lines, ""))
    return len(cells) >= 3 and _is_number(cells[2])


def _rows(path: Path, n_cells: int) -> list[list[str]]:
    """The lines with enough cells, whose last needed one is a number: headers are none."""
    rows = [_cells(line) for line in path.read_text().splitlines()]
    return [row for row in rows if len(row) >= n_cells and _is_number(row[n_cells - 1])]


def _cells(line: str) -> list[str]:
    return line.replace(",", " ").split()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
