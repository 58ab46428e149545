"""A real nginx that packs what it serves: the same version is known again by a weak ETag."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from demo.publisher import Publisher
from tests.publisher import Looker

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/opt/homebrew/bin")
CONFIGURATION = """
daemon off; worker_processes 1; pid {place}/pid; error_log {place}/errors;
events {{}}
http {{
  log_format plain "$uri $status $sent_http_etag";
  access_log {place}/asked plain;
  types {{ text/csv csv; }}
  gzip on; gzip_types text/csv; gzip_min_length 1; gzip_proxied any;
  client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3;
  uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;
  server {{ listen 127.0.0.1:{port}; root {place}/served; }}
}}
"""


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Where it listens, and the folder it serves."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "served").mkdir()
    as_root = "user root;" if os.geteuid() == 0 else ""  # nobody else may look into this folder
    (tmp_path / "conf").write_text(as_root + CONFIGURATION.format(place=tmp_path, port=port))
    process = subprocess.Popen([NGINX, "-c", tmp_path / "conf", "-p", tmp_path], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as trying:
                if trying.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}", tmp_path / "served"
    finally:
        process.terminate()
        process.wait()


def test_a_packed_list_is_fetched_once(looker: Looker, nginx: tuple[str, Path]) -> None:
    url, folder = nginx
    (folder / "towns.csv").write_text("state,agency\n" + "FL,A Police Department\n" * 500)
    [declared] = [item for item in looker.lists if item.name == "participating"]
    looker.lists = [replace(declared, page=None, link=None, file=f"{url}/towns.csv", format="csv")]
    [first] = looker.captures().values()
    [second] = looker.captures().values()
    assert first.headers["etag"].startswith("W/")
    assert (first.outcome, second.outcome, second.sha256) == ("fetched", "not modified", first.sha256)
    asked = [line.split() for line in (folder.parent / "asked").read_text().splitlines()]
    assert [status for path, status, *_ in asked if path == "/towns.csv"] == ["200", "304"]


def test_the_same_exchange_played(looker: Looker, publisher: Publisher) -> None:
    publisher.packs = True
    first = looker.captures()["participating"]
    second = looker.captures()["participating"]
    assert first.headers["etag"] == f"W/{second.headers['etag']}"
    assert (first.outcome, second.outcome, second.sha256) == ("fetched", "not modified", first.sha256)
    assert [one.status for one in publisher.asked if one.path.startswith("/doclib/")] == [304]


def test_a_304_with_another_etag_is_still_not_believed(looker: Looker, publisher: Publisher) -> None:
    first = looker.captures()["participating"]
    looker.validators = {name: replace(known, etag='"another"') for name, known in looker.validators.items()}
    assert first.outcome == looker.captures()["participating"].outcome == "fetched"
