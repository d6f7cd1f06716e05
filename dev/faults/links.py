"""Faults of the network links between the shop and its servers, and of the mail server."""

from collections.abc import Iterator
from random import Random

from dev.faults.kinds import fault
from dev.faults.system import System


def _register(name: str) -> None:
    target = f"the way to the {name}"

    @fault(f"connections to the {name} reset", target=target)
    def cut(system: System, chance: Random) -> Iterator[None]:
        system.links[name].cut()
        yield

    @fault(f"connections to the {name} half-open", target=target, duration=(5, 20))
    def half_open(system: System, chance: Random) -> Iterator[None]:
        """Lose the connections without a reset; TCP keep-alive discovers that later."""
        system.links[name].drop()
        yield
        system.links[name].cut()

    @fault(f"{name} out of reach", target=target, duration=(3, 15))
    def out_of_reach(system: System, chance: Random) -> Iterator[None]:
        """Hold back all traffic, then deliver it."""
        system.links[name].freeze()
        yield
        system.links[name].thaw()

    @fault(f"{name} slow", target=target, duration=(5, 20))
    def slow(system: System, chance: Random) -> Iterator[None]:
        system.links[name].latency = chance.uniform(0.02, 0.2)
        yield
        system.links[name].latency = 0


for _name in ("database", "broker"):
    _register(_name)


@fault("mail down", target="mail", duration=(5, 20))
def mail_down(system: System, chance: Random) -> Iterator[None]:
    """Let the mail server hang, then reset its connections."""
    system.links["mail"].freeze()
    yield
    system.links["mail"].cut()
    system.links["mail"].thaw()


@fault("mail postponed", target="mail", duration=(5, 20))
def mail_postponed(system: System, chance: Random) -> Iterator[None]:
    """Let the mail server reject all mail with a temporary error."""
    system.mailbox.rejects_temporarily = True
    yield
    system.mailbox.rejects_temporarily = False


@fault("mail server stopped", target="mail", duration=(5, 20))
def mail_server_stopped(system: System, chance: Random) -> Iterator[None]:
    """Let the mail server refuse connections; the proxy then resets them."""
    system.mailbox.close()
    yield
    system.mailbox.open()
