"""A launch of the real daemon on an Auto Scaling group that moto keeps.

The group is made, suspended and read with boto3; the daemon sees it, schedules a launch of tomorrow, raises the floor of a
launch that is due, and takes the schedule back when the release is called off.
"""

import contextlib
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import boto3
from moto.server import ThreadedMotoServer

PROGRAM = sys.argv[1]
WITHIN_SECS = 60
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-west-2"}

SETTINGS = """
apiVersion: tminus/v1
kind: Settings
name: moto
data: data
documents: [world.yaml]
listen: {control: '127.0.0.1:0', decision: '127.0.0.1:0'}
tick: 0.5s
"""

POLICY = """
apiVersion: tminus/v1
kind: ScalingPolicy
name: %(name)s
group: {aws: {name: %(name)s, region: us-west-2}}
capacity_per_instance: 25/s
limits: {floor: 2, ceiling: 8}
lead: 20m
---
apiVersion: tminus/v1
kind: Release
name: %(name)s-2.0
app: %(name)s
version: 2.0.0
channels: [release]
launch_at: "%(launch_at)s"
scaling: [%(name)s]
rollout: {steps: [{percent: 100, bake: 1h}]}
audience: {clients: 12k, adoption: {half_life: 45m, ceiling: 60}, requests_per_client: 400}
"""


def check(what, passed, seen=""):
    print(("ok   " if passed else "FAIL ") + what + ("" if passed else f": {seen}"))
    if not passed:
        sys.exit(1)


def until(what, look):
    ends, seen = time.monotonic() + WITHIN_SECS, None
    while time.monotonic() < ends:
        seen = look()
        if seen:
            check(what, True)
            return seen
        time.sleep(0.3)
    check(what, False, seen)


@contextlib.contextmanager
def serving(world, environment=()):
    """The daemon over these documents; gives the address of its control API, and tells its log when something fails."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "tminus.yaml").write_text(SETTINGS)
        (folder / "world.yaml").write_text(world)
        command = [PROGRAM, "serve", "--config", str(folder / "tminus.yaml")]
        whole = {**os.environ, **dict(environment)}
        with (folder / "log").open("w") as log:
            daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=whole)
        try:
            yield daemon.stdout.readline().split(": ", 1)[1].strip()
        except BaseException:
            print((folder / "log").read_text()[-6000:])
            raise
        finally:
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()


def make(client, ec2, name):
    image = ec2.describe_images()["Images"][0]["ImageId"]
    client.create_launch_configuration(LaunchConfigurationName=name, ImageId=image, InstanceType="t3.small")
    client.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchConfigurationName=name,
        MinSize=2,
        MaxSize=8,
        AvailabilityZones=["us-west-2a", "us-west-2b"],
    )


def main():
    os.environ.update(KEYS)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client("autoscaling", endpoint_url=address)
    ec2 = boto3.client("ec2", endpoint_url=address)
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    for name in ["tomorrow", "today"]:
        make(client, ec2, name)
    client.suspend_processes(AutoScalingGroupName="tomorrow", ScalingProcesses=["AZRebalance"])
    launches = {"tomorrow": now + datetime.timedelta(days=1), "today": now + datetime.timedelta(minutes=10)}
    documents = [POLICY % {"name": name, "launch_at": at.isoformat()} for name, at in launches.items()]
    try:
        with serving("---".join(documents), {"AWS_ENDPOINT_URL_AUTO_SCALING": address}) as control:
            launch(control, client)
    finally:
        server.stop()


def launch(control, client):
    def status(release):
        with urllib.request.urlopen(f"{control}/api/v1/releases/{release}") as answer:
            return json.load(answer)["groups"][0]

    def group(name):
        return client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]

    def actions(name):
        return client.describe_scheduled_actions(AutoScalingGroupName=name)["ScheduledUpdateGroupActions"]

    seen = until("the group is seen", lambda: (lambda it: it if it.get("in_service") == 2 else None)(status("tomorrow-2.0")))
    check("with its bounds", (seen["floor"], seen["ceiling"], seen["desired"]) == (2, 8, 2), seen)
    check("and its suspended process", any("AZRebalance" in problem for problem in seen["problems"]), seen["problems"])
    kept = until("the launch of tomorrow is scheduled", lambda: actions("tomorrow"))
    names = [action["ScheduledActionName"] for action in kept]
    check("by names of ours", all(name.startswith("tminus-tomorrow-") for name in names), names)
    check("up to what is needed", max(action["MinSize"] for action in kept) == 8, kept)
    last = max(kept, key=lambda action: action["StartTime"])
    check("and back", last["MinSize"] == 2 and "-restore-" in last["ScheduledActionName"], last)
    check("nothing but the minimum", all("MaxSize" not in it and "DesiredCapacity" not in it for it in kept), kept)
    until("the launch of today is raised at once", lambda: group("today")["MinSize"] == 8)
    check("and its instances follow", group("today")["DesiredCapacity"] == 8, group("today"))
    body = json.dumps({"reason": "moto"}).encode()
    scrub = urllib.request.Request(
        f"{control}/api/v1/releases/tomorrow-2.0/phases/scrub", data=body, method="PUT", headers={"content-type": "application/json"}
    )
    urllib.request.urlopen(scrub).close()
    until("a launch that is called off is not scheduled any more", lambda: not actions("tomorrow"))


if __name__ == "__main__":
    main()
