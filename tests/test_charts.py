"""The charts of the benchmarks: what is drawn is what is kept."""

import json
from xml.etree import ElementTree

import pytest

from benchmarks.charts import CHARTS, METRIC, PICTURES, SCALING, Axis, Plot, picture
from benchmarks.figures import read_figures

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", CHARTS)
def test_the_picture_of_the_page_is_that_of_the_figures(name: str) -> None:
    assert (PICTURES / name).read_text() == CHARTS[name]()


def test_every_run_that_ranks_is_a_point() -> None:
    drawn = ElementTree.fromstring(CHARTS["pareto.svg"]())
    ranking = {
        run
        for run, by_data in read_figures().items()
        if "ml-1m" in by_data and METRIC in by_data["ml-1m"].metrics
    }
    assert ranking
    assert ranking <= {text.text for text in drawn.iter(f"{SVG}text")}
    assert len(list(drawn.iter(f"{SVG}circle"))) == len(ranking)


def test_every_epoch_is_a_point_of_a_line() -> None:
    drawn = ElementTree.fromstring(CHARTS["scaling.svg"]())
    figures = json.loads(SCALING.read_text())["figures"]
    n_points = sum(len(row) - 2 for rows in figures.values() for row in rows)
    assert len(list(drawn.iter(f"{SVG}circle"))) == n_points > 0


def test_points_lie_where_their_values_say() -> None:
    x, y = Axis("users", 10, 1_000, logarithmic=True), Axis("seconds", 0, 4)
    plot = Plot("seconds by users", x, y, {"ours": [(10, 4), (100, 2), (1_000, 0)]})
    circles = list(ElementTree.fromstring(picture([plot])).iter(f"{SVG}circle"))
    across, down = ([float(each.attrib[key]) for each in circles] for key in ("cx", "cy"))
    assert across[1] - across[0] == pytest.approx(across[2] - across[1])
    assert down[1] - down[0] == pytest.approx(down[2] - down[1])
    assert down[1] > down[0]
    assert x.ticks() == [10, 20, 50, 100, 200, 500, 1_000]
    assert y.ticks() == [0, 1, 2, 3, 4]
