"""Run a coroutine to its end from ordinary code, whether or not a loop is running."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def run_blocking(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run `work` on a loop of its own in a thread of its own; return its answer or raise its error."""
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(asyncio.run(work))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="run-blocking")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return answers[0]
