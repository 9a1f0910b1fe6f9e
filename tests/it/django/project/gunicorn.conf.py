"""Exits with the test that started it, however the test ends."""

import os
import signal
import sys
import threading

bind = "127.0.0.1:0"
control_socket_disable = True
keepalive = 60


def when_ready(_server):
    def wait():
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=wait, daemon=True).start()
