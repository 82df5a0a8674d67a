#!/usr/bin/env python3
"""Walks through the desktop app under a virtual display with real keys, and takes its servers away.

    xtask/ui-walk.py [--bin target/debug] [--data target/demo] [--size 1280x720] [--pictures DIR] [PART…]

Parts: keyboard, position, window, outage, edges; all of them when none is named. Needs Xvfb, xdotool and, for pictures,
ImageMagick. Judges by the trace that KINORA_UI_TRACE writes: after every arrow and every Tab the widget with the focus
lies inside the window. Exits with 1 when a check fails. The services listen on ports that the system picks.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

EMAIL, PASSWORD = "demo@kinora.example", "demo-viewer"
# Guard against hanging; nothing here takes longer unless it is broken or the machine is very busy.
DEADLINE = 60.0


class Failed(Exception):
    """A check does not hold."""


class Stage:
    """A display, a backend, two edges, and the app in front of them."""

    def __init__(self, options):
        self.options = options
        self.processes = []
        self.work = tempfile.mkdtemp(prefix="kinora-walk-")
        self.edges, self.edge_urls, self.app, self.trace = [], [], None, None
        self.starts = 0

    def __enter__(self):
        reading, writing = os.pipe()
        screen = self.options.size + "x24"
        command = ["Xvfb", "-displayfd", str(writing), "-noreset", "-screen", "0", screen, "+extension", "GLX"]
        self.start(command, "xvfb", pass_fds=(writing,))
        os.close(writing)
        with os.fdopen(reading) as display:
            number = display.readline().strip()
        if not number:
            raise Failed("the virtual display did not start")
        self.environment = dict(os.environ, DISPLAY=":" + number, LIBGL_ALWAYS_SOFTWARE="1", KINORA_SECRETS="file")
        self.environment.pop("WAYLAND_DISPLAY", None)
        for kind in ("config", "data", "cache"):
            self.environment[f"XDG_{kind.upper()}_HOME"] = os.path.join(self.work, kind)
        # The address is known after a first start; the edges need it, and the backend needs theirs.
        self.start_backend()
        self.end(self.backend)
        self.start_edges()
        self.start_backend()
        return self

    def __exit__(self, *_):
        running = [process for process in reversed(self.processes) if process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.work, ignore_errors=True)

    def start(self, command, log, **more):
        with open(os.path.join(self.work, log + ".log"), "ab") as file:
            process = subprocess.Popen(command, stdout=more.pop("stdout", file), stderr=file, **more)
        self.processes.append(process)
        return process

    def program(self, name):
        return os.path.join(self.options.bin, name)

    def start_service(self, command, log):
        process = self.start(command, log, stdout=subprocess.PIPE)
        for line in process.stdout:
            if b"listening on " in line:
                return process, line.decode().split("listening on ")[1].strip()
        raise Failed(f"{log} did not start")

    def start_backend(self):
        port = self.url.rsplit(":", 1)[1] if hasattr(self, "url") else "0"
        database = "sqlite:" + os.path.join(self.work, "kinora.db")
        command = [self.program("kinora-backend"), "--data", self.options.data, "--db", database, "--demo"]
        command += ["--port", port, "--drain-seconds", "1"]
        for url in self.edge_urls:
            command += ["--edge", url]
        self.backend, self.url = self.start_service(command, "backend")

    def start_edges(self):
        ports = [url.rsplit(":", 1)[1] for url in self.edge_urls] or ["0", "0"]
        secret = os.path.join(self.options.data, "edge.secret")
        started = []
        for index, port in enumerate(ports):
            command = [self.program("kinora-edge"), "--origin", self.url + "/origin", "--secret-file", secret]
            command += ["--port", port, "--name", f"edge{index}", "--drain-seconds", "0"]
            started.append(self.start_service(command, f"edge{index}"))
        self.edges = [process for process, _ in started]
        self.edge_urls = [url for _, url in started]

    def end(self, process, how=signal.SIGTERM):
        process.send_signal(how)
        return process.wait(DEADLINE)

    def kill_edges(self):
        for edge in self.edges:
            self.end(edge, signal.SIGKILL)

    def open(self, is_signed_in=True):
        """Starts the app; with `is_signed_in` it signs in by itself."""
        self.starts += 1
        self.trace = os.path.join(self.work, f"trace-{self.starts}.ndjson")
        environment = dict(self.environment, KINORA_UI_TRACE=self.trace)
        for name in ("KINORA_EMAIL", "KINORA_PASSWORD", "KINORA_BACKEND"):
            environment.pop(name, None)
        if is_signed_in:
            environment.update(KINORA_EMAIL=EMAIL, KINORA_PASSWORD=PASSWORD)
        self.app = self.start([self.program("kinora"), "--backend", self.url], "app", env=environment)
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            found = self.xdotool("search", "--onlyvisible", "--name", "Kinora").split()
            if found:
                self.window = found[-1]
                self.xdotool("windowfocus", self.window)
                return
            if self.app.poll() is not None:
                break
            time.sleep(0.1)
        raise Failed("the app showed no window")

    def close(self):
        """Ends the app as the system would."""
        code = self.end(self.app)
        if code != 0:
            raise Failed(f"the app ended with {code}")

    def xdotool(self, *arguments):
        command = ["xdotool"] + [str(argument) for argument in arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout

    def screen(self):
        """Returns the newest line of the trace, or None."""
        try:
            with open(self.trace, "rb") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return None
        for line in reversed(lines):
            try:
                return json.loads(line)
            except ValueError:
                continue
        return None

    def wait(self, what, holds, patience=DEADLINE):
        until = time.monotonic() + patience
        while True:
            screen = self.screen()
            if screen and holds(screen):
                return screen
            if self.app.poll() is not None:
                raise Failed(f"the app ended with {self.app.returncode} before: {what}")
            if time.monotonic() > until:
                raise Failed(f"not seen: {what}; on screen: {describe(screen)}")
            time.sleep(0.05)

    def wait_for_page(self, name):
        return self.wait(f"the page {name}", lambda screen: screen["page"] == name)

    def wait_for(self, *words):
        return self.wait(f"{words}", lambda screen: any(word in text for text in names(screen) for word in words))

    def key(self, key):
        """Presses a key and waits until the screen has come to rest."""
        self.xdotool("key", key)
        before, still = None, 0
        for _ in range(100):
            time.sleep(0.08)
            screen = self.screen()
            still = still + 1 if screen == before else 0
            before = screen
            if still >= 3:
                break
        return before

    def move(self, *keys):
        """Presses keys that move the focus; after each the focus is inside the window as soon as the page has followed."""

        def is_inside(screen):
            if screen["focus"] is None:
                return False
            left, top, right, bottom = screen["focus"]["rect"]
            width, height = screen["window"]
            return left >= 0 and top >= 0 and right <= width and bottom <= height

        for key in keys:
            self.key(key)
            screen = self.wait(f"the focus inside the window after {key}", is_inside, patience=8)
        return screen

    def move_until(self, key, name, most=60):
        """Presses a key until the widget with a name has the focus."""
        for _ in range(most):
            focus = self.screen()["focus"]
            if focus and focus["name"].startswith(name):
                return
            self.move(key)
        raise Failed(f"{key} does not lead to {name}")

    def type(self, text):
        self.xdotool("type", "--delay", "15", text)

    def picture(self, name, pause=0.8):
        if self.options.pictures:
            # The trace is written before a frame is shown, and a page may still be scrolling.
            time.sleep(pause)
            os.makedirs(self.options.pictures, exist_ok=True)
            path = os.path.join(self.options.pictures, f"{name}.png")
            subprocess.run(["import", "-window", "root", path], env=self.environment, check=True)


def names(screen):
    return [widget["name"] for widget in screen["widgets"]]


def describe(screen):
    if not screen:
        return "nothing"
    return f"{screen['page']}, focus {screen['focus']}, {names(screen)[:24]}"


def says(screen, *words):
    return any(word in text for text in names(screen) for word in words)


def begin_film(stage):
    """Plays the longest film, found by search, and waits until it moves."""
    stage.key("slash")
    stage.type("night train")
    found = lambda screen: screen["page"] == "search" and says(screen, "Night Train North,")
    stage.wait("the film is found", found)
    stage.move_until("Down", "Night Train North")
    stage.key("Return")
    stage.wait_for_page("title")
    stage.wait("Play has the focus", lambda screen: screen["focus"] and screen["focus"]["name"] in ("Play", "Resume"))
    stage.key("Return")
    stage.wait_for_page("player")
    stage.wait_for("Pause")
    wait_until_moving(stage)


def clock(screen):
    """Returns the position that the controls show, as text."""
    texts = [text for text in names(screen) if "  /  " in text]
    return texts[0].split("  /  ")[0] if texts else None


def wait_until_moving(stage):
    """Waits until the clock of the controls goes on; the pointer keeps them there."""
    seen = set()

    def is_moving(screen):
        stage.xdotool("mousemove_relative", "--", 1 if len(seen) % 2 else -1, 0)
        seen.add(clock(screen))
        seen.discard(None)
        return len(seen) > 2

    stage.xdotool("mousemove", 300, 200)
    stage.wait("the film moves", is_moving)


def walk_by_keyboard(stage):
    stage.open(is_signed_in=False)
    stage.wait_for_page("sign-in")
    stage.wait("the e-mail field has the focus", lambda screen: screen["focus"] and "E-mail" in screen["focus"]["name"])
    stage.type(f"{EMAIL}\t{PASSWORD}")
    stage.key("Return")
    stage.wait("home or profiles", lambda screen: screen["page"] in ("home", "profiles"))
    if stage.screen()["page"] == "profiles":
        stage.wait("a profile has the focus", lambda screen: screen["focus"])
        stage.key("Return")
    stage.wait_for_page("home")
    stage.wait_for("Play", "Resume")
    stage.wait("home has a focus", lambda screen: screen["focus"])
    stage.picture("home")
    stage.move(*["Down"] * 6, *["Right"] * 4, *["Up"] * 2, "Right", *["Tab"] * 12, "Next", "Prior", "End", "Home")
    begin_film(stage)
    stage.picture("film")
    stage.key("s")
    stage.move("Down", "Down", "Up", "Tab")
    stage.key("Return")
    stage.wait("the menu is closed", lambda screen: not says(screen, "Off"))
    stage.key("Escape")
    stage.wait_for_page("title")
    stage.move("Down", "Down", "Up", "Home")
    stage.picture("title")
    stage.key("Escape")
    stage.wait_for_page("search")
    stage.key("Escape")
    stage.wait_for_page("home")
    stage.move("Home")
    stage.move_until("Up", "Kinora, home")
    stage.move_until("Right", "Settings of")
    stage.key("Return")
    stage.wait_for("Close settings")
    stage.picture("settings")
    stage.move("Down", "Right", "Tab", "Up", "End")
    stage.move_until("Tab", "Sign out")
    stage.key("Return")
    stage.wait_for_page("sign-in")
    stage.close()


def walk_position(stage):
    """The end of the process by the system stores the last position."""
    stage.open()
    stage.wait_for_page("home")
    begin_film(stage)
    stage.key("5")
    stage.wait("the middle of the film", lambda screen: (clock(screen) or "").startswith("5:"))
    wait_until_moving(stage)
    stage.close()
    stage.open()
    stage.wait_for("5 min left")
    stage.picture("resume")
    stage.close()


def walk_window(stage):
    """The window comes back where it was."""
    stage.open()
    stage.wait_for_page("home")
    wanted = {"WIDTH": "900", "HEIGHT": "560", "X": "60", "Y": "40"}
    stage.xdotool("windowsize", "--sync", stage.window, wanted["WIDTH"], wanted["HEIGHT"])
    stage.xdotool("windowmove", "--sync", stage.window, wanted["X"], wanted["Y"])
    stage.wait("the new size", lambda screen: screen["window"] == [900, 560])
    time.sleep(2)
    stage.close()
    stage.open()
    stage.wait_for_page("home")
    lines = stage.xdotool("getwindowgeometry", "--shell", stage.window).splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    found = {name: found.get(name) for name in wanted}
    if found != wanted:
        raise Failed(f"the window is at {found}, not {wanted}")
    stage.xdotool("windowsize", "--sync", stage.window, *stage.options.size.split("x"))
    stage.xdotool("windowmove", "--sync", stage.window, 0, 0)
    time.sleep(2)
    stage.close()


def after(stage, name, seconds, since):
    time.sleep(max(0.0, since + seconds - time.monotonic()))
    stage.picture(f"{name}-{seconds}s", pause=0)
    return stage.screen()


def walk_outage(stage):
    """The backend is killed on home, during a film and before a start."""
    stage.open()
    stage.wait_for_page("home")
    stage.wait_for("Play", "Resume")
    # Posters come and are kept.
    time.sleep(3)
    stage.end(stage.backend, signal.SIGKILL)
    since = time.monotonic()
    for seconds in (1, 4, 15):
        screen = after(stage, "home-without-backend", seconds, since)
        if not says(screen, "Play", "Resume"):
            raise Failed(f"home is gone {seconds} s after the backend: {describe(screen)}")
    stage.wait_for("Offline")
    stage.start_backend()
    stage.wait("the banner goes by itself", lambda screen: not says(screen, "Offline"))
    begin_film(stage)
    stage.end(stage.backend, signal.SIGKILL)
    since = time.monotonic()
    for seconds in (1, 4, 15):
        screen = after(stage, "film-without-backend", seconds, since)
        if screen["page"] != "player" or says(screen, "Try again"):
            raise Failed(f"the film is disturbed {seconds} s after the backend: {describe(screen)}")
    stage.key("Escape")
    stage.wait_for("Offline")
    stage.close()
    stage.open(is_signed_in=False)
    since = time.monotonic()
    for seconds in (1, 4, 15):
        screen = after(stage, "start-without-backend", seconds, since)
        if screen and screen["page"] == "sign-in":
            raise Failed(f"offline counts as signed out {seconds} s after the start: {describe(screen)}")
    stage.wait_for("Offline")
    stage.wait_for("Play", "Resume")
    stage.start_backend()
    stage.wait("all comes back by itself", lambda screen: not says(screen, "Offline") and screen["page"] == "home")
    stage.close()


def walk_edges(stage):
    """Both edges are killed at a seek."""
    stage.open()
    stage.wait_for_page("home")
    begin_film(stage)
    stage.kill_edges()
    stage.key("5")
    since = time.monotonic()
    after(stage, "seek-without-edges", 1, since)
    screen = after(stage, "seek-without-edges", 4, since)
    if not says(screen, "reach", "answer", "server"):
        raise Failed(f"no word of what is wrong after 4 s: {describe(screen)}")
    screen = after(stage, "seek-without-edges", 15, since)
    if not says(screen, "Cancel", "Try again"):
        raise Failed(f"no way out after 15 s: {describe(screen)}")
    stage.start_edges()
    wait_until_moving(stage)
    stage.wait("the middle of the film", lambda screen: (clock(screen) or "").startswith("5:"))
    stage.close()


PARTS = {
    "keyboard": walk_by_keyboard,
    "position": walk_position,
    "window": walk_window,
    "outage": walk_outage,
    "edges": walk_edges,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="target/debug", help="folder of the programs")
    parser.add_argument("--data", default="target/demo", help="data directory with the demo catalogue")
    parser.add_argument("--size", default="1280x720", help="size of the screen in pixels")
    parser.add_argument("--pictures", help="folder for pictures of the screens")
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []], help="one of " + ", ".join(PARTS))
    options = parser.parse_args()
    failures = 0
    for name in options.parts or PARTS:
        with Stage(options) as stage:
            try:
                PARTS[name](stage)
                print(f"{name}: passed", flush=True)
            except Failed as failure:
                failures += 1
                stage.picture(f"failed-{name}")
                print(f"{name}: FAILED: {failure}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
