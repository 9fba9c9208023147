"""The server that comes with the package: a Valkey of its own for each data directory, gone with who started it.

1. A data directory has at most one server. Watcher and server hold `server.lock` from before the server is there
   until both are gone: the kernel frees it, so no process id or socket left behind is ever taken for a server.
2. Who started a server holds `owner.lock` and the write end of a pipe. When that process ends, by whatever death,
   both are let go: the watcher reads the end of the pipe and stops the server, and nobody takes up a server
   that is about to stop.
3. It is reached through a unix socket in a directory of mode 0700; TCP only when asked for, on the loopback
   address, and then with a generated password that stands in files of mode 0600 only.
4. What was written is in the append-only file, and there again at the next start. Only a server that is itself killed
   may lose what it acknowledged while a sync was under way (a tenth of a second, at most two), and a machine that loses
   power the last second or two.
"""

from __future__ import annotations

from worker.embedded.errors import EmbeddedServerError
from worker.embedded.server import Server, find, start

__all__ = ["EmbeddedServerError", "Server", "find", "start"]
