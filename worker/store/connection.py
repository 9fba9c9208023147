"""The way to the server: connecting, telling what went wrong, and loading scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Any, Final

import hiredis
import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from dedup.errors import DedupError
from worker.settings import redacted
from worker.store.turns import aside

_READ_TOGETHER: Final = 5_000
_MOST_RETRIES: Final = 6
"""These take three seconds and a half, so that a server which is started again is not noticed."""

Connection = Any
"""A `redis.Redis`: a pool of connections to one server. redis-py types a reply as all it could be under any option;
here replies are bytes, and what they are is said where they are read."""


class StoreError(DedupError):
    """The server could not be reached or refused; the message names it and says what to do."""


class _Patience(Retry):
    """Tries again where a server was not reached, and not where it refused the password."""

    def call_with_retry(
        self,
        do: Callable[[], Any],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        *rest: Any,
        **options: Any,
    ) -> Any:
        def is_passing(error: Exception) -> bool:
            refused = isinstance(error, redis.exceptions.AuthenticationError)
            return not refused and (is_retryable is None or is_retryable(error))

        return super().call_with_retry(do, fail, is_passing, *rest, **options)


class _Client(redis.Redis):
    """A client whose round trips let other work of their thread go on."""

    def execute_command(self, *words: Any, **options: Any) -> Any:
        return aside(super().execute_command, *words, **options)

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Any:
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _Pipeline(redis.client.Pipeline):
    """The same for several commands at once."""

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        return aside(super().execute, raise_on_error)


class _Packer:
    """Packs commands as redis-py does, but for its look at each word: none here is a memoryview, and an admission has
    thousands of words.
    """

    def pack(self, *words: str | bytes | float) -> list[bytes]:
        name, *rest = words
        names = name.split() if isinstance(name, str) else [name]
        return [hiredis.pack_command((*names, *rest))]


def connect(url: str) -> Connection:
    """A connection to the server at a redis://, rediss:// or unix:// URL. Nothing is sent yet."""
    try:
        return _Client.from_url(
            url, socket_timeout=60, socket_connect_timeout=10, health_check_interval=30,
            retry=_Patience(ExponentialBackoff(cap=1, base=0.05), _MOST_RETRIES),
            retry_on_error=[redis.exceptions.BusyLoadingError], command_packer=_Packer(),
        )  # fmt: skip
    except ValueError as error:
        raise StoreError(
            f"REDIS_URL {redacted(url)!r} is no address of a server: check host, port and options, and write special "
            "characters of a password as %XX"
        ) from error


@contextmanager
def told(url: str) -> Iterator[None]:
    """Turns what redis-py raises inside the block into a `StoreError` that names the server."""
    try:
        yield
    except redis.exceptions.AuthenticationError as error:
        raise StoreError(f"{redacted(url)}: wrong or missing password ({error})") from error
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        raise StoreError(f"cannot reach the server at {redacted(url)}: {error}. Is it running?") from error
    except redis.exceptions.ResponseError as error:
        raise StoreError(f"the server at {redacted(url)} refused: {error}") from error


@cache
def _source(name: str) -> str:
    return files("worker.store").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


def server_run(connection: Connection) -> str:
    """The id of the server's present run: another one after each of its starts."""
    return str(connection.info("server")["run_id"])


def script(connection: Connection, name: str) -> Callable[..., Any]:
    """A Lua script of this package, called with `keys=` and `args=`; it reaches a restarted server too."""
    loaded: Callable[..., Any] = connection.register_script(_source(name))
    return loaded


def scripted(connection: Connection, loaded: Any, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
    """What a `script` answers to each of several calls, keys and arguments of each, in one round trip; between two of
    them others may be served.
    """
    if len(calls) == 1:
        return [loaded(keys=keys, args=args) for keys, args in calls]
    pipeline = connection.pipeline(transaction=False)
    for keys, args in calls:
        pipeline.evalsha(loaded.sha, len(keys), *keys, *args)
    answers: list[Any] = pipeline.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, redis.exceptions.NoScriptError):
            return scripted(connection, loaded, calls[:1])
        if isinstance(answer, Exception):
            raise answer
    return answers


def fields_of(connection: Connection, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
    """One field of each of many hashes, by key and name, None for those that are not there."""
    found: list[bytes | None] = []
    for start in range(0, len(wanted), _READ_TOGETHER):
        part = wanted[start : start + _READ_TOGETHER]
        found += script(connection, "fields")(args=list(chain.from_iterable(part)))
    return found
