"""URL of a Kafka cluster: what it can do, and its clients' options."""

from shop.messaging.bus.kafka.cluster import Cluster

OLD = "kafka://kafka:9092/?api.version.request=false&broker.version.fallback=0.9.0.1"


def test_the_path_is_a_prefix_of_topics_and_groups():
    cluster = Cluster.from_url("kafka://one:9092,two:9092/eu")

    assert cluster.servers == "one:9092,two:9092"
    assert cluster.name("shop.events") == "eu.shop.events"
    assert cluster.consumer_config("shop.orders", "o@host")["group.id"] == "eu.shop.orders"
    assert Cluster.from_url("kafka://one:9092").name("shop.events") == "shop.events"


def test_several_servers_may_be_ipv6_addresses():
    cluster = Cluster.from_url("kafka://shop:secret@kafka-1:9092,[::1]:9093/eu?linger.ms=50")

    assert cluster.servers == "kafka-1:9092,[::1]:9093"
    assert (cluster.prefix, cluster.options["linger.ms"]) == ("eu", "50")
    assert cluster.options["sasl.username"] == "shop"


def test_by_default_records_are_written_once_by_all_replicas_and_members_are_static():
    cluster = Cluster.from_url("kafka://kafka:9092")

    producer, consumer = cluster.producer_config(), cluster.consumer_config("shop.orders", "orders@host")
    assert (producer["acks"], producer["enable.idempotence"]) == ("all", True)
    assert consumer["group.instance.id"] == "orders@host"
    assert consumer["enable.auto.commit"] is False
    assert cluster.is_administrable


def test_what_an_old_broker_lacks_is_not_asked_of_it():
    cluster = Cluster.from_url(OLD)

    assert cluster.producer_config()["enable.idempotence"] is False
    assert "group.instance.id" not in cluster.consumer_config("shop.orders", "orders@host")
    assert not cluster.is_administrable
    assert Cluster.from_url(OLD.replace("0.9.0.1", "2.3.0")).has_static_members


def test_options_of_the_url_come_first_and_reach_their_kind_of_client():
    cluster = Cluster.from_url("kafka://k:9092/?linger.ms=50&session.timeout.ms=9000&client.id=shop")

    assert cluster.producer_config()["linger.ms"] == "50"
    assert cluster.consumer_config("g", "i")["session.timeout.ms"] == "9000"
    assert "session.timeout.ms" not in cluster.producer_config()
    assert "linger.ms" not in cluster.consumer_config("g", "i")
    assert cluster.client_config()["client.id"] == "shop"


def test_the_position_is_never_committed_by_the_client_itself():
    cluster = Cluster.from_url("kafka://k:9092/?enable.auto.commit=true&group.id=another")

    config = cluster.consumer_config("shop.orders", "i")
    assert (config["enable.auto.commit"], config["group.id"]) == (False, "shop.orders")


def test_user_and_password_mean_an_encrypted_connection():
    cluster = Cluster.from_url("kafka://shop:s%40crt@k:9093/?ssl.ca.location=/ca.pem")

    config = cluster.client_config()
    assert (config["sasl.username"], config["sasl.password"]) == ("shop", "s@crt")
    assert config["security.protocol"] == "SASL_SSL"
    assert config["ssl.ca.location"] == "/ca.pem"
    assert config["bootstrap.servers"] == "k:9093"
