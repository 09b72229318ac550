"""Watches each program of table.py and judges what was found: watch.py TRIREME PYTHON [PART OF A NAME]...

Ends with 1 when something was found that table.py does not know, or was not found that it wants. Programs whose server is
not installed are skipped, with the reason.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import servers
from table import TABLE, Watched

LIMIT = 900  # seconds for one program
STOPPED = 128 + signal.SIGTERM  # what a server may end with that was told to


@dataclass
class Seen:
    exit_code: int
    findings: list[dict[str, object]]
    suppressed: int
    text: str


def ask(port: int, rounds: int = 20) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(rounds):
        connection.request("GET", "/")
        if connection.getresponse().read() != b"ok":
            raise RuntimeError(f"a server at port {port} gave a wrong answer")
    connection.close()


def use(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Eight clients beside each other; then it is told to stop."""
    servers.wait_until(lambda: servers.answers(port), process, log)
    clients = [threading.Thread(target=ask, args=(port,)) for _ in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    process.terminate()


def watch(trireme: str, python: str, watched: Watched, environment: dict[str, str]) -> Seen:
    port = servers.free_port()
    words = [word.replace("PORT", str(port)) for word in watched.words]
    with servers.folder() as home:
        log, report = home / "log", home / "results.json"
        command = [trireme, "watch", "--error-exitcode", "0", "--report", f"json={report}", "--", python, *words]
        with log.open("wb") as out, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=home,
                                                     env=servers.environment(environment)) as process:
            try:
                if watched.serves:
                    use(process, port, log)
                process.wait(LIMIT)
            finally:
                process.terminate()
        text = log.read_text(errors="replace")
        results = json.loads(report.read_text()) if report.exists() else {"cells": []}
        findings = [finding for cell in results["cells"] for finding in cell["findings"]]
        suppressed = re.search(r"^trireme: (\d+) findings? suppressed$", text, re.MULTILINE)
        return Seen(process.returncode, findings, int(suppressed[1]) if suppressed else 0, text)


def judge(watched: Watched, seen: Seen) -> str:
    """What is wrong, or ""."""
    if seen.exit_code not in ((0, STOPPED) if watched.serves else (0,)):
        return f"exited {seen.exit_code}"
    for unseen in re.findall(r"^trireme: unknown: (.*)$", seen.text, re.MULTILINE):
        if not (watched.unseen and re.fullmatch(watched.unseen, unseen)):
            return str(unseen)
    hard = [str(finding["kind"]) for finding in seen.findings if not finding["advisory"]]
    if hard != ([watched.wants] if watched.wants else []):
        return f"found {', '.join(hard) or 'nothing'}, wanted {watched.wants or 'nothing'}"
    unknown = {str(finding["kind"]) for finding in seen.findings if finding["advisory"]} - set(watched.known)
    return f"nobody knows why: {', '.join(unknown)}" if unknown else ""


def describe(watched: Watched, seen: Seen) -> str:
    parts = []
    for (kind, advisory), count in Counter((str(one["kind"]), bool(one["advisory"])) for one in seen.findings).items():
        why = f" ({watched.known[kind]})" if advisory and kind in watched.known else ""
        parts.append(f"{count} {'advisory ' if advisory else ''}{kind}{why}")
    if seen.suppressed:
        parts.append(f"{seen.suppressed} suppressed")
    return ", ".join(parts) or "none"


def row(name: str, runtime: str, verdict: str, found: str) -> None:
    print(f"{name:28} {runtime:9} {verdict:10} {found}", flush=True)


def main() -> int:
    trireme, python, *parts = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(STOPPED))  # the servers are stopped on the way out
    chosen = [one for one in TABLE if not parts or any(part in f"{one.name} {one.runtime}" for part in parts)]
    counts: Counter[str] = Counter()
    missing: dict[str, str] = {}
    environment: dict[str, str] = {}
    row("program", "runtime", "verdict", "findings")
    with contextlib.ExitStack() as started:
        for need in sorted({need for one in chosen for need in one.needs}):
            try:
                environment |= started.enter_context(getattr(servers, need)())
            except servers.MissingServer as error:
                missing[need] = str(error)
        for one in chosen:
            absent = [missing[need] for need in one.needs if need in missing]
            if absent:
                row(one.name, one.runtime, "skipped", absent[0])
                counts["skipped"] += 1
                continue
            seen = watch(trireme, python, one, environment)
            wrong = judge(one, seen)
            row(one.name, one.runtime, "FAILED" if wrong else "passed", wrong or describe(one, seen))
            counts["failed" if wrong else "passed"] += 1
            if wrong:
                with tempfile.NamedTemporaryFile("w", prefix="trireme-real-", suffix=".txt", delete=False) as kept:
                    kept.write(seen.text)
                print(f"  what it said: {kept.name}", flush=True)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
