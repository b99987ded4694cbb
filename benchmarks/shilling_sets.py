"""Profiles of which it is known whether they are fake: injected, or labelled in a folder.

A labelled folder has a file of `user label` lines, called `...label...`, where 1 is an attacker,
and one of `user item` lines, with a rating behind if there is one; more columns are not read.
Spaces, tabs, commas, semicolons and `::` separate; the first line may be a header. Of a pair that
comes twice the last line counts.
"""

import re
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
ATTACKER = 1
SUFFIXES = (".txt", ".csv", ".tsv", ".dat", ".data")
PROFILES = re.compile("profile|rating|review", re.IGNORECASE)
HEADERS = ("user", "user_id", "userid", "reviewer", "reviewer_id", "reviewerid")
"""What the first line begins with where it is none of the data."""
SEPARATORS = re.compile(r"[\s,;]+|::")


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
    return folder.is_dir() and bool(_label_files(folder))


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
    """The users of a labelled folder; those without a label are there and are not judged.

    Raises InvalidInput for a line that cannot be read, files that are missing or of which there
    are several, and labels of one kind.
    """
    labels, profiles = _the_files(folder)
    of_user = {cells[0]: _number(cells[1]) == ATTACKER for cells in _rows(labels, 2, n_numbers=1)}
    rated = _is_rated(profiles)
    rows = _rows(profiles, 3 if rated else 2, n_numbers=int(rated))
    user_ids = tuple(sorted({row[0] for row in rows}))
    item_ids = tuple(sorted({row[1] for row in rows}))
    user_nums = {user_id: num for num, user_id in enumerate(user_ids)}
    item_nums = {item_id: num for num, item_id in enumerate(item_ids)}
    ratings = [_number(row[2]) if rated else 1.0 for row in rows]
    matrix = matrix_of(
        user_ids,
        np.array([user_nums[row[0]] for row in rows]),
        item_ids,
        np.array([item_nums[row[1]] for row in rows]),
        weights=np.array(ratings, dtype=np.float32),
        values="rating",
    )
    judged = np.array([user_id in of_user for user_id in user_ids])
    is_attacker = np.array([of_user.get(user_id, False) for user_id in user_ids])
    if not is_attacker.any() or is_attacker[judged].all():
        raise InvalidInput(f"{labels} needs attackers, labelled 1, and others, of {profiles}.")
    return LabelledUsers(matrix.x, judged, is_attacker)


def _the_files(folder: Path) -> tuple[Path, Path]:
    """That of the labels and that of the profiles, by its name where several look like one."""
    labels = _label_files(folder)
    others = [path for path in _text_files(folder) if path not in labels]
    named = [path for path in others if PROFILES.search(path.stem)] or others
    if len(labels) != 1 or len(named) != 1:
        found = ", ".join(path.name for path in _text_files(folder))
        raise InvalidInput(
            f"{folder} needs one file of `user label` lines and one of `user item rating` lines, "
            f"called ...profiles or ...ratings; it has {found}."
        )
    return labels[0], named[0]


def _text_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)


def _label_files(folder: Path) -> list[Path]:
    return [path for path in _text_files(folder) if "label" in path.stem.lower()]


def _is_rated(path: Path) -> bool:
    """Whether the lines below the first, which may be a header, have a third cell."""
    with path.open(errors="replace") as lines:
        first = next(lines, "")
        return len(_cells(next(lines, first))) > 2


def _rows(path: Path, n_cells: int, *, n_numbers: int) -> list[list[str]]:
    """The lines by cells, of which the last n_numbers of the first n_cells are numbers."""
    rows = []
    for line_num, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        cells = _cells(line)[:n_cells]
        numbers = cells[n_cells - n_numbers :]
        if line_num == 1 and cells and cells[0].lower() in HEADERS:
            continue
        if len(cells) == n_cells and np.isfinite([_number(cell) for cell in numbers]).all():
            rows.append(cells)
        elif cells:
            raise InvalidInput(f"{path}, line {line_num} is no `user item rating` or `user label`.")
    return rows


def _cells(line: str) -> list[str]:
    return [cell.strip('"') for cell in SEPARATORS.split(line.strip()) if cell]


def _number(cell: str) -> float:
    """NaN of what is none."""
    try:
        return float(cell)
    except ValueError:
        return float("nan")
