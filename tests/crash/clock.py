"""Drives one launch through the API while the daemon's wall clock jumps; see the script `run` beside it.

The daemon alone has the wrong clock: rooms, caches and the edge that counts keep the right time, as other machines do.
"""

import collections
import datetime
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

PROGRAM, LIBRARY = sys.argv[1:]
HOUR, DAY = 3600, 86400

# Seconds by which a change may have happened before it is seen here.
SEEN = 0.5

SETTINGS = """
apiVersion: tminus/v1
kind: Settings
name: clock
data: data
documents: [world.yaml]
listen: {control: '127.0.0.1:0', decision: '127.0.0.1:0'}
tick: 0.2s
"""

WORLD = """
apiVersion: tminus/v1
kind: Checklist
name: list
items:
  - {id: warm, title: Content is warm, due: T-0s, check: {primed: {policy: content, coverage: 99}}}
---
apiVersion: tminus/v1
kind: GatePolicy
name: gate
metrics: [{name: failures, candidate: {errors: errors, requests: requests}}]
slo: {percent: 4}
period: 0.5s
lag: 0.2s
no_data: {max_gap: 5s, deadline: 60s, then: hold}
---
apiVersion: tminus/v1
kind: MetricsSource
name: edges
push: {senders: [edge1]}
queries: {errors: {series: errors}, requests: {series: requests}}
---
apiVersion: tminus/v1
kind: ScalingPolicy
name: api
group:
  local:
    command: ["%(program)s", lab, origin, --listen, "{address}"]
    floor: 1
    ceiling: 3
    boot: 0.05s
    health: {path: /health, every: 1s}
    drain: 0.1s
capacity_per_instance: 2000/s
limits: {floor: 1, ceiling: 3, step: 2}
lead: 0.2s
hold_after: 2h
ramp_down: {percent: 50, every: 1s}
---
apiVersion: tminus/v1
kind: PrimingPolicy
name: content
source: {file: objects.ndjson}
poll: {every: 2s}
nodes: [{name: edge1, connect: "%(edge)s"}]
allow: ["http://content.example.com"]
coverage: 99
---
apiVersion: tminus/v1
kind: Notifier
name: room
on: [readiness, step, hold, abort, halt]
to: [{webhook: {url: "http://%(room)s/"}}]
---
apiVersion: tminus/v1
kind: Release
name: r1
app: app
version: 1.0.0
channels: [release]
launch_at: %(launch_at)s
go: auto
checklists: [list]
scaling: [api]
priming: [content]
gate: gate
rollout:
  steps: [{percent: 10, dwell: 14s}, {percent: 100, bake: 6s}]
audience:
  clients: 200
  adoption: {half_life: 0.2s, ceiling: 100}
  requests_per_client: 20
"""


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Room(Quiet):
    told = collections.Counter()
    deaf = False

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if Room.deaf:
            return self.answer(503)
        Room.told[json.loads(body)["key"]] += 1
        self.answer(200)


class Edge(Quiet):
    kept = set()
    primes = 0

    def do_GET(self):
        Edge.primes += 1
        how = "hit; ttl=600" if self.path in Edge.kept else "fwd=uri-miss; stored"
        Edge.kept.add(self.path)
        self.answer(200, [("cache-control", "max-age=600"), ("age", "0"), ("cache-status", f"edge1; {how}")], self.path.encode())


def listen(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_port}"


def stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()


class Daemon:
    def __init__(self, folder):
        self.folder, self.offset = folder, folder / "offset"
        self.set_clock(0)
        self.process = None

    def set_clock(self, seconds):
        # Replaced whole: the library may read at any instant.
        fresh = self.folder / "offset.new"
        fresh.write_text(f"{seconds:+d}\n")
        fresh.rename(self.offset)

    def start(self):
        environment = dict(
            os.environ,
            LD_PRELOAD=LIBRARY,
            FAKETIME_TIMESTAMP_FILE=str(self.offset),
            FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
            NO_COLOR="1",
        )
        log = open(self.folder / "daemon.log", "a")
        arguments = [PROGRAM, "serve", "--config", self.folder / "tminus.yaml"]
        self.process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        self.control = self.process.stdout.readline().removeprefix("control:").strip()
        self.decision = self.process.stdout.readline().removeprefix("decision:").strip()
        assert self.decision, (self.folder / "daemon.log").read_text()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.control + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or "null")

    def stand(self):
        """All that must not move while the clock is wrong."""
        status = self.ask("GET", "/api/v1/releases/r1")
        halts = self.ask("GET", "/api/v1/halts")
        registry = json.loads((self.folder / "data/groups/api.json").read_text())
        query = "/v1/decision?app=other&version=1.0.0&channel=release&client=c&force=1"
        with urllib.request.urlopen(self.decision + query, timeout=10) as answer:
            reason = json.loads(answer.read())["reason"]
        targets = sorted(json.dumps([halt.get(key) for key in ("app", "channel", "version")]) for halt in halts["halts"])
        return {"phase": status["phase"], "step": status["step"], "percent": status["percent"], "halts": targets,
                "floor": registry["floor"], "instances": len(registry["instances"]), "other": reason}

    def wait(self, what, condition, within=20):
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain: {what}; {self.stand()}"
            time.sleep(0.05)


def push(daemon, stop):
    """The edge, with the right time."""
    while not stop.wait(0.25):
        closed = (time.time() // 0.5 - 1) * 0.5
        body = {"from": "edge1", "at": stamp(closed), "counts": {"requests": 5000, "errors": 0}}
        try:
            daemon.ask("POST", "/api/v1/gates/counts/edges", body)
        except (OSError, urllib.error.URLError):
            pass  # It is being killed.


def unmoved(daemon, before, what, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = daemon.stand()
        assert now == before, f"{what}: {before} became {now}"
        time.sleep(0.1)


def main(folder):
    room, edge = listen(Room), listen(Edge)
    launch_at = time.time() + 3
    (folder / "tminus.yaml").write_text(SETTINGS)
    filled = {"program": PROGRAM, "room": room, "edge": edge, "launch_at": stamp(launch_at)}
    (folder / "world.yaml").write_text(WORLD % filled)
    lines = [json.dumps({"url": f"http://content.example.com/o{n}"}) for n in range(3)]
    (folder / "objects.ndjson").write_text("\n".join(lines) + "\n")
    daemon = Daemon(folder)
    daemon.start()
    stop = threading.Event()
    threading.Thread(target=push, args=(daemon, stop), daemon=True).start()
    try:
        play(daemon)
    finally:
        stop.set()
        instances = json.loads((folder / "data/groups/api.json").read_text())["instances"]
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait()
        for instance in instances:
            if instance.get("process"):
                os.kill(instance["process"]["pid"], signal.SIGKILL)
    subprocess.run([PROGRAM, "audit", "verify", "--data", folder / "data"], check=True)


def play(daemon):
    daemon.ask("PUT", "/api/v1/halts/other", {"reason": "before any jump"})
    daemon.wait("the launch", lambda: daemon.stand()["phase"] == "rolling")
    rolled = time.monotonic()
    daemon.wait("the floor", lambda: daemon.stand()["instances"] == daemon.stand()["floor"] == 3)
    before = daemon.stand()
    for jump in (HOUR, -HOUR, DAY, -DAY):
        daemon.set_clock(jump)
        unmoved(daemon, before, f"the clock jumped by {jump} s", 1)
        daemon.kill()
        daemon.start()
        unmoved(daemon, before, f"started with a clock that is {jump} s wrong", 0.6)
        daemon.set_clock(0)
        unmoved(daemon, before, f"the clock came back from {jump} s", 0.3)
    print(f"rolling:  unmoved over 8 jumps and 4 kills in {time.monotonic() - rolled:.1f} s")

    # Somebody who could not be told is told soon after, whatever the clock does in between.
    Room.deaf = True
    daemon.ask("PUT", "/api/v1/releases/r1/phases/hold", {"reason": "in between"})
    held = time.monotonic()
    time.sleep(0.5)
    daemon.set_clock(-HOUR)
    Room.deaf = False
    daemon.wait("the hold is told", lambda: any(":held:" in key for key in Room.told), 10)
    # What was proven in an hour that has not come yet is proven anew.
    primes = Edge.primes
    held = time.monotonic() - held
    daemon.ask("PUT", "/api/v1/releases/r1/phases/resume", {"reason": "in between"})
    daemon.wait("priming under the old clock", lambda: Edge.primes > primes, 10)
    daemon.set_clock(0)

    daemon.wait("the next step", lambda: daemon.stand()["phase"] == "baking", 40)
    took = time.monotonic() - rolled
    assert took >= 14 + held - SEEN, f"its dwell of 14 s was over after {took:.1f} s, {held:.1f} s of it held"
    print(f"rolling:  left after {took:.1f} s, its dwell is 14 s, {held:.1f} s held")

    baked, before = time.monotonic(), daemon.stand()
    daemon.set_clock(DAY)
    unmoved(daemon, before, "baking, the clock jumped by a day", 1.5)
    daemon.set_clock(0)
    daemon.wait("complete", lambda: daemon.stand()["phase"] == "complete", 30)
    took = time.monotonic() - baked
    assert took >= 6 - SEEN, f"its bake of 6 s was over after {took:.1f} s"
    print(f"baking:   complete after {took:.1f} s, its bake is 6 s")

    twice = {key: times for key, times in Room.told.items() if times > 1}
    assert not twice, f"told twice: {twice}"
    events = daemon.ask("GET", "/api/v1/events?limit=500")["events"]
    jumps = [event["message"] for event in events if event["kind"] == "clock"]
    assert len(jumps) >= 8 and any("ahead by 1d" in said for said in jumps), jumps
    print(f"told:     {len(Room.told)} announcements, each once; {len(jumps)} jumps stand in the timeline")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        path = pathlib.Path(name)
        try:
            main(path)
        except BaseException:
            print("".join((path / "daemon.log").read_text().splitlines(True)[-40:]), file=sys.stderr)
            raise
