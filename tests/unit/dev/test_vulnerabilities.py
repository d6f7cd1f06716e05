import json
import subprocess
import sys
import tempfile

import pytest

from dev.check import Check
from dev.vulnerabilities import SKIPPED, report_of

CLEAN = {"name": "amqp", "version": "5.4.2", "vulns": []}
UNKNOWN = {"name": "kombu", "skip_reason": "Dependency not found on PyPI and could not be audited"}
FLAWED = {"name": "django", "version": "5.0", "vulns": [{"id": "CVE-2025-64459", "fix_versions": ["5.2.8"]}]}


def answer(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_packages_without_known_vulnerabilities_pass():
    assert report_of(answer(CLEAN)).code == 0


def test_a_known_vulnerability_fails_and_is_named():
    report = report_of(answer(CLEAN, FLAWED))
    assert report.code == 1
    assert "django 5.0: CVE-2025-64459" in report.text
    assert "5.2.8" in report.text


@pytest.mark.parametrize("given", ["", "no JSON", answer(), answer(CLEAN, UNKNOWN)])
def test_an_audit_that_has_not_seen_all_packages_is_no_pass(given):
    report = report_of(given)
    assert report.code == SKIPPED
    assert "NOT AUDITED" in report.text


@pytest.mark.parametrize(("code", "passes"), [(0, True), (SKIPPED, True), (1, False)])
def test_a_check_that_could_not_be_made_is_loud_and_not_red(code, passes, capsys):
    with tempfile.TemporaryFile() as output:
        argv = [sys.executable, "-c", f"print('NOT AUDITED'); raise SystemExit({code})"]
        check = Check("vulnerabilities", subprocess.Popen(argv, stdout=output), output)
        assert check.finish() is passes
    shown = capsys.readouterr().out
    assert ("NOT AUDITED" in shown) is (code != 0)
    assert ("SKIPPED" in shown) is (code == SKIPPED)
