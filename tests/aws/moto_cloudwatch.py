"""What the real daemon reads of metrics and alarms that moto keeps.

The SDK speaks CBOR, which moto does not: a bridge of a few lines hands each call to boto3, and what boto3 answers back. The
samples are put and the alarm is set with boto3, so that units, periods and states are read by somebody who is not us.
"""

import datetime
import gzip
import http.server
import json
import os
import threading
import urllib.request

import boto3
import cbor2
from moto.server import ThreadedMotoServer

from moto_wire import KEYS, check, serving, until

PATH = "/service/GraniteServiceVersion20100801/operation/"
CALLS = {"GetMetricData": "get_metric_data", "DescribeAlarms": "describe_alarms"}
# Of CloudWatch's epoch periods: moto begins its own at StartTime, which tminus puts on whole minutes.
PER_MINUTE = 3_000

WORLD = """
apiVersion: tminus/v1
kind: MetricsSource
name: cloud
cloudwatch: {region: us-west-2, endpoint: "%(endpoint)s"}
queries:
  load: {namespace: Reader, metric: requests, dimensions: {Fleet: api}, statistic: Sum}
---
apiVersion: tminus/v1
kind: Checklist
name: quiet
items:
  - {id: alarms, title: No alarm is up, every: 1s, check: {alarms: {source: cloud, names: [latency]}}}
  - {id: busy, title: There is load, every: 1s, check: {metric: {query: load, above: 49, below: 51, over: 20m}}}
---
apiVersion: tminus/v1
kind: Release
name: reader-2.3
app: reader
version: 2.3.0
channels: [release]
launch_at: "%(launch_at)s"
checklists: [quiet]
rollout: {steps: [{percent: 100, bake: 1h}]}
"""


def bridge(client):
    """A server that speaks CloudWatch's CBOR and asks boto3."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            asked = cbor2.loads(body) if body else {}
            answer = getattr(client, CALLS[self.path.removeprefix(PATH)])(**asked)
            answer.pop("ResponseMetadata")
            text = cbor2.dumps(answer, datetime_as_timestamp=True, timezone=datetime.timezone.utc)
            self.send_response(200)
            for name, value in [("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")]:
                self.send_header(name, value)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def put_load(client, now):
    """The last half hour, 50 requests a second, each minute in two samples."""
    minutes = [now.replace(second=0) - datetime.timedelta(minutes=ago) for ago in range(31)]
    sample = lambda minute, second: {
        "MetricName": "requests",
        "Dimensions": [{"Name": "Fleet", "Value": "api"}],
        "Timestamp": minute + datetime.timedelta(seconds=second),
        "Value": PER_MINUTE / 2,
    }
    data = [sample(minute, second) for minute in minutes for second in (10, 40)]
    for start in range(0, len(data), 20):
        client.put_metric_data(Namespace="Reader", MetricData=data[start : start + 20])


def main():
    os.environ.update(KEYS)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    client = boto3.client("cloudwatch", endpoint_url=f"http://{host}:{port}")
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    put_load(client, now)
    client.put_metric_alarm(
        AlarmName="latency", MetricName="requests", Namespace="Reader", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1e9, ComparisonOperator="GreaterThanThreshold",
    )
    client.set_alarm_state(AlarmName="latency", StateValue="ALARM", StateReason="by hand")
    server = bridge(client)
    endpoint = f"http://127.0.0.1:{server.server_port}"
    launch_at = (now + datetime.timedelta(minutes=50)).isoformat()
    try:
        with serving(WORLD % {"endpoint": endpoint, "launch_at": launch_at}) as control:
            read(control, client)
    finally:
        server.shutdown()
        moto.stop()


def read(control, client):
    def item(which, state, says):
        with urllib.request.urlopen(f"{control}/api/v1/releases/reader-2.3") as answer:
            items = json.load(answer)["readiness"]["items"]
        found = next(it for it in items if it["id"] == which)
        return found if found["state"] == state and says in found["detail"] else None

    until("a sum by the minute is read as so many a second", lambda: item("busy", "green", "load is 50"))
    until("an alarm that is up is red", lambda: item("alarms", "red", "latency is ALARM"))
    client.set_alarm_state(AlarmName="latency", StateValue="INSUFFICIENT_DATA", StateReason="by hand")
    until("one without data is not known", lambda: item("alarms", "unknown", "latency"))
    client.set_alarm_state(AlarmName="latency", StateValue="OK", StateReason="by hand")
    until("one that is over is green", lambda: item("alarms", "green", ""))


if __name__ == "__main__":
    main()
    check("CloudWatch is read as moto and boto3 keep it", True)
