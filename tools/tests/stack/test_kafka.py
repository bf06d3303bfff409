import pytest

from lineshaft.tools.stack.infrastructure import Infrastructure
from lineshaft.tools.stack.kafka import KafkaKind, KafkaUnavailableError, choose_kafka
from lineshaft.tools.stack.layout import Layout


def test_a_given_cluster_wins() -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092", "KAFKA": "apache"}
    assert choose_kafka(environment, lambda: True) is KafkaKind.EXTERNAL


@pytest.mark.parametrize(
    ("wanted", "possible", "kind"),
    [
        ("", True, KafkaKind.APACHE),
        ("", False, KafkaKind.EMBEDDED),
        ("embedded", True, KafkaKind.EMBEDDED),
        ("apache", True, KafkaKind.APACHE),
    ],
)
def test_the_choice(wanted: str, *, possible: bool, kind: KafkaKind) -> None:
    assert choose_kafka({"KAFKA": wanted}, lambda: possible) is kind


@pytest.mark.parametrize("environment", [{"CI": "true"}, {"CI": "1"}, {"KAFKA": "apache"}])
def test_ci_never_falls_back(environment: dict[str, str]) -> None:
    with pytest.raises(KafkaUnavailableError, match="Java 17"):
        choose_kafka(environment, lambda: False)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KafkaUnavailableError, match="rabbit"):
        choose_kafka({"KAFKA": "rabbit"}, lambda: True)


def test_a_refused_kafka_leaves_no_run_behind(private_layout: Layout) -> None:
    for _ in range(2):
        with pytest.raises(KafkaUnavailableError, match="rabbit"):
            Infrastructure(private_layout, environment={"KAFKA": "rabbit"})
