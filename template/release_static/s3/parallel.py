"""Several requests at once, and one that may take too long."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from threading import Thread
from typing import Any


def for_each(items: Iterable[Any], function: Callable[[Any], Any], threads: int) -> Iterator[tuple[Any, Any]]:
    """Each item with what the function returns for it, in no order.

    Raises the first error, and then starts no more. Few items and results are in memory at a time, however many there
    are.
    """
    remaining = iter(items)
    finished: SimpleQueue[tuple[Any, Future[Any]]] = SimpleQueue()
    with ThreadPoolExecutor(threads) as pool:

        def start(item: Any) -> None:
            pool.submit(function, item).add_done_callback(lambda future: finished.put((item, future)))

        try:
            running = 0
            for first in islice(remaining, 2 * threads):
                start(first)
                running += 1
            while running:
                item, future = finished.get()
                running -= 1
                for following in islice(remaining, 1):
                    start(following)
                    running += 1
                yield item, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def within(seconds: float, function: Callable[[], Any]) -> Any:
    """What the function returns. Raises TimeoutError if that takes longer, and leaves it to a thread that may go on."""
    outcome: Future[Any] = Future()

    def run() -> None:
        try:
            outcome.set_result(function())
        except Exception as error:  # noqa: BLE001 (raised again where it is awaited)
            outcome.set_exception(error)

    Thread(target=run, daemon=True).start()
    return outcome.result(seconds)
