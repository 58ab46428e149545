"""Workbooks written part by part, so that a test can make them odd in exactly one way."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
CORE = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"

# Style 0 is general, 1 a built-in date, 2 a custom date, 3 a duration, 4 money, 5 a time.
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts>'
    '<numFmt numFmtId="164" formatCode="[$-409]d\\-mmm\\-yyyy;@"/>'
    '<numFmt numFmtId="165" formatCode="[h]:mm:ss"/>'
    '<numFmt numFmtId="166" formatCode="&quot;days&quot; 0.00"/>'
    '</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>'
    + "".join(f'<xf numFmtId="{number}"/>' for number in (0, 14, 164, 165, 166, 20))
    + "</cellXfs></styleSheet>"
)


def sheet_xml(rows: str, before: str = "", after: str = "", prolog: str = "") -> str:
    return (
        f'{prolog}<worksheet xmlns="{MAIN}" xmlns:r="{DOCUMENT}">{before}'
        f"<sheetData>{rows}</sheetData>{after}</worksheet>"
    )


def row(number: int, *texts: str, first: str = "A") -> str:
    """A row of texts kept in their cells."""
    cells = "".join(
        f'<c r="{chr(ord(first) + index)}{number}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
        for index, text in enumerate(texts)
        if text
    )
    return f'<row r="{number}">{cells}</row>'


def relationships(links: Mapping[str, tuple[str, str]]) -> str:
    """Id to (kind, target); a kind of hyperlink is external."""
    external = {"hyperlink": ' TargetMode="External"'}
    items = "".join(
        f'<Relationship Id="{key}" Type="{DOCUMENT}/{kind}" Target="{escape(target)}"'
        f"{external.get(kind, '')}/>"
        for key, (kind, target) in links.items()
    )
    return f'<Relationships xmlns="{PACKAGE}">{items}</Relationships>'


def workbook_xml(*sheets: tuple[str, str, str], properties: str = "") -> str:
    """Sheets are (name, relationship id, state)."""
    items = "".join(
        f'<sheet name="{name}" sheetId="{index}" state="{state}" r:id="{key}"/>'
        for index, (name, key, state) in enumerate(sheets, 1)
    )
    return f'<workbook xmlns="{MAIN}" xmlns:r="{DOCUMENT}">{properties}<sheets>{items}</sheets></workbook>'


def strings_xml(*items: str) -> str:
    """Each item is the inside of a shared text."""
    inside = "".join(f"<si>{item}</si>" for item in items)
    return f'<sst xmlns="{MAIN}" count="{len(items)}" uniqueCount="{len(items)}">{inside}</sst>'


def core_xml(modified: str) -> str:
    return (
        f'<cp:coreProperties xmlns:cp="{CORE}" xmlns:dcterms="http://purl.org/dc/terms/">'
        f"<dcterms:modified>{modified}</dcterms:modified></cp:coreProperties>"
    )


def parts(sheet: str, **more: str | None) -> dict[str, str | bytes]:
    """The parts of a workbook of one sheet; `strings`, `styles`, `rels`, `workbook`, `core` replace parts."""
    made: dict[str, str | bytes | None] = {
        "[Content_Types].xml": f'<Types xmlns="{TYPES}"/>',
        "_rels/.rels": relationships({"rId1": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": more.get("workbook") or workbook_xml(("Sheet1", "rId1", "visible")),
        "xl/_rels/workbook.xml.rels": relationships(
            {
                "rId1": ("worksheet", "worksheets/sheet1.xml"),
                "rId2": ("styles", "styles.xml"),
                "rId3": ("sharedStrings", "sharedStrings.xml"),
            }
        ),
        "xl/worksheets/sheet1.xml": sheet,
        "xl/styles.xml": more.get("styles") or STYLES,
        "xl/sharedStrings.xml": more.get("strings"),
        "xl/worksheets/_rels/sheet1.xml.rels": more.get("rels"),
        "docProps/core.xml": more.get("core"),
    }
    return {name: body for name, body in made.items() if body is not None}


def write(path: Path, contents: Mapping[str, str | bytes], packed: bool = True) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, body in contents.items():
            archive.writestr(name, body)
    return path
