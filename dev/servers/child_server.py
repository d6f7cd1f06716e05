"""Private servers that are direct child processes."""

import signal

from dev.errors import ServerFailed
from dev.processes import children


class ChildServer:
    """Start, end and suspension of a server's process. Subclasses launch it."""

    child: children.Child | None

    def start(self, timeout: float = 60.0) -> None:
        """Start the server, on its earlier port if possible, and wait until it serves clients.

        A failure is tried again once: another program may have taken the free port meanwhile, and on a busy
        machine Erlang's distribution sometimes fails to start.
        """
        try:
            self._launch(timeout)
        except ServerFailed:
            self.kill()
            self._launch(timeout)

    def _launch(self, timeout: float) -> None:
        """Start the process and wait until it serves clients. Raises ServerFailed if it does not."""
        raise NotImplementedError

    def kill(self) -> None:
        """Kill the process."""
        if self.child:
            children.kill_child(self.child)

    def pause(self) -> None:
        """Suspend the process: connections stay open, but nothing is answered."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume the process after :meth:`pause`."""
        self._send(signal.SIGCONT)

    def is_running(self) -> bool:
        """Return whether the process runs."""
        return self.child is not None and not children.has_ended(self.child)

    def _send(self, number: signal.Signals) -> None:
        if self.child:
            children.send(self.child, number)
