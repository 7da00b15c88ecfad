"""What every test may use."""

from tests.servers import influx, influx_factory, influx_server, mosquitto, mosquitto_factory

__all__ = ["influx", "influx_factory", "influx_server", "mosquitto", "mosquitto_factory"]
