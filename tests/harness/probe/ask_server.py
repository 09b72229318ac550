"""ask_server.py nginx|redis-server: starts it in a temporary folder, asks it once, stops it, and prints all that it said."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

NGINX = """\
daemon off; worker_processes 1; pid pid; error_log stderr warn;
events {}
http {
  access_log /dev/stdout;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server { listen unix:SOCKET; location / { return 200 "answer\\n"; } }
}
"""
REDIS = ["--port", "0", "--unixsocket", "socket", "--save", "", "--daemonize", "no"]
REQUESTS = {"nginx": [b"GET / HTTP/1.0\r\n\r\n"], "redis-server": [b"SET key value\r\n", b"GET key\r\n", b"NONSENSE\r\n"]}
# Times and numbers of processes, which differ from run to run.
VARIES = [(r"Date: .*", "Date"), (r"\[\d\d/\w{3}/\d{4}:[\d: +]+\]|\d\d \w{3} \d{4} [\d:.]+|\(\d+\)", "TIME"),
          (r"(pid=|^)\d+\b", r"\1NUMBER")]


def connect(path: Path, process: subprocess.Popen[bytes]) -> socket.socket:
    while process.poll() is None:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(str(path))
            return sock
        except OSError:  # it does not listen yet
            sock.close()
    raise SystemExit(f"it ended with {process.returncode}")


def ask(name: str, path: Path, process: subprocess.Popen[bytes]) -> bytes:
    answers = b""
    with connect(path, process) as sock:
        for request in REQUESTS[name]:
            sock.sendall(request)
            answers += sock.recv(4096)
    return answers


def steady(text: str, folder: Path) -> str:
    text = text.replace(str(folder), "FOLDER")
    for pattern, instead in VARIES:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return text


def main() -> None:
    name, program = Path(sys.argv[1]).name, sys.argv[1]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "nginx.conf").write_text(NGINX.replace("SOCKET", f"{folder}/socket"))
        words = ["-p", place, "-e", "stderr", "-c", f"{folder}/nginx.conf"] if name == "nginx" else REDIS
        process = subprocess.Popen([program, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        print(steady(ask(name, folder / "socket", process).decode(), folder))
        process.send_signal(signal.SIGQUIT if name == "nginx" else signal.SIGTERM)
        for said in process.communicate():
            print(steady(said.decode(errors="replace"), folder))
        print("exit", process.returncode, "left", sorted(entry.name for entry in folder.iterdir()))


main()
