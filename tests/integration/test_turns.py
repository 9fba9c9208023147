"""Round trips to a real server: other work of the same thread goes on meanwhile."""

import pytest

from worker.store.connection import connect
from worker.store.turns import Turns


@pytest.mark.parametrize("together", [False, True], ids=["a command", "several together"])
def test_a_command_that_waits_is_answered_by_another_work_of_its_thread(server_url: str, together: bool) -> None:
    connection, turns = connect(server_url), Turns()

    def waits() -> object:
        if not together:
            return connection.blpop("turns", timeout=30)
        pipeline = connection.pipeline(transaction=False)
        pipeline.blpop("turns", timeout=30)
        return pipeline.execute()[0]

    def main() -> object:
        turns.start(1, lambda: connection.rpush("turns", "pushed meanwhile"))
        return waits()

    assert turns.run(0, main) == (b"turns", b"pushed meanwhile")
    connection.close()
