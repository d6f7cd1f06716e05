"""Arguments of script/test, its notices about skipped tests, and its temporary folder."""

import pytest

from dev import temporary, test
from dev.chromium import find_chromium
from dev.errors import NoRabbitMQ, ScriptError
from dev.temporary import temporary_folder
from tests.support.servers import in_ci


def test_arguments_are_pytests():
    options = test.parse(["tests/unit", "-k", "refund", "-x"])

    assert options.pytest == ("tests/unit", "-k", "refund", "-x")
    assert not options.long


@pytest.mark.parametrize("arguments", [[], ["--long"]])
def test_without_arguments_all_tests_run_in_three_processes(arguments):
    options = test.parse(arguments)

    assert options.pytest == ("-n", "3", "--dist", "loadgroup")
    assert options.long == bool(arguments)


def test_long_may_stand_anywhere_and_is_not_passed_on():
    options = test.parse(["tests/properties", "--long", "-x"])

    assert options == test.Options(pytest=("tests/properties", "-x"), long=True)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_printed_and_nothing_is_started(flag, capsys, monkeypatch):
    monkeypatch.setattr(test, "hold_lock", None)

    assert test.main([flag]) == 0
    assert "--long" in capsys.readouterr().out


def test_long_tests_have_a_new_seed_and_many_examples():
    settings = test.long_settings({})

    assert int(settings["SHOP_TEST_LONG"]) >= 0
    assert settings["SHOP_PROPERTY_EXAMPLES"] == test.LONG_EXAMPLES


def test_long_tests_can_be_repeated():
    given = {"SHOP_TEST_LONG": "7", "SHOP_PROPERTY_EXAMPLES": "20", "HOME": "/root"}

    assert test.long_settings(given) == {"SHOP_TEST_LONG": "7", "SHOP_PROPERTY_EXAMPLES": "20"}


@pytest.mark.parametrize(
    ("notice", "remedy"),
    [
        (test.without_chromium(), "apt-get install chromium"),
        (test.without_rabbitmq(NoRabbitMQ("RabbitMQ is not installed.")), "apt-get install rabbitmq-server"),
    ],
)
def test_a_notice_says_loudly_what_is_skipped_and_how_to_change_that(notice, remedy, capsys):
    test.report_skipped(notice, {})

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("NO ")
    assert "SKIPPED" in line
    assert remedy in line


@pytest.mark.parametrize("ci", ["1", "true", "True"])
def test_in_ci_nothing_may_be_skipped(ci, monkeypatch):
    with pytest.raises(ScriptError, match="NO CHROMIUM"):
        test.report_skipped(test.without_chromium(), {"CI": ci})
    monkeypatch.setenv("CI", ci)
    assert in_ci()


def test_in_ci_a_missing_browser_ends_the_run_before_anything_is_started(monkeypatch):
    monkeypatch.setattr(test, "find_chromium", lambda env: None)
    monkeypatch.setattr(test, "hold_lock", None)
    monkeypatch.setenv("CI", "true")

    with pytest.raises(ScriptError, match="apt-get install chromium"):
        test.main([])


def test_the_named_browser_comes_before_the_one_on_the_path(monkeypatch):
    monkeypatch.setattr("dev.chromium.shutil.which", lambda name: f"/usr/bin/{name}")

    assert find_chromium({"CHROMIUM": "/opt/chromium"}) == "/opt/chromium"
    assert find_chromium({}) == "/usr/bin/chromium"


def test_without_a_browser_none_is_found(monkeypatch):
    monkeypatch.setattr("dev.chromium.shutil.which", lambda name: None)

    assert find_chromium({}) is None


@pytest.fixture
def var(tmp_path, monkeypatch):
    monkeypatch.setattr(temporary, "VAR", tmp_path / "var")
    return tmp_path / "var"


def test_the_temporary_folder_goes_with_everything_in_it(var):
    folders = []

    def run():
        with temporary_folder("test") as folder:
            folders.append(folder)
            (folder / "pymp-1").mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert not folders[0].exists()
    assert list(var.iterdir()) == []


def test_the_temporary_folder_is_short_enough_for_sockets(var):
    with temporary_folder("test") as folder:
        assert len(str(folder / "pymp-0123456789" / "listener-0123456789")) < 108


def test_the_folder_of_a_killed_run_is_removed_by_the_next_one(var, tmp_path):
    left = tmp_path / "shop-abcdefgh"
    (left / "pymp-1").mkdir(parents=True)
    var.mkdir()
    (var / "test.tmpdir").write_text(str(left))

    with temporary_folder("test"):
        assert not left.exists()
