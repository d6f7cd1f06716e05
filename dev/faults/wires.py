"""The network between the shop's processes and their servers is hurt, and mail is put off or refused."""

from collections.abc import Iterator
from random import Random

from dev.faults.kinds import fault
from dev.faults.world import World


def _register(name: str) -> None:
    target = f"the way to the {name}"

    @fault(f"connections to the {name} reset", target=target)
    def cut(world: World, chance: Random) -> Iterator[None]:
        world.links[name].cut()
        yield

    @fault(f"connections to the {name} half-open", target=target, lasts=(5, 20))
    def half_open(world: World, chance: Random) -> Iterator[None]:
        """A router forgets its connections; in the end the kernel's keep-alive notices and resets them."""
        world.links[name].forget()
        yield
        world.links[name].cut()

    @fault(f"{name} out of reach", target=target, lasts=(3, 15))
    def out_of_reach(world: World, chance: Random) -> Iterator[None]:
        """Nothing comes through, and then everything that was sent meanwhile."""
        world.links[name].freeze()
        yield
        world.links[name].thaw()

    @fault(f"{name} slow", target=target, lasts=(5, 20))
    def slow(world: World, chance: Random) -> Iterator[None]:
        world.links[name].latency = chance.uniform(0.02, 0.2)
        yield
        world.links[name].latency = 0


for _name in ("database", "broker"):
    _register(_name)


@fault("mail down", target="mail", lasts=(5, 20))
def mail_down(world: World, chance: Random) -> Iterator[None]:
    """The mail server keeps its callers waiting; or it throws them out."""
    world.links["mail"].freeze()
    yield
    world.links["mail"].cut()
    world.links["mail"].thaw()


@fault("mail postponed", target="mail", lasts=(5, 20))
def mail_postponed(world: World, chance: Random) -> Iterator[None]:
    """The mail server answers 451 to each letter, and takes it when it comes again later."""
    world.mailbox.postpones = True
    yield
    world.mailbox.postpones = False


@fault("mail server stopped", target="mail", lasts=(5, 20))
def mail_server_stopped(world: World, chance: Random) -> Iterator[None]:
    """It refuses connections; the way to it lets its callers know by a reset."""
    world.mailbox.close()
    yield
    world.mailbox.open()
