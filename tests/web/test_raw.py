"""What is handed out of the archive: the file, and never an e-mail address that a wrapped link carries."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from fastapi.testclient import TestClient

from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.installation import Installation
from scraper.errors import UnreadableError
from web.files import cleaned, safe_name

DOCUMENT = "https://www.ice.gov/doclib/287gMOA/Bay_County.pdf"
WRAPPED = (
    "https://gcc02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.ice.gov%2Fdoclib%2F287gMOA%2FBay_County.pdf"
    "&data=05%7C02%7CJane.Doe%40ice.dhs.gov%7Cabc&sdata=x%3D&reserved=0"
)


def book(*, as_text: bool) -> bytes:
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed, {"strings_to_urls": False}) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["STATE", "LAW ENFORCEMENT AGENCY", "MOA"])
        sheet.write_row(1, 0, ["FLORIDA", "Bay County Sheriff's Office & Co <x>"])
        if as_text:
            sheet.write_string(1, 2, WRAPPED)
        else:
            sheet.write_url(1, 2, WRAPPED, string="link")
    return packed.getvalue()


def parts(body: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        return b"".join(packed.read(name) for name in packed.namelist())


@pytest.mark.parametrize("as_text", [True, False])
def test_wrapped_links_are_replaced_by_what_they_wrap(tmp_path: Path, as_text: bool) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(book(as_text=as_text))
    assert b"Jane.Doe" in parts(path.read_bytes())
    clean = cleaned(path, "xlsx")
    assert clean is not None
    assert clean.replaced == 1
    assert b"Jane.Doe" not in parts(clean.body)
    assert b"safelinks" not in parts(clean.body)
    sheet = openpyxl.load_workbook(io.BytesIO(clean.body)).active
    assert sheet is not None
    assert sheet["B2"].value == "Bay County Sheriff's Office & Co <x>"
    cell = sheet["C2"]
    assert (cell.value if as_text else cell.hyperlink.target) == DOCUMENT
    assert cleaned(path, "xlsx") == clean


def test_a_file_without_wrappers_is_handed_out_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"\xff\xfe,odd bytes stay")
    clean = cleaned(path, "csv")
    assert clean is not None
    assert (clean.body, clean.replaced) == (path.read_bytes(), 0)
    path.write_text(f"state,moa\nFL,{WRAPPED}\nGA,{DOCUMENT}\n")
    clean = cleaned(path, "csv")
    assert clean is not None
    assert clean.body.decode() == f"state,moa\nFL,{DOCUMENT}\nGA,{DOCUMENT}\n"


def test_what_cannot_be_cleaned_is_not_called_clean(tmp_path: Path) -> None:
    path = tmp_path / "list.pdf"
    path.write_bytes(b"%PDF-1.7 whatever")
    assert cleaned(path, "pdf") is None
    path.write_bytes(b"PK\x03\x04 not a zip at all")
    with pytest.raises(UnreadableError):
        cleaned(path, "xlsx")


def test_a_file_is_downloaded_by_its_hash(installation: Installation, client: TestClient) -> None:
    with installation.engine.connect() as connection:
        change = next(read_changes(connection, ChangeFilter(lists=("pending",))))
    answer = client.get(f"/raw/{change.sha256}")
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == change.sha256
    assert answer.headers["x-countersign-altered"] == "no"
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{change.published_name}"')
    assert "sandbox" in answer.headers["content-security-policy"]
    again = client.get(f"/raw/{change.sha256}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_the_unaltered_file_needs_the_token(
    installation: Installation, client: TestClient, bearer: dict[str, str]
) -> None:
    sha256 = installation.archive.put(book(as_text=False))
    with installation.engine.connect() as connection:
        change = next(read_changes(connection, ChangeFilter(lists=("participating",))))
    stored = installation.archive.path(change.sha256)
    # The published file, as if it had been one with a wrapped link.
    original = installation.archive.read(sha256)
    from pipelines.tables import publications

    with installation.engine.begin() as connection:
        connection.execute(
            publications.update().where(publications.c.sha256 == change.sha256).values(sha256=sha256)
        )
    assert stored.exists()
    public = client.get(f"/raw/{sha256}")
    assert "links-unwrapped.xlsx" in public.headers["content-disposition"]
    assert public.headers["x-countersign-altered"] != "no"
    assert public.headers["x-countersign-original-sha256"] == sha256
    assert b"Jane.Doe" not in parts(public.content)
    asked = client.get(f"/raw/{sha256}?original=1")
    assert asked.content == public.content
    assert client.get(f"/raw/{sha256}?original=1", headers={"Authorization": "Bearer no"}).status_code == 401
    given = client.get(f"/raw/{sha256}?original=1", headers=bearer)
    assert given.content == original
    assert given.headers["etag"] != public.headers["etag"]


def test_a_damaged_file_is_never_served(installation: Installation, client: TestClient) -> None:
    with installation.engine.connect() as connection:
        change = next(read_changes(connection, ChangeFilter(lists=("participating",))))
    stored = installation.archive.path(change.sha256)
    stored.write_bytes(stored.read_bytes()[:-1] + b"?")
    answer = client.get(f"/raw/{change.sha256}")
    assert answer.status_code == 503
    assert "damaged" in answer.text


@pytest.mark.parametrize(
    ("published", "safe"),
    [
        ("../../etc/passwd", "passwd.xlsx"), ("a\r\nSet-Cookie: x.xlsx", "a__Set-Cookie_ x.xlsx"), ("", "list.xlsx"),
        ("..", "list.xlsx"), ('x"; y.xlsx', "x__ y.xlsx"), ("C:\\temp\\list.xlsx", "list.xlsx"),
        ("x" * 500, "x" * 120 + ".xlsx"),
    ],
)  # fmt: skip
def test_download_names_are_harmless(published: str, safe: str) -> None:
    assert safe_name(published, "xlsx") == safe
