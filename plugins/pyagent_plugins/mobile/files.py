"""The compiled Flutter client's files, without any of its foreign addresses, compressed, and kept by the browser.

They lie in the package flet-web. Of its pages none is used: the two here hold no inline script, so that the
Content-Security-Policy can forbid it. Every other file has an address with the client's version in it and never
changes there.
"""

from __future__ import annotations

import gzip
import json
import mimetypes
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import FileResponse, Response

OWN = Path(__file__).with_name("static")
IMMUTABLE, FRESH = "public, max-age=31536000, immutable", "no-cache"
PACKED = {".js", ".mjs", ".wasm", ".json", ".otf", ".ttf", ".html", ".svg", ".bin", ".frag", ".css"}
# What the first view loads; the rest is compressed when somebody asks for it.
FIRST = (
    "main.dart.wasm", "main.dart.mjs", "canvaskit/skwasm.wasm", "canvaskit/skwasm.js",
    "assets/fonts/MaterialIcons-Regular.otf", "flutter_bootstrap.js",
)  # fmt: skip
# 9 instead of 6 would save 1 % and take four times as long.
LEVEL = 6
TYPES = {".wasm": "application/wasm", ".mjs": "text/javascript", ".js": "text/javascript", ".json": "application/json"}
FONT = re.compile(r"assets/fonts/(noto\w+)/")


@dataclass(frozen=True, slots=True)
class Files:
    """``web`` is flet-web's folder, ``version`` its version, ``cache`` where compressed files are kept.

    ``fonts`` may hold the user's own files for scripts beyond Latin, Greek and Cyrillic: `notosanssc.woff2`.
    """

    web: Path
    version: str
    cache: Path
    fonts: Path

    @property
    def base(self) -> str:
        return f"/m/-{self.version}/"

    def answer(self, path: str, headers: dict[str, str]) -> Response:
        """The file at ``path`` below the mount, ``headers`` being the request's."""
        path = path.lstrip("/")
        if path in ("", "index.html"):
            return self._own("index.html", "text/html")
        if path == "config.js":
            return Response(self._config(), headers={"cache-control": FRESH}, media_type="text/javascript")
        if path in ("manifest.json", "icon.svg", "icon-192.png", "look.css"):
            return self._own(path, mimetypes.guess_type(path)[0] or "application/octet-stream")
        within = path.removeprefix(f"-{self.version}/")
        if within == "assets/FontManifest.json":
            return Response(self._manifest(), headers={"cache-control": IMMUTABLE}, media_type="application/json")
        if found := FONT.match(within):
            return self._font(found[1])
        return self._file(within, IMMUTABLE if within != path else FRESH, headers)

    def warm(self, names: Iterable[str] = FIRST) -> None:
        """Compress what the first view needs, so that no phone waits for it."""
        for name in names:
            source = self.web / name
            if source.is_file():
                self._pack(source, name)

    def _own(self, name: str, kind: str) -> Response:
        text = (OWN / name).read_bytes().replace(b"@VERSION@", self.version.encode())
        return Response(text, headers={"cache-control": FRESH}, media_type=kind)

    def _config(self) -> str:
        """What Flutter's loader asks for: everything from here, nothing from its CDN."""
        config = {
            "pyodide": False,
            "multiView": False,
            "noCdn": True,
            "webSocketEndpoint": "/m/ws",
            "entrypointBaseUrl": self.base,
            "assetBase": self.base,
            "canvasKitBaseUrl": f"{self.base}canvaskit/",
            "fontFallbackBaseUrl": f"{self.base}assets/fonts/",
            "routeUrlStrategy": "path",
            "webRenderer": "skwasm",
        }
        loaded = "flet.flutterAppLoaded = new Promise((resolve) => { flet.flutterAppResolve = resolve; });"
        return f"var flet = {json.dumps(config)};\n{loaded}\n"

    def _manifest(self) -> bytes:
        """The fonts to load at start; Roboto lies in the package and would else come from Google."""
        fonts = json.loads((self.web / "assets" / "FontManifest.json").read_bytes())
        # The formulas' fonts are loaded at start whether or not somebody writes a formula: 12 requests.
        kept = [font for font in fonts if font["family"] == "MaterialIcons"]
        kept.append({"family": "Roboto", "fonts": [{"asset": "fonts/roboto.woff2"}]})
        return json.dumps(kept).encode()

    def _font(self, family: str) -> Response:
        """A font for another script. One clear 404, which Skwasm does not ask for again."""
        for suffix in (".woff2", ".ttf", ".otf"):
            path = self.fonts / f"{family}{suffix}"
            if path.is_file():
                return FileResponse(path, media_type=f"font/{suffix[1:]}", headers={"cache-control": IMMUTABLE})
        return Response(status_code=404, headers={"cache-control": "max-age=86400"})

    def _file(self, name: str, cache: str, headers: dict[str, str]) -> Response:
        path = (self.web / name).resolve()
        # Python in the browser is 15 MB that nothing here uses.
        if not path.is_relative_to(self.web.resolve()) or not path.is_file() or name.startswith("pyodide"):
            return Response("there is no such file", 404, media_type="text/plain")
        kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        out = {"cache-control": cache, "vary": "accept-encoding"}
        if path.suffix in PACKED and "gzip" in headers.get("accept-encoding", ""):
            path, out["content-encoding"] = self._pack(path, name), "gzip"
        return FileResponse(path, media_type=kind, headers=out)

    def _pack(self, source: Path, name: str) -> Path:
        """The compressed file, made once for each version of the client."""
        packed = self.cache / self.version / f"{name}.gz"
        if not packed.is_file():
            packed.parent.mkdir(parents=True, exist_ok=True)
            new = packed.with_name(f"{packed.name}.{os.getpid()}.{os.urandom(3).hex()}")
            new.write_bytes(gzip.compress(source.read_bytes(), LEVEL))
            new.replace(packed)
        return packed
