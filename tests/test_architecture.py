"""The shape of the code: which way imports point, what a floor may not do, how large things are."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("models", "pipelines", "service")
SOURCES = sorted(
    path
    for folder in (*FLOORS, "migrations", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40

# What a folder's files must not import, the longest folder that matches deciding.
FORBIDDEN = {
    "models": ("pipelines", "service", "migrations", "sqlalchemy", "flask", "os", "pathlib", "io"),
    "pipelines": ("service", "flask", "apiflask", "typer"),
    "pipelines/storage": ("models", "pipelines", "service", "migrations", "torch", "numpy"),
    "service": ("models", "torch"),
    "migrations": ("models", "service", "torch"),
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions and for types only."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            yield node.module or ""


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_point_down_the_floors(path: Path) -> None:
    folders = [folder for folder in FORBIDDEN if name_of(path).startswith(f"{folder}/")]
    forbidden = FORBIDDEN[max(folders, key=len)] if folders else ()
    storage = name_of(path).startswith("pipelines/storage/")
    for module in imported(path):
        if storage and within(module, "pipelines.storage"):
            continue
        assert not any(within(module, package) for package in forbidden), module


@pytest.mark.parametrize("path", sorted((ROOT / "service" / "routes").glob("*.py")), ids=name_of)
def test_no_route_can_train(path: Path) -> None:
    able = ("pipelines.workflows", "pipelines.durable", "pipelines.worker", "pipelines.training")
    for module in imported(path):
        assert not any(within(module, package) for package in able), module


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    reads = re.search(r"\bos\.(environ|getenv)\b", path.read_text())
    assert not reads or name_of(path) == "pipelines/settings.py"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_unpickles(path: Path) -> None:
    modules = set(imported(path))
    assert not any(within(module, name) for module in modules for name in ("pickle", "joblib"))
    assert not re.search(r"torch\.load\(|allow_pickle=True|read_pickle", path.read_text())


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_randomness_comes_from_a_generator_handed_in(path: Path) -> None:
    hidden = r"manual_seed\(|np\.random\.(seed|rand|randn|permutation|choice|shuffle)\("
    for line in path.read_text().splitlines():
        assert not re.search(hidden, line) or "Generator(" in line, line
    assert "random" not in set(imported(path)), "use a generator that was handed in"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_opens_by_saying_what_it_is(path: Path) -> None:
    source = path.read_text()
    assert not source.strip() or ast.get_docstring(ast.parse(source))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_stay_small(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            limit = MAX_FUNCTION_LINES if "migrations/versions" not in name_of(path) else 200
            assert lines <= limit, f"{node.name} has {lines} lines"
