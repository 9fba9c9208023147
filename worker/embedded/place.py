"""Where a data directory's server keeps its files, out of every other user's reach."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from worker.embedded import locks
from worker.embedded.errors import EmbeddedServerError

LONGEST_SOCKET_PATH: Final = 100
"""In bytes. A socket's address has room for 107 on Linux and 103 on macOS."""

_SOCKET_NAME: Final = "redis.sock"
_OWNER_ONLY: Final = 0o700


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one data directory's server, all but a long-named one's socket in the directory `server` in it."""

    data_dir: Path

    @classmethod
    def of(cls, data_dir: Path) -> Self:
        """The place of a data directory, whichever way to it is given."""
        return cls(data_dir.resolve())

    @property
    def home(self) -> Path:
        """The server's working directory."""
        return self.data_dir / "server"

    @property
    def config(self) -> Path:
        """Written anew at each start; mode 0600."""
        return self.home / "server.conf"

    @property
    def log(self) -> Path:
        """What server and watcher have to tell."""
        return self.home / "server.log"

    @property
    def password_file(self) -> Path:
        """The password of a server that is reached by TCP; mode 0600, kept from start to start."""
        return self.home / "password"

    @property
    def server_lock(self) -> Path:
        """Held as long as watcher or server live."""
        return self.home / "server.lock"

    @property
    def owner_lock(self) -> Path:
        """Held as long as the process that started the server lives."""
        return self.home / "owner.lock"

    @property
    def socket_link(self) -> Path:
        """The socket, or a symbolic link to it where this path is too long for one."""
        return self.home / _SOCKET_NAME

    def prepare(self) -> None:
        """Make the directories. An existing data directory keeps its mode, `server` in it is always 0700."""
        self.data_dir.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        make_private_directory(self.home)

    def socket_path(self) -> str:
        """Where the socket is; raises OSError where it is another data directory's, or another user's."""
        if not self.socket_link.is_symlink():
            return str(self.socket_link)
        path = self.socket_link.readlink()
        if path.parent.name != self._short_name:
            raise FileNotFoundError(f"{self.socket_link} leads to the socket of another data directory")
        _check_private(path.parent)
        return str(path)

    def renew_socket(self, runtime_dir: Path | None) -> str:
        """Clear the way for a new socket; its path. Only for the holder of the server's lock."""
        self.sweep()
        if _fits(self.socket_link):
            return str(self.socket_link)
        directory = self._short_directory(runtime_dir)
        make_private_directory(directory)
        self.socket_link.symlink_to(directory / _SOCKET_NAME)
        return str(directory / _SOCKET_NAME)

    def sweep(self) -> None:
        """Remove what a server that is gone has left: socket, link, short directory. Only under the server's lock."""
        with suppress(OSError):
            path = Path(self.socket_path())
            path.unlink(missing_ok=True)
            if path != self.socket_link:
                path.parent.rmdir()
        self.socket_link.unlink(missing_ok=True)

    def sweep_if_free(self) -> None:
        """`sweep`, unless a server lives or is being started."""
        if not self.home.is_dir():
            return
        lock = locks.take(self.server_lock)
        if lock is not None:
            self.sweep()
            os.close(lock)

    def read_password(self) -> str:
        """The password, "" where none was ever made."""
        with suppress(FileNotFoundError):
            return self.password_file.read_text().strip()
        return ""

    @property
    def _short_name(self) -> str:
        digest = hashlib.sha256(b"%d:%b" % (os.geteuid(), os.fsencode(self.data_dir))).hexdigest()
        return f"story-dedup-{digest[:16]}"

    def _short_directory(self, runtime_dir: Path | None) -> Path:
        roots = [runtime_dir] if runtime_dir else []
        for root in (*roots, Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - make_private_directory checks
            directory = root.absolute() / self._short_name
            if _fits(directory / _SOCKET_NAME) and os.access(root, os.W_OK | os.X_OK):
                return directory
        raise EmbeddedServerError(f"no directory for a socket with a path of at most {LONGEST_SOCKET_PATH} bytes; "
                                  f"give a data directory with a shorter path than {self.data_dir}")  # fmt: skip


def make_private_directory(path: Path) -> None:
    """Make a directory of mode 0700, or see that the one there is ours."""
    with suppress(FileExistsError):
        path.mkdir(mode=_OWNER_ONLY)
    _check_private(path)


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)


@contextmanager
def explained(place: Place) -> Iterator[None]:
    """Turn what the file system refuses into an error that names the data directory."""
    try:
        yield
    except OSError as error:
        raise EmbeddedServerError(
            f"the data directory {place.data_dir} cannot be used: {error}; "
            "make it a directory you may write to, or give another one"
        ) from error


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH


def _check_private(path: Path) -> None:
    """Raise OSError unless the path is a directory of this user's, closed to others; close it where it is open."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(f"{path} is no directory; remove it")
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user (uid {found.st_uid}); it must be yours or not exist")
    if stat.S_IMODE(found.st_mode) != _OWNER_ONLY:
        path.chmod(_OWNER_ONLY)
