"""`python -m lineshaft.tools.stack.embedded_kafka_broker <topic prefix> <address file>`: a broker in memory.

It is librdkafka's mock cluster, which speaks Kafka's protocol to any client. confluent-kafka's wheel carries
librdkafka without Python names for that part of it; the functions below are declared in
https://github.com/confluentinc/librdkafka/blob/v2.16.0/src/rdkafka_mock.h
(an experimental interface, hence the exact version in pyproject.toml).
"""

import argparse
import ctypes
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from confluent_kafka import cimpl

from lineshaft.common.topics import TOPICS
from lineshaft.tools.stack.files import write_atomically

_PRODUCER = 0
_ERROR_LENGTH = 512
_SETTLE_SECONDS = 0.002
_END_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class MockClusterError(RuntimeError):
    """librdkafka refused; the message is its own."""


class MockCluster:
    """One broker on a loopback port that the kernel picks. Topics nobody created get 4 partitions."""

    def __init__(self) -> None:
        self._library = _library()
        error = ctypes.create_string_buffer(_ERROR_LENGTH)
        self._client = self._library.rd_kafka_new(_PRODUCER, None, error, _ERROR_LENGTH)
        if not self._client:
            raise MockClusterError(error.value.decode())
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        # Kafka's own default lets the first member of a group wait 3 s for others.
        self._ask(self._library.rd_kafka_mock_group_initial_rebalance_delay_ms, 0)

    @property
    def bootstrap_servers(self) -> str:
        address: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return address.decode()

    def create_topic(self, name: str, partitions: int) -> None:
        code = self._ask(self._library.rd_kafka_mock_topic_create, name.encode(), partitions, 1)
        if code:
            raise MockClusterError(f"topic {name}: {self._library.rd_kafka_err2str(code).decode()}")

    def close(self) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)

    def _ask(self, function: Callable[..., int], *arguments: bytes | int) -> int:
        answer = function(self._cluster, *arguments)
        # The cluster's thread answers and then throws all wake-ups away: a request that comes in between
        # waits until the thread looks again by itself, for up to a second.
        time.sleep(_SETTLE_SECONDS)
        return answer


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    # Before librdkafka starts its threads, so that sigwait() is the only one to get them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _END_SIGNALS)
    cluster = MockCluster()
    for topic in TOPICS:
        cluster.create_topic(options.prefix + topic.name, topic.partitions)
    write_atomically(options.address_file, cluster.bootstrap_servers)
    print(f"{len(TOPICS)} topics on {cluster.bootstrap_servers}", flush=True)
    signal.sigwait(_END_SIGNALS)
    cluster.close()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prefix", help="prefix of every topic")
    parser.add_argument("address_file", type=Path, help="gets host:port once all topics are there")
    return parser.parse_args(arguments)


def _library() -> ctypes.CDLL:
    # The wheel's librdkafka has another file name on every platform; its symbols are found through the
    # extension module that is linked to it.
    library = ctypes.CDLL(cimpl.__file__)
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, parameters in (
        ("rd_kafka_new", pointer, (number, pointer, text, ctypes.c_size_t)),
        ("rd_kafka_destroy", None, (pointer,)),
        ("rd_kafka_err2str", text, (number,)),
        ("rd_kafka_mock_cluster_new", pointer, (pointer, number)),
        ("rd_kafka_mock_cluster_destroy", None, (pointer,)),
        ("rd_kafka_mock_cluster_bootstraps", text, (pointer,)),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, (pointer, ctypes.c_int32)),
        ("rd_kafka_mock_topic_create", number, (pointer, text, number, number)),
    ):
        function = library[name]
        function.restype, function.argtypes = result, parameters
        setattr(library, name, function)
    return library


if __name__ == "__main__":
    main()
