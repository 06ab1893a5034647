"""The application finds folders, models and engines, and says what to do when it cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyagent.engine.base import EngineOptions
from pyagent.errors import ConfigError, ModelMissing, StoreError, UsageError
from pyagent.host.app import App
from pyagent.host.layer import read_layer
from pyagent.host.paths import Paths
from pyagent.host.trust import Trust
from pyagent.model import Model


def test_one_variable_moves_every_folder(tmp_path: Path) -> None:
    app = App(env={"PYAGENT_HOME": str(tmp_path / "new" / "home")})
    assert app.data_dir == tmp_path / "new" / "home"
    assert app.cache_dir == app.data_dir / "cache"
    assert app.db_path == app.data_dir / "pyagent.db"
    assert app.cache_dir.is_dir()


def test_the_store_moves_alone(tmp_path: Path) -> None:
    env = {"PYAGENT_HOME": str(tmp_path)}
    assert App(env=env, store=str(tmp_path / "a")).db_path == tmp_path / "a" / "pyagent.db"
    assert App(env=env, store=str(tmp_path / "b.db")).db_path == tmp_path / "b.db"
    assert App(env={**env, "PYAGENT_STORE": str(tmp_path / "c")}).db_path == tmp_path / "c" / "pyagent.db"


def test_without_the_variable_the_platforms_folders_are_used() -> None:
    env = {"HOME": os.environ.get("HOME", "/")}
    paths = Paths.find(env)
    assert paths.home is None
    assert all("pyagent" in str(folder) for folder in (paths.data, paths.config, paths.cache))


def test_a_home_that_cannot_be_written_is_named_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    app = App(env={"PYAGENT_HOME": str(tmp_path / "file" / "home")})
    for folder in ("data_dir", "cache_dir", "db_path"):
        with pytest.raises(StoreError) as caught:
            getattr(app, folder)
        assert caught.value.exit_code == 74
        assert "PYAGENT_HOME" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_home_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError):
        _ = App(env={"PYAGENT_HOME": str(tmp_path / "home")}).data_dir


def test_the_bundled_model_needs_no_configuration() -> None:
    model = App().model()
    assert (model.name, model.engine, model.path, model.input_price) == ("smollm2-135m", "llama", None, 0.0)
    assert App().engine_kind(model).local


def test_a_file_is_a_model(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF")
    app = App(cwd=tmp_path)
    assert app.model("tiny.gguf").path == str(path)
    assert app.model(str(path)).engine == "llama"
    for name in ("huge.gguf", "no/such/huge.gguf"):
        with pytest.raises(ModelMissing, match=r"huge\.gguf does not exist"):
            app.model(name)
    (tmp_path / "folder.gguf").mkdir()
    with pytest.raises(ModelMissing, match="is a folder"):
        app.model("folder.gguf")


def test_an_unknown_model_is_named_with_the_nearest() -> None:
    with pytest.raises(ModelMissing) as caught:
        App().model("smollm2-315m")
    assert caught.value.exit_code == 4
    assert "did you mean smollm2-135m?" in caught.value.hint
    assert "pyagent model list" in caught.value.hint


def test_an_endpoint_is_asked_for_any_name(home: Path) -> None:
    model = App().model("stub", "http://127.0.0.1:9/v1")
    assert model.engine == "openai"
    assert model.remote == "stub"
    assert model.provider is not None
    assert (model.provider.base_url, model.provider.key_env) == ("http://127.0.0.1:9/v1", "OPENAI_API_KEY")
    with pytest.raises(ModelMissing):
        App().model(None, "http://127.0.0.1:9/v1")
    (home / "config.toml").write_text(
        "[providers.own]\nkey_env = 'OWN_KEY'\nbase_url = 'http://x'\n"
        "[models.big]\nprovider = 'own'\nremote = 'big-70b'\ninput_price = 1\n"
    )
    big = App().model("big", "http://127.0.0.1:9/v1")
    assert big.provider is not None
    assert (big.remote, big.input_price, big.provider.key_env) == ("big-70b", 1.0, "OWN_KEY")
    assert big.provider.base_url == "http://127.0.0.1:9/v1"


def test_a_known_service_needs_no_configuration() -> None:
    model = App().model("anthropic/claude-sonnet-4-5")
    assert (model.engine, model.remote) == ("anthropic", "claude-sonnet-4-5")
    assert model.provider is not None
    assert model.provider.key_env == "ANTHROPIC_API_KEY"


def test_the_default_comes_from_the_settings(home: Path) -> None:
    (home / "config.toml").write_text("[swarm]\nmodel = 'a'\n[models.a]\npath = '/a.gguf'\n")
    assert App().model().name == "a"
    assert App().model("smollm2-135m").name == "smollm2-135m"
    assert App().with_flags({"swarm.model": "smollm2-135m", "swarm.jobs": None}).model().name == "smollm2-135m"


def test_a_model_of_an_untrusted_provider_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "pyagent.toml").write_text("[models.a]\nprovider = 'own'\n[providers.own]\nbase_url = 'http://x'\n")
    notes: list[str] = []
    with pytest.raises(ModelMissing) as caught:
        App(cwd=tmp_path, note=notes.append).model("a")
    assert caught.value.hint == "run `pyagent trust`"
    assert len(notes) == 1
    assert "providers.own.base_url" in notes[0]


ELSEWHERE = {
    "a known service": "[swarm]\nmodel = 'openai/gpt-4.1-mini'\n",
    "a model of its own": "[swarm]\nmodel = 'x'\n[models.x]\nprovider = 'openai'\nremote = 'gpt-4.1-mini'\n",
    "a model of the user's": "[swarm]\nmodel = 'mine'\n",
}


@pytest.mark.parametrize("what", ELSEWHERE)
def test_a_projects_choice_of_a_model_elsewhere_waits_for_trust(home: Path, tmp_path: Path, what: str) -> None:
    (home / "config.toml").write_text("[models.mine]\nprovider = 'anthropic'\n")
    file = tmp_path / "pyagent.toml"
    file.write_text(ELSEWHERE[what])
    asked = App(cwd=tmp_path).settings.get("swarm.model")
    with pytest.raises(ModelMissing, match="does not run on this machine") as caught:
        App(cwd=tmp_path).model()
    assert f"{file}:2" in str(caught.value)
    assert "`pyagent trust`" in caught.value.hint
    assert App(cwd=tmp_path).with_flags({"swarm.model": asked}).model().provider is not None, "a flag is the user's"
    env = {"PYAGENT_HOME": str(home), "PYAGENT_MODEL": asked}
    assert App(cwd=tmp_path, env=env).model().provider is not None, "so is a variable"
    layer = read_layer(file)
    assert layer is not None
    Trust(home / "trusted.json").add(file, layer.digest)
    assert App(cwd=tmp_path).model().provider is not None


def test_a_projects_local_model_and_the_users_own_choice_are_free(home: Path, tmp_path: Path) -> None:
    (tmp_path / "pyagent.toml").write_text("[swarm]\nmodel = 'near'\n[models.near]\npath = 'near.gguf'\n")
    assert App(cwd=tmp_path).model().path == str(tmp_path / "near.gguf")
    (tmp_path / "pyagent.toml").write_text("[swarm]\njobs = 2\n")
    (home / "config.toml").write_text("[swarm]\nmodel = 'openai/gpt-4.1-mini'\n")
    assert App(cwd=tmp_path).model().provider is not None


def test_a_project_does_not_send_a_model_that_you_have_elsewhere(home: Path, tmp_path: Path) -> None:
    (home / "config.toml").write_text("[models.mine]\npath = '/mine.gguf'\n")
    elsewhere = "provider = 'openai'\nremote = 'gpt-4.1-mini'\n"
    (tmp_path / "pyagent.toml").write_text(f"[models.mine]\n{elsewhere}[models.smollm2-135m]\n{elsewhere}")
    notes: list[str] = []
    app = App(cwd=tmp_path, note=notes.append)
    assert app.model("mine").provider is None
    assert app.model().provider is None
    assert "models.mine.provider" in notes[0]


def test_an_unknown_kind_of_engine_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        App().open_engine(Model("x", "lama"), EngineOptions())
    assert caught.value.hint == "did you mean llama?"


def test_flags_make_a_new_application_and_leave_the_old_one() -> None:
    app = App()
    plugins = app.plugins
    other = app.with_flags({"swarm.jobs": 3})
    assert (app.settings.get("swarm.jobs"), other.settings.get("swarm.jobs")) == (None, 3)
    assert other.plugins is plugins
    with pytest.raises(UsageError, match=r"swarm\.jobs must be at least 1"):
        app.with_flags({"swarm.jobs": 0})
