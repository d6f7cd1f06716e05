from dev.processes import programs


def test_web_and_workers_are_not_given_the_owners_password(monkeypatch):
    monkeypatch.setenv("SHOP_ADMIN_DATABASE_URL", "postgresql://postgres:secret@127.0.0.1/shop")
    env = programs.environment(database_url="postgresql://shop@127.0.0.1/shop", broker_url="memory://")

    started = [programs.web(env, port=8000), programs.scheduler(env), *programs.workers(env)]
    assert {program.env["SHOP_ADMIN_DATABASE_URL"] for program in started} == {""}
