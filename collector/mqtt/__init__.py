"""MQTT 3.1.1 and 5 packets as bytes: what the ingest endpoint and the fast broker client have in common.

`codes` names packets and reasons, `wire` reads and writes the primitive types, `properties` those of MQTT 5,
`packets` builds and parses every packet but PUBLISH, `stream` cuts a byte stream into deliveries.
References: OASIS MQTT Version 3.1.1 (2014-10-29) and MQTT Version 5.0 (2019-03-07).
"""
