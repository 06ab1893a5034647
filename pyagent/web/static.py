"""Files: the built front-end, the plugins' panels, and the server's own small pages for pairing and for no build."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from pyagent.web import signin
from pyagent.web.problems import Problem
from pyagent.web.replies import core_of

DIST = Path(__file__).with_name("_dist")
PAGES = Path(__file__).with_name("pages")
IMMUTABLE, FRESH = "public, max-age=31536000, immutable", "no-cache"
# As Vite names what it builds: a name with a digest of the content in it.
HASHED = re.compile(r"-[A-Za-z0-9_-]{8,}\.\w+(\.map)?$")
TYPES = {
    ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".html": "text/html",
    ".json": "application/json", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}  # fmt: skip


def routes() -> list[Route]:
    return [
        Route("/", index),
        Route("/index.html", index),
        Route("/signed-out", signed_out),
        Route("/pair", pairing),
        Route("/pair.js", own),
        Route("/pair.css", own),
        Route("/assets/{path:path}", asset),
        Route("/plugins/{id}/{version}/{path:path}", panel_file),
        Route("/{name}", top),
    ]


async def index(request: Request) -> Response:
    """The front-end, or where it is not built the page that says how."""
    page = DIST / "index.html"
    return file(request, page if page.is_file() else PAGES / "unbuilt.html", FRESH)


async def pairing(request: Request) -> Response:
    return file(request, PAGES / "pair.html", FRESH)


async def signed_out(request: Request) -> Response:
    """Where a phone goes when it signs out: its own pages need the session that is over."""
    return signin.page(request.scope, {}, 200)


async def own(request: Request) -> Response:
    return file(request, PAGES / request.url.path.lstrip("/"), FRESH)


async def asset(request: Request) -> Response:
    path = below(DIST / "assets", request.path_params["path"])
    return file(request, path, IMMUTABLE if HASHED.search(path.name) else FRESH)


async def top(request: Request) -> Response:
    """Icons and the like beside index.html."""
    path = below(DIST, request.path_params["name"])
    return file(request, path, FRESH)


async def panel_file(request: Request) -> Response:
    params = request.path_params
    path = core_of(request).panels.file(params["id"], params["version"], params["path"])
    if path is None:
        raise Problem(404, "there is no such file", "reload the page: the panel may have changed")
    return file(request, path, IMMUTABLE)


def below(folder: Path, name: str) -> Path:
    """A file below ``folder``. Raises Problem 404, whatever the name tries."""
    try:
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()) and path.is_file():
            return path
    except (OSError, ValueError):
        pass
    raise Problem(404, "there is no such file")


def file(request: Request, path: Path, cache: str) -> Response:
    """The file, compressed where a compressed one lies beside it and the browser takes it."""
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {"cache-control": cache, "vary": "accept-encoding"}
    packed = path.with_name(path.name + ".gz")
    if "gzip" in request.headers.get("accept-encoding", "") and packed.is_file():
        path, headers["content-encoding"] = packed, "gzip"
    if not path.is_file():
        raise Problem(404, "there is no such file")
    if cache == FRESH and (unchanged := _unchanged(request, path, headers)):
        return unchanged
    return FileResponse(path, media_type=kind, headers=headers)


def _unchanged(request: Request, path: Path, headers: dict[str, str]) -> Response | None:
    stat = path.stat()
    tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    headers["etag"] = tag
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return None
