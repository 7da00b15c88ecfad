"""Send a meter's register to Jieneng: python publish.py --secret SECRET (needs paho-mqtt 2)."""

import argparse
import json
import time

import paho.mqtt.client as mqtt

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int, default=1883)
parser.add_argument("--institution", default="trial")
parser.add_argument("--gateway", default="trial-gw")
parser.add_argument("--secret", required=True, help="printed once by: jieneng credential GATEWAY")
parser.add_argument("--meter", default="e-main", help="the meter's name at this gateway")
args = parser.parse_args()

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=args.gateway, protocol=mqtt.MQTTv5)
client.username_pw_set(args.gateway, args.secret)
client.on_connect = lambda *event: print("connection:", event[3])
client.on_publish = lambda *event: print("acknowledged:", event[3])  # Success = taken; anything else = parked
client.connect(args.host, args.port)
client.loop_start()
now = int(time.time()) // 900 * 900  # the last full quarter of an hour
for end in range(now - 2700, now + 1, 900):
    reading = {"meter": args.meter, "time": end, "value": end / 1800, "unit": "kWh"}  # rises 0.5 kWh a quarter
    topic = f"jieneng/v1/{args.institution}/{args.gateway}/readings"
    client.publish(topic, json.dumps({"readings": [reading]}), qos=1).wait_for_publish(timeout=10)
client.disconnect()
client.loop_stop()
