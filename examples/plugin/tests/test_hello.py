"""The plugin keeps the promises that PyAgent relies on."""

from __future__ import annotations

from dataclasses import replace

import pyagent_hello

from pyagent.engine.base import EngineOptions
from pyagent.testing import engine_contract, job, load_plugins, step_contract


def test_the_engine_keeps_its_contract() -> None:
    host = load_plugins(hello=pyagent_hello)
    reply = engine_contract(host.open_engine(host.model("parrot"), EngineOptions()))
    assert reply.choices[0].text == "Say hello."


def test_the_step_keeps_its_contract_and_is_loud_when_asked() -> None:
    (step,) = load_plugins(hello=pyagent_hello).steps()
    assert step_contract(step).output == "ok"
    loud = job()
    loud = replace(loud, task=replace(loud.task, meta={"loud": True}))
    assert step_contract(step, loud).output == "OK"


def test_the_greeting_is_a_setting() -> None:
    host = load_plugins({"plugins.hello.greeting": "Ahoy"}, hello=pyagent_hello)
    assert host.plugin_settings("hello") == {"greeting": "Ahoy"}
