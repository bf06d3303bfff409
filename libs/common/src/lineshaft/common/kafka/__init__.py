"""Kafka: the at-least-once consumer, the keyed producer, dead letters, topic creation."""
