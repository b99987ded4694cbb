"""The figures of named runs as they are kept, and as tables in `docs/models.md`.

Not their measuring.
They are in `figures.json`, run by run and data set by data set, as `benchmarks.kinds` wrote them.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

STORE = Path(__file__).with_name("figures.json")
PAGE = Path(__file__).parents[1] / "docs" / "models.md"
END = "<!-- end of figures -->"
OF_ALL = "every run"
METRICS = {"ndcg@100": "NDCG@100", "recall@20": "Recall@20", "rmse": "RMSE (biases alone)"}
"""Those shown, and how they are written; of ratings the plain answer beside it."""
RANKING = ("ndcg@100", "recall@20")


@dataclass(frozen=True)
class Figure:
    """What a run came to on the test users of one data set."""

    kind: str
    seed: int
    metrics: Mapping[str, float]
    se: Mapping[str, float]
    plain: Mapping[str, float]
    """The same of the answer without a network: popularity, or of ratings the biases alone."""
    epochs: int
    seconds: int


Figures = dict[str, dict[str, Figure]]
"""Run -> data set -> figure."""


def read_figures() -> Figures:
    """All that are kept."""
    return {
        run: {data: Figure(**values) for data, values in by_data.items()}
        for run, by_data in json.loads(STORE.read_text()).items()
    }


def keep(run: str, data: str, figure: Figure) -> None:
    """In place of an older one of the same run and data set, here and on the page."""
    kept = read_figures()
    kept.setdefault(run, {})[data] = figure
    values = {
        name: {of: asdict(each) for of, each in by_data.items()} for name, by_data in kept.items()
    }
    STORE.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(rewritten(PAGE.read_text()))


def table_head(metrics: Iterable[str] = METRICS) -> str:
    """The first two lines of the table of a kind."""
    names = ["run", "data, seed", *(METRICS[name] for name in metrics), "epochs", "seconds"]
    return f"| {' | '.join(names)} |\n{'|---' * len(names)}|"


def row_of(run: str, data: str, figure: Figure, metrics: Iterable[str] = METRICS) -> str:
    """One line of it."""
    cells = [_cell(figure, name) for name in metrics]
    took = f"{figure.epochs or ''} | {figure.seconds}"
    return f"| `{run}` | {data}, {figure.seed} | {' | '.join(cells)} | {took} |"


def kind_table(kind: str) -> str:
    """All figures of a kind's runs."""
    kept = [
        (run, data, figure)
        for run, by_data in sorted(read_figures().items())
        for data, figure in sorted(by_data.items())
        if figure.kind == kind
    ]
    metrics = [name for name in METRICS if any(name in each.metrics for *_, each in kept)]
    return "\n".join([table_head(metrics), *(row_of(*each, metrics) for each in kept)])


def summary() -> str:
    """The runs that rank, best first on the first data set, and popularity; a column a data set."""
    ranking = {
        run: {data: figure for data, figure in by_data.items() if RANKING[0] in figure.metrics}
        for run, by_data in read_figures().items()
    }
    sets = sorted({data for by_data in ranking.values() for data in by_data}, reverse=True)
    lines = [
        f"| run | {' | '.join(f'{data}: NDCG@100 | Recall@20' for data in sets)} |",
        f"|---{'|---|---' * len(sets)}|",
    ]

    def quality(run: str) -> float:
        figure = ranking[run].get(sets[0])
        return 0.0 if figure is None else figure.metrics[RANKING[0]]

    for run in sorted(filter(ranking.get, ranking), key=quality, reverse=True):
        figures = [ranking[run].get(data) for data in sets]
        cells = [_cell(figure, name) for figure in figures for name in RANKING]
        lines.append(f"| `{run}` | {' | '.join(cells)} |")
    plain = [_popularity(ranking, data, name) for data in sets for name in RANKING]
    return "\n".join([*lines, f"| popularity | {' | '.join(plain)} |"])


def _popularity(figures: Figures, data: str, name: str) -> str:
    return next(_short(each[data].plain[name]) for each in figures.values() if data in each)


def rewritten(text: str) -> str:
    """The page with every table of figures as it should be."""

    def renewed(match: re.Match[str]) -> str:
        table = summary() if match[1] == OF_ALL else kind_table(match[1])
        return f"{begin(match[1])}\n\n{table}\n\n{END}"

    return re.sub(begin("(.*?)") + ".*?" + END, renewed, text, flags=re.DOTALL)


def begin(kind: str) -> str:
    """The line above the figures of a kind, or of OF_ALL."""
    return f"<!-- figures of {kind}, written by python -m benchmarks.kinds --write -->"


def _cell(figure: Figure | None, name: str) -> str:
    if figure is None or name not in figure.metrics:
        return ""
    cell = f"{_short(figure.metrics[name])} ± {_short(figure.se[name])}"
    return cell if name in RANKING else f"{cell} ({_short(figure.plain[name])})"


def _short(value: float) -> str:
    return f"{value:.4f}".removeprefix("0")
