import pytest

from dev.errors import KeyLost
from dev.processes import programs


def test_web_and_workers_are_not_given_the_owners_password(monkeypatch):
    monkeypatch.setenv("SHOP_ADMIN_DATABASE_URL", "postgresql://postgres:secret@127.0.0.1/shop")
    env = programs.environment(database_url="postgresql://shop@127.0.0.1/shop", broker_url="memory://")

    started = [programs.web(env, port=8000), programs.scheduler(env), *programs.workers(env)]
    assert {program.env["SHOP_ADMIN_DATABASE_URL"] for program in started} == {""}


def test_data_whose_key_is_gone_is_left_alone_and_named(tmp_path, monkeypatch):
    monkeypatch.delenv("DJANGO_SECRET_KEY", raising=False)
    monkeypatch.setattr(programs, "_KEY", tmp_path / "var" / "secret-key")
    programs.provide_key(tmp_path / "data")
    assert programs._KEY.read_text()
    (tmp_path / "data").mkdir()
    programs.provide_key(tmp_path / "data")

    programs._KEY.unlink()
    with pytest.raises(KeyLost, match=f"{tmp_path}/data .* or remove"):
        programs.provide_key(tmp_path / "data")
    monkeypatch.setenv("DJANGO_SECRET_KEY", "that of the data")
    programs.provide_key(tmp_path / "data")
