#!/usr/bin/env python
"""Run Django's management commands for shop."""

import os
import sys


def main() -> None:
    """Run a management command.

    If the database ends its session, print a line instead of a traceback. If the reader of the output has
    gone, as in ``manage.py trace ORD-1042 | head``, end quietly.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError, InterfaceError

    try:
        execute_from_command_line(sys.argv)
    except BrokenPipeError:
        # Otherwise the flush at exit fails again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (DatabaseError, InterfaceError) as error:
        from shop.messaging.database_errors import is_outage

        if "--traceback" in sys.argv or not is_outage(error):
            raise
        reason = str(error).partition("\n")[0]
        print(
            f"manage.py: the database ended the session, or does not answer ({reason}). Run it again.",
            file=sys.stderr,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
