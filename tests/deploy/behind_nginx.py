"""Asks for decisions through nginx: while tminus is there, when it is gone, and on one connection that is kept.

Arguments: nginx's port, the process that serves as tminus. Ends tminus.
"""
import http.client, json, os, signal, sys, time

port, daemon = map(int, sys.argv[1:])
ASK = "/update-check?app=reader&version=2.1.0&channel=release&client="


def ask(client):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", ASK + client)
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, json.loads(answer.read())


for _ in range(100):
    try:
        status, headers, body = ask("c")
        break
    except OSError:
        time.sleep(0.1)
assert (status, body["serve"], body["version"]) == (200, True, "2.2.0"), (status, body)
assert headers["cache-control"] == "private, no-cache", headers
status, headers, _ = ask("%20")
assert status in (200, 400), status
for number in range(200):
    assert ask(str(number))[0] == 200
os.kill(daemon, signal.SIGTERM)
seen = set()
for _ in range(200):
    status, headers, body = ask("c")
    seen.add(status)
    assert status in (200, 503), status
    if status == 503:
        break
    time.sleep(0.05)
assert (status, body) == (503, {"serve": False, "version": None}), (status, body, seen)
assert headers["retry-after"] == "600" and headers["cache-control"] == "private, no-cache", headers
print("deploy: nginx: decisions go through, and without tminus everybody keeps what they have")
