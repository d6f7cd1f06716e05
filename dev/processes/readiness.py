"""How one sees that a program is ready for work."""

import http.client
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dev.processes.ports import LOOPBACK


class Readiness(Protocol):
    """Tells whether a program that was started is ready."""

    def reset(self) -> None:
        """Forget an earlier life of the program."""

    def is_reached(self) -> bool:
        """Whether the program is ready now."""


@dataclass(frozen=True)
class AtOnce:
    """Nobody waits for it."""

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
    """The web server answers 200 at ``/healthz``."""

    port: int

    def reset(self) -> None:
        pass

    def is_reached(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
