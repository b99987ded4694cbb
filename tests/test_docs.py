"""The pages keep step with the code: what exists is documented, what is shown is what is printed.

Not the words between: nobody tests those.
"""

import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from PIL import Image

from benchmarks import convolution, song_table
from benchmarks.pictures import pictures
from models.catalog import KINDS
from pipelines.settings import Settings
from pipelines.training.named import run_names
from service.app import create_app
from service.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PRINTED = {"song-table.md": song_table, "convolution.md": convolution}
END = "<!-- end -->"


def docs() -> str:
    """All pages but the decisions, which may speak of what is gone, and the changelog."""
    return "\n".join(path.read_text() for path in (README, *(ROOT / "docs").glob("*.md")))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_setting_is_in_the_example_of_an_environment() -> None:
    text = (ROOT / ".env.example").read_text()
    for field in fields(Settings):
        assert f"HOURGLASS_{field.name.upper()}=" in text


def test_the_example_of_an_environment_shows_the_defaults() -> None:
    shown = re.findall(r"^# (HOURGLASS_\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.M)
    example, default = (Settings.from_environment(environ) for environ in (dict(shown), {}))
    assert (example.home, example.host) == (default.home, default.host)
    assert (example.port, example.workers) == (default.port, default.workers)
    assert Path(example.store_url).resolve() == Path(default.store_url)
    databases = [s.database_url.removeprefix("sqlite:///") for s in (example, default)]
    assert Path(databases[0]).resolve() == Path(databases[1])


def routes(home: Path) -> Iterator[str]:
    """`GET /v1/items/{item_id}` and so on, of everything that the app answers."""
    app = create_app(Settings.from_environment({"HOURGLASS_HOME": str(home)}), watch=False)
    for rule in app.url_map.iter_rules():
        if rule.endpoint.endswith("static"):
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        yield from (f"{method} {path}" for method in METHODS if method in (rule.methods or ()))


def test_every_route_is_in_the_api_page_or_the_readme(tmp_path: Path) -> None:
    text = README.read_text() + (ROOT / "docs" / "api.md").read_text()
    assert [route for route in routes(tmp_path) if f"`{route}`" not in text] == []


def commands(command: Any, *words: str) -> Iterator[str]:
    """`hourglass runs list` and so on: the command, or in its place those of its group."""
    if not hasattr(command, "commands"):
        yield " ".join(words)
        return
    for name, each in command.commands.items():
        yield from commands(each, *words, name)


def test_every_command_and_subcommand_is_documented() -> None:
    text = docs()
    missing = []
    for name, module in COMMANDS.items():
        command = typer.main.get_command(import_module(module).app)
        missing += [each for each in commands(command, "hourglass", name) if each not in text]
    assert missing == []


@pytest.mark.parametrize("name", run_names())
def test_every_named_run_is_documented(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "training.md").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_is_documented(kind: str) -> None:
    assert f"`{kind}`" in docs()


@pytest.mark.parametrize("page", PRINTED)
def test_pages_of_figures_show_what_their_commands_print(page: str) -> None:
    command = PRINTED[page]
    text = (ROOT / "docs" / page).read_text()
    begin = f"<!-- printed by python -m {command.__name__} -->"
    shown = text.partition(begin)[2].partition(END)[0].strip()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert shown == command.page().strip()
    finally:
        torch.set_num_threads(threads)


def test_the_pictures_of_the_filters_are_what_the_filters_make() -> None:
    drawn = pictures()
    files = {path.stem: path for path in (ROOT / "docs" / "pictures").glob("*.png")}
    assert set(files) == set(drawn)
    for name, path in files.items():
        with Image.open(path) as image:
            kept = torch.tensor(np.array(image)).int()
        assert (kept - drawn[name].int()).abs().max() <= 1, name  # a shade of rounding
        assert path.stat().st_size < 8_000


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path = target.partition("#")[0]
        if path and ":" not in path:
            assert (page.parent / path).exists(), target
