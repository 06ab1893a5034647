"""Plugins are real modules here: written to a folder with entry-point metadata, found as installed ones are."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from pyagent.errors import ConfigError, PluginError, UsageError
from pyagent.event import Event
from pyagent.host import hookspecs
from pyagent.host.app import App
from pyagent.host.plugins import HOOKS, Plugins, installed


class Site:
    """A folder on sys.path into which plugins are installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, source: str, dist: str | None = None) -> None:
        dist = dist or f"dist-{name}"
        module = f"{dist.replace('-', '_')}_module"
        (self.folder / f"{module}.py").write_text("from pyagent.plugin import *\n" + textwrap.dedent(source))
        info = self.folder / f"{dist.replace('-', '_')}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n")
        with (info / "entry_points.txt").open("a") as file:
            file.write(f"[pyagent]\n{name} = {module}\n")

    def sources(self) -> list[object]:
        return [source for source in installed() if not source.bundled]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield Site(folder)
    for name in [name for name in sys.modules if name.endswith("_module")]:
        del sys.modules[name]


def states(plugins: Plugins) -> dict[str, str]:
    return {plugin.name: plugin.state for plugin in plugins.all if not plugin.source.bundled}


def reason(plugins: Plugins, name: str) -> str:
    plugin = plugins.get(name)
    assert plugin is not None
    return plugin.reason


GOOD = """
@hookimpl
def pyagent_commands():
    return [Command("{name}", "x:app", "Help.")]
"""


def test_a_blocked_plugin_is_never_imported(site: Site) -> None:
    site.install("wild", "raise RuntimeError('imported')")
    site.install("good", GOOD.format(name="good"))
    plugins = Plugins(block=["wild"])
    assert states(plugins) == {"good": "ok", "wild": "blocked"}
    assert "dist_wild_module" not in sys.modules
    assert states(Plugins(only=["good"])) == {"good": "ok", "wild": "blocked"}
    assert [plugin.name for plugin in Plugins(only=[]).loaded] == []
    assert "dist_wild_module" not in sys.modules


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import nowhere_to_be_found", "cannot be imported: ModuleNotFoundError"),
        ("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
        ("def broken(:", "cannot be imported: SyntaxError"),
        ("@hookimpl\ndef pyagent_comands():\n    return []", "did you mean pyagent_commands?"),
        ("def pyagent_commands():\n    return []", "pyagent_commands is not marked with @hookimpl"),
        ("@hookimpl\nasync def pyagent_commands():\n    return []", "is async, and hooks are synchronous"),
        ("@hookimpl\ndef pyagent_steps(job):\n    return []", "job"),
        ("PYAGENT_API = 'one'", "PYAGENT_API is 'one'"),
        ("PYAGENT_API = 99", "needs plugin API 99, and this PyAgent has 1"),
        ("@hookimpl\ndef pyagent_commands():\n    return ['x']", "gave 'x', which is no Command"),
        ("@hookimpl\ndef pyagent_commands():\n    raise KeyError('x')", "pyagent_commands raised KeyError"),
        ("@hookimpl(wrapper=True)\ndef pyagent_commands():\n    return (yield)", "is a wrapper"),
    ],
)
def test_a_broken_plugin_is_named_and_the_rest_goes_on(site: Site, source: str, says: str) -> None:
    site.install("bad", source)
    site.install("good", GOOD.format(name="good"))
    plugins = Plugins()
    assert states(plugins) == {"bad": "broken", "good": "ok"}
    assert says in reason(plugins, "bad")
    assert "good" in [command.name for command in plugins.commands()]


def test_a_name_is_given_once(site: Site) -> None:
    site.install("same", GOOD.format(name="one"), dist="dist-a")
    site.install("same", GOOD.format(name="two"), dist="dist-b")
    plugins = Plugins()
    broken = [plugin for plugin in plugins.all if plugin.state == "broken"]
    assert [plugin.source.dist for plugin in broken] == ["dist-b"]
    assert "the name is taken by dist-a" in broken[0].reason
    assert "one" in [command.name for command in plugins.commands()]


def test_the_same_command_twice_names_both_plugins(site: Site) -> None:
    site.install("first", GOOD.format(name="deploy"))
    site.install("second", GOOD.format(name="deploy"))
    site.install("thief", GOOD.format(name="config"))
    site.install("verbs", "@hookimpl\ndef pyagent_commands():\n    yield Command('x', 'y:z', '', 'config')")
    site.install("verbz", "@hookimpl\ndef pyagent_commands():\n    yield Command('x', 'y:z', '', 'config')")
    plugins = Plugins(core=["config"])
    assert states(plugins) == {
        "first": "ok", "second": "broken", "thief": "broken", "verbs": "ok", "verbz": "broken"
    }  # fmt: skip
    assert reason(plugins, "second") == "its command `deploy` belongs to the plugin first"
    assert reason(plugins, "thief") == "its command `config` belongs to the core"
    assert reason(plugins, "verbz") == "its command `config x` belongs to the plugin verbs"


def test_no_plugin_takes_a_bundled_ones_command(site: Site) -> None:
    site.install("aaa", GOOD.format(name="swarm"))
    plugins = Plugins()
    assert reason(plugins, "aaa") == "its command `swarm` belongs to the plugin swarm"


STEP = """
class Layer:
    name, order = "{step}", {order}
    async def __call__(self, job, proceed):
        return await proceed(job)

@hookimpl
def pyagent_steps(context):
    return [Layer()]
"""


def test_steps_are_flat_and_in_order_and_a_name_is_given_once(site: Site) -> None:
    site.install("b", STEP.format(step="late", order=45))
    site.install("c", STEP.format(step="early", order=5))
    app = App()
    ours = [(name, step.name) for name, step in app.plugin_steps() if name in ("b", "c")]
    assert ours == [("c", "early"), ("b", "late")]
    site.install("d", STEP.format(step="late", order=9))
    with pytest.raises(PluginError) as caught:
        App().steps()
    assert "the plugin d is broken: its step 'late' is already given by the plugin b" in str(caught.value)
    assert caught.value.exit_code == 78
    assert "block" in caught.value.hint


@pytest.mark.parametrize(
    ("hook", "body", "noun"),
    [
        ("pyagent_engines", "EngineKind('{}', lambda model, options: None)", "engine"),
        ("pyagent_models", "Model('{}')", "model"),
        ("pyagent_tools", "Tool(ToolSpec('{}', '', {{}}), None)", "tool"),
        ("pyagent_checks", "Check('{}', lambda: ('ok', '', ''))", "check"),
        ("pyagent_reports", "Reporter('{}', lambda rows: '')", "format"),
        ("pyagent_jobs", "ScheduledJob('{}', (), 'mon 03:17', '')", "job"),
    ],
)
def test_what_two_plugins_give_under_one_name_is_refused(site: Site, hook: str, body: str, noun: str) -> None:
    source = f"@hookimpl\ndef {hook}(context):\n    yield {{}}"
    site.install("a", source.format(body.format("same")))
    site.install("b", source.format(body.format("other")))
    collect = getattr(App(), hook.removeprefix("pyagent_").replace("engines", "engine_kinds"))
    assert len(collect()) >= 2
    site.install("c", source.format(body.format("same")))
    collect = getattr(App(), hook.removeprefix("pyagent_").replace("engines", "engine_kinds"))
    with pytest.raises(PluginError, match=f"plugin c .*its {noun} 'same' is already given by the plugin a"):
        collect()


def test_a_plugin_cannot_replace_the_cores_engine_or_model(site: Site) -> None:
    site.install("a", "@hookimpl\ndef pyagent_engines(context):\n    yield EngineKind('llama', print)")
    with pytest.raises(PluginError, match="engine 'llama' is already given by the core"):
        App().engine_kinds()


def test_a_deciding_hook_that_raises_names_its_plugin(site: Site) -> None:
    site.install("bad", "@hookimpl\ndef pyagent_tools(context):\n    return 1 / 0")
    with pytest.raises(PluginError, match="the plugin bad is broken: pyagent_tools raised ZeroDivisionError"):
        App().tools()


OBSERVER = """
seen = []

@hookimpl
def pyagent_event(event):
    seen.append(event.kind)
    {then}
"""


def test_an_observer_that_fails_three_times_is_muted_and_the_others_see_everything(site: Site) -> None:
    site.install("bad", OBSERVER.format(then="raise ValueError('no')"))
    site.install("good", OBSERVER.format(then=""))
    notes: list[str] = []
    app = App(note=notes.append)
    for i in range(5):
        app.observe(Event(f"task.{i}", "run"))
    assert sys.modules["dist_bad_module"].seen == ["task.0", "task.1", "task.2"]
    assert sys.modules["dist_good_module"].seen == [f"task.{i}" for i in range(5)]
    assert states(app.plugins) == {"bad": "muted", "good": "ok"}
    assert len(notes) == 1
    assert "bad" in notes[0]


def test_a_hook_may_take_fewer_arguments(site: Site) -> None:
    site.install("a", "@hookimpl\ndef pyagent_models():\n    yield Model('mine')")
    assert "mine" in App().models()


def test_a_plugin_sees_its_own_settings_with_their_defaults(site: Site, home: Path) -> None:
    site.install(
        "tuned",
        """
        @hookimpl
        def pyagent_config():
            yield Option("threshold", 0.9, "How close.")
            yield Option("names", (), "Whom.")

        @hookimpl
        def pyagent_models(context):
            yield Model(f"m{context.settings['threshold']}")
        """,
    )
    assert "m0.9" in App().models()
    (home / "config.toml").write_text("[plugins.tuned]\nthreshold = 1\nnames = ['a']\n")
    assert "m1" in App().models()
    (home / "config.toml").write_text("[plugins.tuned]\ntreshold = 1\n")
    with pytest.raises(ConfigError) as caught:
        App().models()
    assert "config.toml:2: the plugin tuned has no setting treshold" in str(caught.value)
    assert caught.value.hint == "did you mean threshold?"
    (home / "config.toml").write_text("[plugins.tuned]\nthreshold = 'high'\n")
    with pytest.raises(ConfigError, match=r"plugins\.tuned\.threshold must be like 0\.9, not 'high'"):
        App().models()


def test_a_plugin_that_is_asked_for_must_exist() -> None:
    with pytest.raises(UsageError) as caught:
        _ = App(only=["swarn"]).plugins
    assert caught.value.hint == "did you mean swarm?"


def test_every_hook_is_told_of_here() -> None:
    """A hook nobody tests is a promise nobody keeps."""
    text = "".join(path.read_text("utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    assert set(HOOKS) == {name for name in vars(hookspecs.Specs) if name.startswith("pyagent_")}
    for hook in HOOKS:
        assert text.count(f"def {hook}(") + text.count(f'("{hook}"') >= 1, f"{hook} has no test"
