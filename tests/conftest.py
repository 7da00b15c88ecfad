"""What every test may use."""

import os

import hypothesis

from tests.servers import grafana_factory, influx, influx_factory, influx_server, mosquitto, mosquitto_factory

__all__ = ["grafana_factory", "influx", "influx_factory", "influx_server", "mosquitto", "mosquitto_factory"]

# A developer's run tries new examples every time; .ci/run names hypothesis' own profile "ci", which repeats the same
# ones and prints how to reproduce a failure. No deadline in either: a slow machine is no failure.
hypothesis.settings.register_profile("developer", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "developer"))
