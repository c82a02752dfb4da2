"""Flink SQL beside millstream: the same queries over the same records."""
