"""Processes that do the same unit of work in turns, A B A B, so that both meet the same machine.

A worker prints a JSON line when it is ready, then one for each line that it reads: the name of a
unit, answered by what it measured, `seconds` among it. At the end of its input it prints its peak
memory. Not what the units are.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, redirect_stdout
from statistics import median
from types import TracebackType
from typing import Any

Figures = dict[str, Any]
Unit = Callable[[], Figures | None]


class Worker:
    """A process that is asked for units of work."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.facts = self._answer()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._close()

    def run(self, unit: str) -> Figures:
        """What one unit measured."""
        assert self._process.stdin is not None
        print(unit, file=self._process.stdin, flush=True)
        return self._answer()

    def end(self) -> Figures:
        """Its peak memory; the process is over."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._answer()

    def _close(self) -> None:
        with self._process:  # waits, and closes its pipes
            pass

    def _answer(self) -> Figures:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._close()
            raise RuntimeError(f"The worker ended with {self._process.returncode}; see its error.")
        figures: Figures = json.loads(line)
        return figures


def in_turns(
    commands: Mapping[str, Sequence[str]],
    unit: str,
    *,
    turns: int,
    warm: bool = True,
    last: str | None = None,
) -> dict[str, Figures]:
    """Median seconds of each worker over the turns, all seconds, its last figures and peak memory.

    warm: whether each does the unit once before anything is timed. last: a unit that each does
    once, after all turns.
    """
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(command)) for name, command in commands.items()}
        done: dict[str, list[Figures]] = {name: [] for name in workers}
        for turn in range(turns + warm):
            for name, worker in workers.items():
                figures = worker.run(unit)
                print(f"{name}: {unit} {figures['seconds']:.2f} s", file=sys.stderr)
                if turn >= warm:
                    done[name].append(figures)
        return {
            name: {
                **worker.facts,
                **(worker.run(last) if last else {}),
                **done[name][-1],
                "seconds": median(each["seconds"] for each in done[name]),
                "runs": [round(each["seconds"], 3) for each in done[name]],
                **worker.end(),
            }
            for name, worker in workers.items()
        }


def answer_lines(units: Mapping[str, Unit], facts: Figures) -> None:
    """Be a worker: do the units that are asked for on standard input."""
    answers = sys.stdout
    with redirect_stdout(sys.stderr):  # what a library prints is no answer
        print(json.dumps(facts), file=answers, flush=True)
        for line in sys.stdin:
            started = time.perf_counter()
            figures = units[line.strip()]() or {}
            seconds = time.perf_counter() - started
            print(json.dumps({"seconds": seconds, **figures}), file=answers, flush=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({"peak_rss_mb": peak}), file=answers, flush=True)
