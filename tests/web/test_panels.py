"""The panel of a real third-party plugin, installed by pip: listed, served, asked, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, install
from tests.web.server import serving


def test_a_plugins_panel_is_listed_served_and_asked(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    install(ROOT / "examples" / "plugin", site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    with serving(home, tmp_path) as served, served.sign_in() as client:
        row = next(row for row in client.get("/api/v1/panels").json()["items"] if row["id"] == "hello")
        assert not row["builtin"]
        module = client.get(row["module"])
        assert module.headers["content-type"].startswith("text/javascript")
        assert "immutable" in module.headers["cache-control"]
        assert "export function mount" in module.text
        assert client.get(row["style"]).headers["content-type"].startswith("text/css")
        asked = client.get("/api/v1/p/hello/greeting")
        assert asked.json() == {"greeting": "Hello from the server"}
        base = row["module"].rpartition("/")[0]
        for path in (f"{base}/%2e%2e/__init__.py", f"{base}/..%2fcli.py", base.rpartition("/")[0] + "/0/panel.js"):
            assert client.get(path).status_code == 404
        client.cookies.clear()
        assert client.get(row["module"]).status_code == 401
        assert client.get("/api/v1/p/hello/greeting").status_code == 401
