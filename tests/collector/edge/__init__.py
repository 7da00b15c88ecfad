"""Tests of the MQTT edge: codec, endpoint, broker clients."""
