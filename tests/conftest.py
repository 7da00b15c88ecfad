"""What every test may use."""

from tests.servers import grafana_factory, influx, influx_factory, influx_server, mosquitto, mosquitto_factory

__all__ = ["grafana_factory", "influx", "influx_factory", "influx_server", "mosquitto", "mosquitto_factory"]
