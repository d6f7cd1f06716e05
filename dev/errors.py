"""What can keep a command from doing its work, one class each; the message says what helps."""

from pathlib import Path


class ScriptError(Exception):
    """The command cannot go on; the message says why, and what helps."""


class PortTaken(ScriptError):
    """Another program listens where we wanted to."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken: stop what listens there, or choose another with --port.")


class AlreadyRunning(ScriptError):
    """The same command runs in this checkout already."""

    def __init__(self, command: str) -> None:
        super().__init__(
            f"{command} runs in this checkout already: stop that one, or use a second checkout beside it."
        )


class ServerFailed(ScriptError):
    """A private server did not start, or ended by itself."""

    def __init__(self, name: str, why: str, log: Path) -> None:
        super().__init__(f"{name} {why}. The end of {log}:\n{last_lines(log)}")


class NotReachable(ScriptError):
    """A server that the environment names does not answer."""

    def __init__(self, variable: str, url: str, why: str) -> None:
        super().__init__(
            f"{variable} names {url}, which does not answer ({why}). Start it, or unset {variable}."
        )


class NoRabbitMQ(ScriptError):
    """There is no RabbitMQ here, and none could be fetched."""


class NotReady(ScriptError):
    """A process of the shop did not come up in time."""


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, to show beside an error."""
    if not log.exists():
        return "(it was not written)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
