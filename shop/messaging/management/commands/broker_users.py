"""Command that makes users of RabbitMQ for programs that read the events."""

import re
import secrets
import shlex
import shutil
import subprocess
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.messaging.bus import broker_users
from shop.messaging.bus.amqp import is_amqp


class Command(BaseCommand):
    """Make users that may bind and read one queue of their own, and nothing else."""

    help = "Make users reader-NAME of RabbitMQ that may bind and read their queue reader-NAME.events alone."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the names of the readers and the options."""
        parser.add_argument("names", nargs="+", metavar="NAME", help="lower-case letters, digits, dashes")
        parser.add_argument(
            "--events", default=".*", help="regular expression of the types that may be bound"
        )
        parser.add_argument(
            "--may-declare",
            action="store_true",
            help="let them declare queues with their prefix, which can be made to refuse the shop's messages",
        )
        parser.add_argument("--rabbitmqctl", default=shutil.which("rabbitmqctl"), help="path of the program")
        parser.add_argument("--print", action="store_true", help="print the commands instead of running them")

    def handle(self, *names: Any, **options: Any) -> None:
        """Make each reader, or print the commands that do."""
        if wrong := [name for name in options["names"] if not re.fullmatch(r"[a-z][a-z0-9-]{2,40}", name)]:
            raise CommandError(
                f"{', '.join(wrong)}: a name has 3 to 41 lower-case letters, digits and dashes."
            )
        with current_app.connection_for_write() as connection:
            if not is_amqp(connection):
                raise CommandError("The broker is not RabbitMQ.")
            connection.ensure_connection(max_retries=1)
            for name in map(broker_users.user_of, options["names"]):
                broker_users.declare_queue(connection, name)
                commands = broker_users.commands(
                    name,
                    vhost=str(connection.virtual_host),
                    events=options["events"],
                    may_declare=options["may_declare"],
                )
                self._make(name, commands, options)

    def _make(self, name: str, commands: list[list[str]], options: dict[str, Any]) -> None:
        if options["print"] or not options["rabbitmqctl"]:
            self.stdout.write(f"# On a node of RabbitMQ; it asks for a password of {name}:")
            for arguments in [["add_user", name], *commands]:
                self.stdout.write(shlex.join(["rabbitmqctl", *arguments]))
            return
        password = secrets.token_urlsafe(24)
        is_new = name not in self._run(options, "list_users", "--no-table-headers").split()
        self._run(options, "add_user" if is_new else "change_password", name, given=password)
        for arguments in commands:
            self._run(options, *arguments)
        self.stdout.write(f"{name} reads {broker_users.queue_of(name)}; its password is {password}")

    def _run(self, options: dict[str, Any], *arguments: str, given: str | None = None) -> str:
        """Run ``rabbitmqctl``. A password is given on its standard input: others see command lines."""
        done = subprocess.run(
            [options["rabbitmqctl"], "--quiet", *arguments],
            input=given,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise CommandError(f"rabbitmqctl {arguments[0]} failed: {done.stderr.strip()}")
        return done.stdout
