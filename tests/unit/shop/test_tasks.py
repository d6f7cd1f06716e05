"""Workers know every task of the source, whatever else they import."""

import os
import re
import subprocess
import sys

from dev.paths import ROOT
from tests.unit.dev.test_requirements import modules

_NAME = re.compile(r'@shared_task\(\s*name="([\w.]+)"')
_WORKER = "from shop.celery import app; app.loader.import_default_modules(); print(*app.tasks)"


def test_a_worker_knows_all_tasks_without_the_pages_of_the_web_server():
    named = {name for path in modules() for name in _NAME.findall(path.read_text())}
    env = os.environ | {"CELERY_SKIP_CHECKS": "1"}
    known = subprocess.check_output([sys.executable, "-c", _WORKER], env=env, cwd=ROOT, text=True)
    assert len(named) > 20
    assert named - set(known.split()) == set()
