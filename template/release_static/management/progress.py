"""How far a long piece of work is, for people who wait at a terminal."""

import sys
from collections.abc import Callable


def bar(description: str, *, quiet: bool = False) -> Callable[[int, int], None]:
    """A function to tell how many files are done, of how many. It shows a bar on a terminal, where tqdm is installed."""
    if quiet or not sys.stderr.isatty():
        return lambda done, total: None
    try:
        from tqdm import tqdm
    except ImportError:
        return lambda done, total: None
    shown: list[tqdm] = []

    def show(done: int, total: int) -> None:
        if not shown:
            shown.append(tqdm(total=total, desc=description, unit="file", leave=False))
        shown[0].update(done - shown[0].n)
        if done == total:
            shown[0].close()

    return show
