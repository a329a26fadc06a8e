"""Runs inside the namespaces of tests/long/systemd, beside a real systemd, and looks at what the unit does there."""
import asyncio, os, pathlib, signal, subprocess, sys, time, urllib.request

ASK = "/v1/decision?app=reader&version=2.1.0&channel=release&client=c&force=1"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def show(name):
    return run("systemctl", "show", "tminus", "--value", "-p", name)


def decide():
    return urllib.request.urlopen("http://127.0.0.1:8018" + ASK, timeout=10).read().decode()


def until(what, holds, within=30):
    deadline = time.time() + within
    while True:
        try:
            if holds():
                return
        except OSError:
            pass
        if time.time() > deadline:
            sys.exit(f"systemd: never: {what}")
        time.sleep(0.1)


def say(text):
    print(f"systemd: {text}", flush=True)


async def client(every, keep, stop, tally):
    """Asks until told to stop; a request that is sent and not answered is a failure, whoever closed."""
    stream = None
    while not stop.is_set():
        begun = time.monotonic()
        try:
            if stream is not None and stream[0].at_eof():
                tally["closed"] += 1
                stream = None
            if stream is None:
                stream = await asyncio.open_connection("127.0.0.1", 8018)
            reader, writer = stream
            writer.write(f"GET {ASK} HTTP/1.1\r\nhost: t\r\n{'' if keep else 'connection: close' + chr(13) + chr(10)}\r\n".encode())
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode().lower()
            length = int(head.split("content-length: ")[1].split("\r")[0])
            await asyncio.wait_for(reader.readexactly(length), 10)
            assert head.startswith("http/1.1 200"), head
            tally["answered"] += 1
            tally["longest"] = max(tally["longest"], time.monotonic() - begun)
            if "connection: close" in head:
                writer.close()
                stream = None
        except (OSError, EOFError, AssertionError, asyncio.TimeoutError) as error:
            tally["failed"].append(repr(error))
            stream = None
        await asyncio.sleep(max(0, every - (time.monotonic() - begun)))


async def restarts(times):
    stop, tally = asyncio.Event(), {"answered": 0, "failed": [], "closed": 0, "longest": 0.0}
    clients = [client(0.1, True, stop, tally) for _ in range(70)] + [client(0.1, False, stop, tally) for _ in range(45)]
    working = [asyncio.create_task(one) for one in clients]
    begun = time.monotonic()
    for _ in range(times):
        await asyncio.sleep(1)
        restart = await asyncio.create_subprocess_exec("systemctl", "restart", "tminus")
        assert await restart.wait() == 0
    await asyncio.sleep(1)
    took = time.monotonic() - begun
    stop.set()
    await asyncio.gather(*working)
    return tally, took


def main():
    until("it is active", lambda: run("systemctl", "is-active", "tminus") == "active")
    assert show("Result") == "success", show("Result")
    pid = int(show("MainPID"))
    status = dict(line.split(":\t") for line in open(f"/proc/{pid}/status") if ":\t" in line)
    found = {name: status[name].strip() for name in ["NoNewPrivs", "Seccomp", "CapEff", "Uid"]}
    assert (found["NoNewPrivs"], found["Seccomp"], int(found["CapEff"], 16)) == ("1", "2", 0), found
    assert "0" not in found["Uid"].split(), found
    assert show("StatusText").startswith("no release is ahead"), show("StatusText")
    say(f"ready under the unit's restrictions, status {show('StatusText')!r}")

    group = pathlib.Path(f"/sys/fs/cgroup{show('ControlGroup')}/cgroup.procs")
    instances = lambda: {pid for pid in group.read_text().split() if "serve_forever" in pathlib.Path(f"/proc/{pid}/cmdline").read_text()}
    until("an instance of the local group", lambda: len(instances()) == 1)
    before = instances()

    tally, took = asyncio.run(restarts(5))
    assert not tally["failed"], (len(tally["failed"]), tally["failed"][:3])
    say(f"5 x systemctl restart: {tally['answered']} answered in {took:.1f} s ({tally['answered'] / took:.0f}/s), 0 failed, "
        f"{tally['closed']} closed while idle, longest wait {tally['longest'] * 1e3:.0f} ms")
    assert instances() == before, (before, instances())
    say("the instance of the local group lived through all of them")

    until("2.2.0 is offered", lambda: '"2.2.0"' in decide())
    launch = pathlib.Path("/etc/tminus/releases/launch.yaml")
    good = launch.read_text()
    launch.write_text(good.replace("version: 2.2.0", "version: 2.2.1"))
    run("systemctl", "reload", "tminus")
    until("the reload is in force", lambda: '"2.2.1"' in decide())
    launch.write_text(good.replace("version: 2.2.0", "verison: 2.2.0"))
    run("systemctl", "reload", "tminus")
    until("the status says so", lambda: "older ones are in force" in show("StatusText"))
    assert '"2.2.1"' in decide()
    launch.write_text(good)
    run("systemctl", "reload", "tminus")
    until("it is as it was", lambda: '"2.2.0"' in decide())
    say("reload: good documents in force, bad ones refused and said so, active all the time")

    pathlib.Path("/run/tminus/HALT").touch()
    until("everything is halted", lambda: '"halt"' in decide())
    until("the command was told", lambda: os.path.exists("/var/lib/tminus/told"))
    run("systemctl", "restart", "tminus")
    assert '"halt"' in decide(), "the halt file is still there after a restart"
    os.unlink("/run/tminus/HALT")
    until("the halt is over", lambda: '"halt"' not in decide())
    say("the halt file halts, outlives a restart, and a command was told")

    pid = int(show("MainPID"))
    os.kill(pid, signal.SIGKILL)
    assert '"2.2.0"' in decide(), "a request after a kill waits for the next process"
    assert int(show("NRestarts")) == 1, show("NRestarts")
    pid = int(show("MainPID"))
    begun = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    until("the watchdog acted", lambda: int(show("NRestarts")) == 2)
    assert '"2.2.0"' in decide()
    say(f"SIGKILL: back by itself; SIGSTOP: killed by the watchdog and back after {time.monotonic() - begun:.1f} s (of 5 s and RestartSec)")

    run("systemctl", "stop", "tminus-control.socket", "tminus-decision.socket", "tminus.service")
    assert show("Result") == "success" and instances() == before, show("Result")
    say("stopped cleanly; the instance lives on")


main()
