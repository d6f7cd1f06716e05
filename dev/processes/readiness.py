"""Readiness probes of programs."""

import http.client
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dev.processes.ports import LOOPBACK


class Readiness(Protocol):
    """Probe of a started program."""

    def reset(self) -> None:
        """Discard the state of an earlier start."""

    def is_reached(self) -> bool:
        """Return True if the program is ready."""


@dataclass(frozen=True)
class AlwaysReady:
    """A program that needs no time to get ready."""

    def reset(self) -> None:
        pass

    def is_reached(self) -> bool:
        return True


@dataclass(frozen=True)
class WhenFileExists:
    """The program touches a file once it is ready."""

    path: Path

    def reset(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)

    def is_reached(self) -> bool:
        return self.path.exists()


@dataclass(frozen=True)
class WhenHealthy:
    """A web server answers 200 at ``path``."""

    port: int
    path: str = "/healthz"

    def reset(self) -> None:
        pass

    def is_reached(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=2)
        try:
            connection.request("GET", self.path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
