"""Rules and board name only metrics that there are, and lead to a runbook that has a place for each alert.

Argument: where to write the board's expressions as a rule file, so that promtool parses them.
"""
import json, re, sys

rules = open("deploy/prometheus/tminus.rules.yaml").read()
tests = open("deploy/prometheus/tminus.rules.test.yaml").read()
runbook = open("docs/RUNBOOK.md").read()
page = open("docs/METRICS.md").read()
table = dict(re.findall(r"^\| `(tminus_\w+)` \| (\w+) \|", page, re.M))
faults = []


def known(where, text):
    for name in re.findall(r"\btminus_[a-z0-9_]+\b", text):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        if name not in table and table.get(base) != "histogram":
            faults.append(f"{where} names {name}, which docs/METRICS.md does not have")


known("tminus.rules.yaml", rules)
known("tminus.rules.test.yaml", tests)
alerts = re.split(r"^ *- alert: ", rules, flags=re.M)[1:]
for alert in alerts:
    name = alert.splitlines()[0].strip()
    if not re.search(r"severity: (page|ticket)", alert):
        faults.append(f"{name} has no severity")
    for key in ["summary", "description", "runbook_url"]:
        if f"{key}:" not in alert:
            faults.append(f"{name} has no {key}")
    place = re.search(r"runbook_url: docs/RUNBOOK.md#(\w+)", alert)
    if place and not re.search(rf"^### {place.group(1)}$", runbook, re.M | re.I):
        faults.append(f"docs/RUNBOOK.md has no section for {name}")
    if name not in tests:
        faults.append(f"{name} has no case in tminus.rules.test.yaml")

board = json.load(open("deploy/grafana/tminus.json"))
panels = board["panels"]
ids = [panel["id"] for panel in panels]
if len(ids) != len(set(ids)):
    faults.append(f"panel ids are there twice: {ids}")
taken = set()
for panel in panels:
    at = panel["gridPos"]
    cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
    if cells & taken or at["x"] + at["w"] > 24:
        faults.append(f"panel {panel['title']} lies over another or beyond the edge")
    taken |= cells
    if panel["type"] != "row" and not (panel.get("targets") and panel.get("description")):
        faults.append(f"panel {panel['title']} asks nothing or says nothing")
expressions = [target["expr"] for panel in panels for target in panel.get("targets", [])]
expressions += [note["expr"] for note in board["annotations"]["list"] if "expr" in note]
plain = [text.replace("$__rate_interval", "5m").replace("$release", ".*") for text in expressions]
for text in plain:
    known("tminus.json", text)
unseen = sorted(set(table) - {name for text in [*plain, rules] for name in re.findall(r"tminus_[a-z0-9_]+", re.sub(r"_bucket\b", "", text))})
if unseen:
    faults.append(f"metrics that neither alert nor board shows: {unseen}")
with open(sys.argv[1], "w") as file:
    file.write("groups:\n  - name: board\n    rules:\n")
    for number, text in enumerate(plain):
        file.write(f"      - {{record: board:{number}, expr: {json.dumps(text)}}}\n")
if faults:
    sys.exit("watched: " + "\n         ".join(faults))
print(f"deploy: {len(alerts)} alerts and {len(expressions)} expressions on {len(panels)} panels name {len(table)} metrics, none unknown")
