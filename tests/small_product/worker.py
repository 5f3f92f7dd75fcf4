"""Stands for a worker: names itself in Redis and sleeps; one has a stubborn child in a process group of its own."""

from __future__ import annotations

import os
import signal
import sys

import redis

import config
from app import embedded

if __name__ == "__main__":
    settings = embedded.resolve(config.load(os.environ))
    redis.Redis.from_url(settings.redis_url).set(f"worker:{sys.argv[1]}", os.getpid())
    if sys.argv[1] == "imports" and os.fork() == 0:
        os.setpgrp()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.pause()
    signal.pause()
