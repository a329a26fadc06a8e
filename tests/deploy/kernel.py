"""Runs the daemon under strace through what it does, and compares its system calls and sockets with what the unit allows.

Arguments: the binary, a folder to work in, the unit. Reads SystemCallFilter= and RestrictAddressFamilies= as systemd does:
the first filter lists what is allowed, the later ones with ~ take away. A call that is not allowed gets EPERM, which the
daemon would notice in the middle of a launch; so it must never make one. It runs as nobody, since SQLite does more as root.
"""
import http.server, json, os, pathlib, re, shutil, signal, subprocess, sys, threading, time, urllib.request

binary, folder, unit = sys.argv[1:]
work = os.path.join(folder, "kernel")
os.mkdir(work)


def group(name, seen=()):
    """A filter group of systemd, with the groups in it."""
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True).stdout
    calls = set()
    for line in text.splitlines()[1:]:
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        calls |= group(word, (*seen, name)) if word.startswith("@") and word not in seen else {word}
    return calls


def allowed():
    lines = [line.split("=", 1)[1].strip() for line in open(unit) if line.startswith("SystemCallFilter=")]
    calls = set()
    for line in lines:
        names = set().union(*(group(word) if word.startswith("@") else {word} for word in line.lstrip("~").split()))
        calls = calls - names if line.startswith("~") else calls | names
    return calls


# A web server for checks and webhooks, by name, so that name services are asked as well.
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.do_GET()

    def log_message(self, *_):
        pass


web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=web.serve_forever, daemon=True).start()
at = f"http://localhost:{web.server_port}"
open(f"{work}/tminus.yaml", "w").write(
    "apiVersion: tminus/v1\nkind: Settings\nname: t\ndata: data\ndocuments: [launch.yaml]\ntick: 0.5s\nhalt_file: HALT\n"
)
launch = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
open(f"{work}/objects.ndjson", "w").write(json.dumps({"url": f"{at}/object", "size": 0}) + "\n")
open(f"{work}/launch.yaml", "w").write(f"""apiVersion: tminus/v1
kind: Release
name: r
app: reader
version: 2.3.0
channels: [release]
launch_at: "{launch}"
checklists: [c]
priming: [p]
rollout: {{steps: [{{percent: 100, bake: 1h}}]}}
---
apiVersion: tminus/v1
kind: Checklist
name: c
items:
  - {{id: api, title: The API answers, owner: a, due: T-1m, check: {{http: {{url: "{at}/", status: 200, within: 2s}}}}}}
  - {{id: true, title: A command says yes, owner: a, due: T-1m, check: {{command: {{run: ["/bin/true"]}}}}}}
---
apiVersion: tminus/v1
kind: PrimingPolicy
name: p
source: {{file: objects.ndjson}}
nodes: [{{name: n, connect: "127.0.0.1:{web.server_port}"}}]
allow: ["{at}"]
origin: {{requests_per_second: 10, in_flight: 2}}
---
apiVersion: tminus/v1
kind: MetricsSource
name: m
prometheus: {{url: "{at}"}}
queries: {{requests: {{promql: "up"}}}}
---
apiVersion: tminus/v1
kind: ThrottlePolicy
name: t
rules: []
lift: {{roles: [release], count: 1}}
---
apiVersion: tminus/v1
kind: Notifier
name: n
on: [readiness, halt]
to: [{{webhook: {{url: "{at}/hook"}}}}, {{command: [sh, -c, "cat > told"]}}]
""")
trace = f"{work}/trace"
# Nobody may not read our target folder.
shutil.copy(binary, f"{work}/tminus")
binary = f"{work}/tminus"
nobody = []
if os.getuid() == 0:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    for path in [work, *map(str, pathlib.Path(work).iterdir())]:
        os.chown(path, 65534, 65534)
daemon = subprocess.Popen(
    # The pid of strace is not the daemon's: -D keeps the daemon our child.
    [*nobody, "strace", "-D", "-f", "-qq", "-s", "0", "-o", trace, binary, "serve", "--config", f"{work}/tminus.yaml",
     "--control", "127.0.0.1:0", "--decision", "127.0.0.1:0"],
    cwd=work, stdout=subprocess.PIPE, stderr=open(f"{work}/log", "w"), text=True)
try:
    control = daemon.stdout.readline().split(" ")[-1].strip()
    decision = daemon.stdout.readline().split(" ")[-1].strip()
    if not decision:
        sys.exit("kernel: the daemon did not start: " + open(f"{work}/log").read())
    ask = lambda: urllib.request.urlopen(decision + "/v1/decision?app=reader&version=2.2.0&channel=release&client=c", timeout=10).read()
    verb = lambda *arguments: subprocess.run([binary, *arguments, "--server", control], check=True, capture_output=True)
    ask()
    verb("throttle", "halt", "reader", "--reason", "rehearsal")
    open(f"{work}/HALT", "w").close()
    deadline = time.time() + 60
    while not os.path.exists(f"{work}/told") and time.time() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    ask()
    verb("status")
    urllib.request.urlopen(control + "/metrics", timeout=10).read()
finally:
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(60)
if not os.path.exists(f"{work}/told"):
    sys.exit("kernel: the notifier's command never ran: " + open(f"{work}/log").read()[-3000:])

text = open(trace, errors="replace").read()
calls = set(re.findall(r"^\d+ +([a-z][a-z0-9_]*)\(", text, re.M))
families = set(re.findall(r"^\d+ +socket\((AF_[A-Z0-9]+)", text, re.M))
words = next(line.split("=", 1)[1].split() for line in open(unit) if line.startswith("RestrictAddressFamilies="))
refused = sorted(calls - allowed())
# glibc asks netlink which address families the host has, and takes a refusal for "all of them".
unknown = sorted(families - set(words) - {"AF_NETLINK"})
if refused or unknown or len(calls) < 40:
    sys.exit(f"kernel: the unit refuses what the daemon does: calls {refused}, sockets {unknown} (of {len(calls)} calls)")
print(f"deploy: {len(calls)} different system calls, sockets {' '.join(sorted(families))}: the unit allows what is needed")
