"""Config.json of the emulator with the entities of all tests: ``python -m tests.support.servicebus_config``.

An account needs the same entities.
"""

import json
import os

import django


def main() -> None:
    """Print the file."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "shop.settings", "DJANGO_DEBUG": "1"}
    django.setup()
    from tests.contracts.probe import consumers  # noqa: F401, PLC0415 - registers them
    from tests.support.servicebus import entities  # noqa: PLC0415
    from tests.unit.dev.servers.servicebus import config as sdk  # noqa: PLC0415

    config, more = entities(), sdk.entities("PT5S")  # the shortest lock that Service Bus has
    [namespace], [others] = (one["UserConfig"]["Namespaces"] for one in (config, more))
    for kind in ("Queues", "Topics"):
        namespace[kind] += others[kind]
    print(json.dumps(config, indent=2))


if __name__ == "__main__":
    main()
