"""Run requests in parallel, or with a time limit."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from threading import Thread
from typing import Any


def for_each(items: Iterable[Any], function: Callable[[Any], Any], threads: int) -> Iterator[tuple[Any, Any]]:
    """Yield each item with its result, in no particular order.

    Stops at the first error and raises it. Only a few items and results are in memory at a time.
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
    """The result of the function. Raises TimeoutError if it takes longer; its thread may continue in the background."""
    outcome: Future[Any] = Future()

    def run() -> None:
        try:
            outcome.set_result(function())
        except Exception as error:  # noqa: BLE001 (raised again where it is awaited)
            outcome.set_exception(error)

    Thread(target=run, daemon=True).start()
    return outcome.result(seconds)
