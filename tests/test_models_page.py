"""docs/models.md keeps step with the code: a card for each kind, its options, picture and table."""

from pathlib import Path

import pytest
import torch

from benchmarks import cards, figures
from benchmarks.drawings import drawing
from models.catalog import KINDS

TEXT = cards.PAGE.read_text()


def shown(kind: str) -> str:
    return TEXT.partition(cards.begin(kind))[2].partition(cards.END)[0].strip()


@pytest.mark.parametrize("kind", KINDS)
def test_the_card_shows_each_option_with_its_default(kind: str) -> None:
    assert cards.option_table(kind) in shown(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_is_that_of_the_networks_layers(kind: str) -> None:
    path = Path(cards.PAGE.parent, "pictures", f"{kind}.svg")
    assert path.read_text() == drawing(kind)


def test_the_figures_are_those_kept_under_every_kind_that_ranks() -> None:
    ranking = [name for name, kind in KINDS.items() if kind.subject == "interactions"]
    assert all(figures.begin(name) in TEXT for name in [*ranking, figures.OF_ALL])
    assert figures.rewritten(TEXT) == TEXT


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_song_table_is_what_the_command_prints(kind: str) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert shown(kind) == cards.card(kind)
    finally:
        torch.set_num_threads(threads)
