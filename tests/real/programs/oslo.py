"""oslo.py PART MODEL: what an OpenStack service is made of.

PART: log (eight threads of the program and four native ones write log records), fake and rabbit (a server of remote calls
and eight callers), service (two worker processes that are told to stop); MODEL: threads, eventlet.
"""

import sys

part, model = sys.argv[1:]
if model == "eventlet":
    import eventlet
    eventlet.monkey_patch()

import os
import signal
import threading
import time

from oslo_config import cfg
from oslo_log import log

conf = cfg.CONF
failures = []
threading.excepthook = lambda failure: (failures.append(failure), sys.__excepthook__(*failure[:3]))
log.register_options(conf)
conf(["--log-file", os.devnull], project="real")
log.setup(conf, "real")
logger = log.getLogger("real")


def run_beside(function, count):
    threads = [threading.Thread(target=function, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads


def write_records(number):
    for count in range(200):
        logger.warning("record %d of %d", count, number)


def write_log():
    threads = run_beside(write_records, 8)
    if model == "eventlet":
        from eventlet import tpool
        threads += [eventlet.spawn(tpool.execute, write_records, 100 + number) for number in range(4)]
    for thread in threads:
        thread.join() if hasattr(thread, "join") else thread.wait()


def call_remotely():
    import oslo_messaging

    class Endpoint:
        def add(self, context, one, other):
            time.sleep(0.001)
            return one + other

    transport = oslo_messaging.get_rpc_transport(conf, os.environ["RABBIT_URL"] if part == "rabbit" else "fake://")
    target = oslo_messaging.Target(topic="numbers", server="here")
    executor = "eventlet" if model == "eventlet" else "threading"
    server = oslo_messaging.get_rpc_server(transport, target, [Endpoint()], executor=executor)
    server.start()
    client = oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="numbers"))

    def call(number):
        for count in range(10):
            assert client.call({}, "add", one=number, other=count) == number + count

    for thread in run_beside(call, 8):
        thread.join()
    server.stop()
    server.wait()
    transport.cleanup()


def run_service():
    from oslo_service import backend
    if model == "threads":
        backend.init_backend(backend.BackendType.THREADING)
    from oslo_service import service

    class Service(service.Service):
        def start(self):
            super().start()
            self.tg.add_timer(0.05, self.work)

        def work(self):
            logger.warning("works in %d", os.getpid())

    launcher = service.launch(conf, Service(), workers=2)
    stop = threading.Timer(2, os.kill, (os.getpid(), signal.SIGTERM))
    stop.start()
    launcher.wait()


if __name__ == "__main__":
    {"log": write_log, "fake": call_remotely, "rabbit": call_remotely, "service": run_service}[part]()
    print("failed" if failures else "done")
    sys.exit(1 if failures else 0)
