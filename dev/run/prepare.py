"""Migration and seeding in one process, which starts Django only once."""

import django
from django.core.management import call_command

if __name__ == "__main__":
    django.setup()
    call_command("migrate", interactive=False, skip_checks=True)
    call_command("seed", demo=True, skip_checks=True)
