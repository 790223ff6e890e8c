"""windrow: bulk fetching from HTTP APIs into a database, on every core, that loses nothing.

This module runs the program that comes with it:

    import windrow

    summary = windrow.run("films.toml", sample=10)
    print(summary.rows.published, summary.seconds)

    films = windrow.frame("films", "SELECT title, year FROM rows WHERE year > 1990")
    films.to_pandas()                  # pandas
    polars.from_arrow(films)           # polars

Nothing but Python itself is imported until `frame` is called, which needs pyarrow.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Summary", "WindrowError", "frame", "path", "run"]

# Lines of a failed command that its error repeats.
_LAST_LINES = 20


class WindrowError(Exception):
    """A command failed.

    `exit` is its exit code (`windrow help exit-codes` says what each means; negative: the signal that ended it), `lines` are the
    last lines that it wrote, `summary` is the summary of the run where there is one.
    """

    def __init__(self, command: str, exit: int, lines: list[str], summary: Summary | None = None) -> None:
        self.command = command
        self.exit = exit
        self.lines = lines
        self.summary = summary
        super().__init__("\n".join([f"windrow {command} ended with {exit}", *lines]))

    def __reduce__(self) -> tuple[Any, ...]:
        return (WindrowError, (self.command, self.exit, self.lines, self.summary))


class Summary:
    """What `windrow run --summary json` says, its members as attributes: `summary.rows.published`.

    `windrow schema --summary` has them all. A member whose name is no word of Python's is had by `summary["name"]`.
    """

    def __init__(self, members: dict[str, Any]) -> None:
        self._members = members

    @property
    def ok(self) -> bool:
        """Whether the command ended with 0: everything is published."""
        return bool(self._members.get("exit") == 0)

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return self._members

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_members":
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            known = ", ".join(self._members)
            raise AttributeError(f"a summary has no {name!r} here; it has {known}") from None

    def __getitem__(self, name: str) -> Any:
        return _seen(self._members[name])

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._members]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Summary) and self._members == other._members

    def __repr__(self) -> str:
        return f"Summary({self._members!r})"


def _seen(value: Any) -> Any:
    if isinstance(value, dict):
        return Summary(value)
    if isinstance(value, list):
        return [_seen(one) for one in value]
    return value


def path() -> str:
    """The program."""
    found = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_program", "windrow")
    if not os.path.isfile(found):
        raise FileNotFoundError(f"{found} is not there: install windrow-cli from a wheel of this platform")
    return found


def run(
    job: str | os.PathLike[str],
    *,
    check: bool = True,
    cwd: str | os.PathLike[str] | None = None,
    env: dict[str, str] | None = None,
    **flags: Any,
) -> Summary:
    """Runs `windrow run JOB`, and gives its summary.

    Flags are those of the command, with `_` for `-`: `sample=10`, `ids=["tt1", "tt2"]`, `new=True`, `max_requests=100`;
    None and False leave one out. What the command tells goes to standard error (`quiet=True`: only what wants attention).
    Raises WindrowError unless it ends with 0; with `check=False` the summary says how it ended.
    """
    with tempfile.TemporaryDirectory(prefix="windrow-") as folder:
        file = os.path.join(folder, "summary.json")
        words = ["run", *_words(flags), f"--summary=json={file}", "--", os.fspath(job)]
        exit, lines = _told(words, cwd, env)
        summary = _read(file)
    if summary is None or (check and exit != 0):
        raise WindrowError("run", exit, lines, summary)
    return summary


def frame(
    run: str | os.PathLike[str],
    sql: str | None = None,
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: dict[str, str] | None = None,
    **flags: Any,
) -> pyarrow.Table:
    """The rows of a run as a pyarrow Table, with their types: all of them, or the answer to a statement of DuckDB's SQL.

    The run is named as `windrow query` takes it: a job's name or file, a run's folder or id. Nothing is asked of any server.
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise ImportError("windrow.frame needs pyarrow: pip install pyarrow") from None
    with tempfile.TemporaryDirectory(prefix="windrow-") as folder:
        file = os.path.join(folder, "rows.parquet")
        output = ["--format", "parquet", "--output", file]
        words = ["query", *_words(flags), *output, "--", os.fspath(run), sql or "FROM rows"]
        answered = subprocess.run(
            [path(), *words], cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if answered.returncode != 0:
            lines = answered.stderr.decode(errors="replace").splitlines()[-_LAST_LINES:]
            raise WindrowError("query", answered.returncode, lines)
        return pyarrow.parquet.read_table(file)


def _words(flags: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in flags.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if name == "summary":
            raise TypeError("windrow.run gives the summary: leave the flag out")
        if value is True:
            words.append(flag)
        elif isinstance(value, (list, tuple)):
            if any("," in str(one) for one in value):
                raise ValueError(f"{name} has a value with a comma, which the program takes for two: {value!r}")
            words.append(f"{flag}={','.join(map(str, value))}")
        else:
            words.append(f"{flag}={os.fspath(value) if isinstance(value, os.PathLike) else value}")
    return words


def _told(
    words: list[str], cwd: str | os.PathLike[str] | None, env: dict[str, str] | None
) -> tuple[int, list[str]]:
    """Runs the program, hands on what it tells, and gives its exit code and the last lines."""
    lines: list[str] = []
    interrupted = False
    with subprocess.Popen(
        [path(), *words], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        while True:
            try:
                for line in process.stdout:
                    text = line.decode(errors="replace").rstrip("\n")
                    lines = [*lines[1 - _LAST_LINES :], text]
                    print(text, file=sys.stderr, flush=True)
                exit = process.wait()
                break
            except KeyboardInterrupt:
                # It commits what it has, and says so. On a terminal it had the same signal; a second one stops it at once.
                interrupted = True
                if not _has_terminal():
                    process.send_signal(signal.SIGINT)
    if interrupted:
        raise KeyboardInterrupt
    return exit, lines


def _has_terminal() -> bool:
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def _read(file: str) -> Summary | None:
    try:
        with open(file, encoding="utf-8") as text:
            return Summary(json.load(text))
    except FileNotFoundError:
        return None
