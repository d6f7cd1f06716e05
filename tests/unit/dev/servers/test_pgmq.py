import psycopg
import pytest

from dev.servers.infrastructure import ROLE
from dev.servers.pgmq import hand_over, install_pgmq
from tests.support.servers import as_running_role, fresh_database


def test_an_embedded_broker_of_a_superuser_is_handed_over_with_its_messages(server_url: str) -> None:
    with fresh_database(server_url) as url:
        install_pgmq(url)
        with psycopg.connect(url) as superuser:
            superuser.execute("select pgmq.create('orders'); select pgmq.enable_notify_insert('orders')")
            superuser.execute("""select pgmq.send('orders', '{"cup": 1}')""")
        with (
            psycopg.connect(as_running_role(url)) as worker,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            worker.execute("select pgmq.read('orders', 0, 1)")

        hand_over(url, ROLE)
        hand_over(url, ROLE)
        with psycopg.connect(as_running_role(url)) as worker:
            assert len(worker.execute("select pgmq.read('orders', 0, 1)").fetchall()) == 1
            worker.execute("select pgmq.create('payments'); select pgmq.drop_queue('orders')")
            foreign = worker.execute(
                "select relname from pg_class where relnamespace = 'pgmq'::regnamespace"
                " and relowner <> current_user::regrole"
            )
            assert foreign.fetchall() == []
