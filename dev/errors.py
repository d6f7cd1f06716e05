"""Errors that end a command. The message is for the user and names the remedy."""

from pathlib import Path


class ScriptError(Exception):
    """The command cannot go on."""


class PortTaken(ScriptError):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken: stop what listens there, or choose another with --port.")


class AlreadyRunning(ScriptError):
    """The same command already runs in this checkout."""

    def __init__(self, command: str) -> None:
        super().__init__(
            f"{command} runs in this checkout already: stop that one, or use a second checkout beside it."
        )


class ServerFailed(ScriptError):
    """A private server did not start, or ended by itself."""

    def __init__(self, name: str, why: str, log: Path) -> None:
        super().__init__(f"{name} {why}. The end of {log}:\n{last_lines(log)}")


class KeyLost(ScriptError):
    """The data of the servers was written with a secret key that is gone."""

    def __init__(self, data: Path, key: Path) -> None:
        super().__init__(
            f"{data} has the data of a shop whose secret key is gone, and nobody can read it without. Put it"
            f" back into {key} or DJANGO_SECRET_KEY, or remove {data} to begin anew."
        )


class NotReachable(ScriptError):
    """A server that the environment names does not answer."""

    def __init__(self, variable: str, url: str, why: str) -> None:
        super().__init__(
            f"{variable} names {url}, which does not answer ({why}). Start it, or unset {variable}."
        )


class NoRabbitMQ(ScriptError):
    """RabbitMQ is not installed and could not be fetched."""


class NoKafka(ScriptError):
    """Apache Kafka, or a Java to run it, could not be fetched."""


class NotReady(ScriptError):
    """A process of the shop did not get ready in time."""


def first_line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return str(error).partition("\n")[0]


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of a log, to be shown with an error."""
    if not log.exists():
        return "(it was not written)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
