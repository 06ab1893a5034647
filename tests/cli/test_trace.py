"""`pyagent trace` on the journal of a real run: a real command, a real server, a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyagent.event import Event
from pyagent.store.db import Store

TASKS = [{"id": "one", "prompt": "first secret"}, {"id": "deep/two", "prompt": "second secret"}]
STUB = Path(__file__).parents[1] / "servers" / "stub.py"
