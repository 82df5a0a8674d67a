#!/usr/bin/env python3
"""Measures the processor time that each service takes for each call, with every service in a process of its own.

    xtask/capacity.py [--bin target/release] [--media target/demo/media] [--calls 2000] [--accounts 12]
                      [--db postgres://USER@HOST/NAME --db-pid PID]

Prepares a data directory of its own from the media of a demo catalogue, starts the supervisor with the split topology, makes
accounts, and repeats one call after the other through the gateway, as many at a time as there are accounts. After each it reads
what the processes have run (/proc/PID/task/*/schedstat) and prints microseconds a call for each of them, so that the load of
other programs on the machine does not count, beyond the caches that they spoil. Idle time of the processes is measured first and
taken off. With `--db` the tables are on PostgreSQL, whose processes are the children of the one that `--db-pid` names. Prints a
table in Markdown. The figures of docs/scaling.md are its output.
"""

import argparse
import concurrent.futures
import glob
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PASSWORD = "capacity-of-a-service"


class Client:
    """One viewer on a kept connection."""

    def __init__(self, base, email):
        self.base, self.email = urllib.parse.urlsplit(base), email
        self.connection, self.token, self.grant, self.position = None, None, None, 0

    def call(self, method, path, body=None, expected=(200, 204)):
        headers = {"authorization": "Bearer " + self.token} if self.token else {}
        data = None
        if body is not None:
            data, headers["content-type"] = json.dumps(body).encode(), "application/json"
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.base.hostname, self.base.port, timeout=120)
        self.connection.request(method, path, body=data, headers=headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status == 429:
            time.sleep(float(answer.getheader("retry-after") or 1))
            return self.call(method, path, body, expected)
        if answer.status not in expected:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:300]!r}")
        return json.loads(content) if "json" in (answer.getheader("content-type") or "") else content

    def sign_in(self):
        device = {"id": "capacity-" + self.email, "name": "Meter", "platform": "test", "app_version": "1"}
        body = {"email": self.email, "password": PASSWORD, "device": device}
        token, self.token = self.token, None
        answer = self.call("POST", "/v1/sign-in", body)
        self.token, self.refresh_token = answer["tokens"]["access_token"], answer["tokens"]["refresh_token"]
        return token

    def refresh(self):
        answer = self.call("POST", "/v1/refresh", {"refresh_token": self.refresh_token})
        tokens = answer.get("tokens", answer)
        self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]

    def begin(self, title):
        self.grant = self.call("POST", "/v1/playback", {"title_id": title, "protocols": ["hls"]})

    def beat(self):
        self.position += 10_000
        self.call("POST", self.grant["heartbeat_path"], {"position_ms": self.position, "phase": "playing"})

    def stop(self):
        self.call("POST", self.grant["stop_path"], {"position_ms": self.position, "phase": "stopped"})


def processor_time(pid):
    """Returns the nanoseconds that a process has run."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(path) as file:
                total += int(file.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def children(pid):
    """Returns the processes that a process started."""
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        with open(path) as file:
            found += [int(child) for child in file.read().split()]
    return found


class Meter:
    """What each process has run."""

    def __init__(self, processes):
        self.processes, self.idle = processes, {name: 0.0 for name in processes}
        self.before, self.begun = self.now(), time.monotonic()

    def now(self):
        return {name: processor_time(pid) for name, pid in self.processes.items()}

    def start(self):
        self.before, self.begun = self.now(), time.monotonic()

    def spent(self):
        """Returns the nanoseconds since the start beyond what the process takes idle."""
        took, now = time.monotonic() - self.begun, self.now()
        return {name: max(0.0, now[name] - self.before[name] - self.idle[name] * took) for name in now}

    def measure_idle(self, seconds):
        self.start()
        time.sleep(seconds)
        self.idle = {name: (value - self.before[name]) / seconds for name, value in self.now().items()}


def repeated(pool, clients, calls, work):
    """Runs `work` so many times, each client one after the other, all clients at the same time."""
    each = -(-calls // len(clients))
    for job in [pool.submit(lambda client=client: [work(client) for _ in range(each)]) for client in clients]:
        job.result()
    return each * len(clients)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="target/release")
    parser.add_argument("--media", default="target/demo/media")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--accounts", type=int, default=12)
    parser.add_argument("--title", default="night-train-north")
    parser.add_argument("--db")
    parser.add_argument("--db-pid", type=int)
    options = parser.parse_args()
    os.chdir(ROOT)
    data = tempfile.mkdtemp(prefix="kinora-capacity-")
    supervisor = None
    try:
        os.symlink(os.path.abspath(options.media), os.path.join(data, "media"))
        program = lambda name: os.path.join(options.bin, name)
        db = ["--db", options.db] if options.db else []
        subprocess.run([program("kinora-backend"), "demo", "--data", data, "--prepare-only", *db], check=True)
        emails = [f"meter{number}@kinora.example" for number in range(options.accounts)]
        for email in emails:
            command = [program("kinora-backend"), "account", "add", "--data", data, "--email", email, *db]
            subprocess.run(command, input=PASSWORD.encode(), check=True, stdout=subprocess.DEVNULL)
        with open("mock-backend/supervisor/topologies/split.toml") as file:
            text = file.read()
        if options.db:
            given = f'"--data", "{{data}}", "--db", "{options.db}", "--service"'
            text = text.replace('"--data", "{data}", "--service"', given)
        topology = os.path.join(data, "topology.toml")
        with open(topology, "w") as file:
            file.write(text)
        supervisor = subprocess.Popen(
            [program("kinora-supervisor"), "--topology", topology, "--data", data],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        ready = next(json.loads(line) for line in supervisor.stdout if line.startswith("{"))
        measure(options, ready, emails)
    finally:
        if supervisor is not None:
            supervisor.terminate()
            supervisor.wait(60)
        shutil.rmtree(data, ignore_errors=True)


def measure(options, ready, emails):
    processes = {entry["name"]: entry["pid"] for entry in ready["services"]}
    processes["edges"] = None
    edges = [entry["pid"] for entry in ready["edges"]]
    meter = Meter({name: pid for name, pid in processes.items() if pid is not None})
    meter.now = lambda: {
        **{name: processor_time(pid) for name, pid in processes.items() if pid is not None},
        "edges": sum(processor_time(pid) for pid in edges),
        **({"database": sum(processor_time(pid) for pid in children(options.db_pid))} if options.db_pid else {}),
    }
    meter.idle = dict.fromkeys(meter.now(), 0.0)
    clients = [Client(ready["backend"], email) for email in emails]
    names = list(meter.now())
    print(f"{len(clients)} clients, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print("| call | " + " | ".join(names) + " | all, µs |")
    print("|---|" + "---|" * (len(names) + 1))
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:

        def row(label, calls, work, unit=1):
            repeated(pool, clients, min(calls, 4 * len(clients)), work)
            time.sleep(1.0)
            meter.start()
            count = repeated(pool, clients, calls, work) * unit
            # What is done after the answer, such as moving events into the log, belongs to the call.
            time.sleep(1.5)
            spent = meter.spent()
            cells = [f"{spent[name] / count / 1000:,.0f}" for name in names]
            print(f"| {label} | " + " | ".join(cells) + f" | {sum(spent.values()) / count / 1000:,.0f} |", flush=True)

        list(pool.map(Client.sign_in, clients))
        time.sleep(3.0)
        meter.measure_idle(10.0)
        title = options.title
        row("sign-in with a password", options.calls // 20, Client.sign_in)
        row("refresh of a token", options.calls // 4, Client.refresh)
        row("home", options.calls, lambda client: client.call("GET", "/v1/home"))
        row("title page", options.calls, lambda client: client.call("GET", f"/v1/titles/{title}"))
        row("search", options.calls, lambda client: client.call("GET", "/v1/search?q=nig"))
        row("grant and stop", options.calls // 2, lambda client: (client.begin(title), client.stop()))
        list(pool.map(lambda client: client.begin(title), clients))
        row("heartbeat", options.calls, Client.beat)

        def fetch(client, path):
            base = urllib.parse.urlsplit(client.grant["sources"][0]["urls"][0])
            if getattr(client, "edge", None) is None:
                client.edge = http.client.HTTPConnection(base.hostname, base.port, timeout=120)
            client.edge.request("GET", urllib.parse.urljoin(base.path, path))
            answer = client.edge.getresponse()
            content = answer.read()
            if answer.status != 200:
                raise SystemExit(f"{path}: {answer.status}")
            return content

        main_playlist = fetch(clients[0], "").decode()
        variants = re.findall(r"^[^#\n].*$", main_playlist, re.MULTILINE)
        playlist = variants[-1]
        media = fetch(clients[0], playlist).decode()
        segment = urllib.parse.urljoin(playlist, re.findall(r"^[^#\n].*$", media, re.MULTILINE)[0])
        size = len(fetch(clients[0], segment))
        row("multivariant playlist at the edge", options.calls, lambda client: fetch(client, ""))
        row(f"segment of {size:,} bytes at the edge", options.calls, lambda client: fetch(client, segment))
    for name, pid in meter.processes.items():
        with open(f"/proc/{pid}/status") as file:
            resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
        print(f"resident {name}: {resident / 1024:.0f} MB, idle {meter.idle[name] / 1e7:.2f} % of a core", file=sys.stderr)


if __name__ == "__main__":
    main()
