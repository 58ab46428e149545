"""Hostile documents in CSV, HTML and JSON."""

from __future__ import annotations

import json

from tests.hostile.documents import BAD, ENTITIES, FINE, ODD, Case, late, raw


def html_table(rows: str) -> bytes:
    head = "<tr><th>STATE</th><th>AGENCY</th><th>MOA</th></tr>"
    return f"<!doctype html><meta charset=utf-8><table>{head}{rows}</table>".encode()


CASES: list[Case] = [
    # CSV
    ("every quoting", "csv", raw(b'a,"b ""c""",d\r\n"1\n2","","3,4"\r\n\'5\',"6"7,8\r\n'), FINE, ""),
    ("a quotation never closed", "csv", raw(b'a,b\n1,"2\n' + b"3,4\n" * 50), ODD, "many-lines"),
    (
        "a field without end",
        "csv",
        late(lambda: raw(b'a,b\n1,"' + b"x" * 1_000_000)),
        BAD,
        "cannot be read as CSV",
    ),
    ("not UTF-8", "csv", raw("STATE,AGENCY\nOHIO,José’s\n".encode("cp1252")), ODD, "encoding"),
    ("UTF-16", "csv", raw("STATE;AGENCY\nOHIO;José\n".encode("utf-16")), FINE, ""),
    (
        "UTF-16 cut",
        "csv",
        raw("STATE;AGENCY\nOHIO;José\n".encode("utf-16")[:-1]),
        BAD,
        "not utf-16 throughout",
    ),
    ("zero bytes", "csv", raw(b"a,b\n1,\0\n"), BAD, "unknown binary data"),
    ("zero bytes later", "csv", raw(b"a,b\n" + b"1,2\n" * 3000 + b"3,\0\n"), ODD, "odd-characters"),
    (
        "2^20 columns in text",
        "csv",
        late(lambda: raw(b"a" + b"," * (1 << 20) + b"\n")),
        BAD,
        "more than 2,000 columns",
    ),
    ("rows of every length", "csv", raw(b"a,b\n1\n1,2,3\n"), ODD, "no-header short-rows"),
    ("a cell of 32,768 characters", "csv", raw(b"a,b\n1," + b"x" * 32_768), BAD, "more than 32,767 char"),
    (
        "a line without end",
        "csv",
        late(lambda: raw(b"a,b\n" + b"x," * 5_000_000)),
        BAD,
        "A line has more than",
    ),
    ("a million rows", "csv", late(lambda: raw(b"a,b\n" + b"1,2\n" * 1_000_000)), FINE, ""),
    # web pages
    (
        "spans without end",
        "html",
        raw(html_table("<tr><td rowspan=999999999>a<td colspan=99999999>b")),
        FINE,
        "",
    ),
    (
        "spans of spans",
        "html",
        raw(html_table("<tr>" + "<td colspan=1000 rowspan=60000>a" * 5)),
        BAD,
        "more than 2,000 columns",
    ),
    (
        "a hundred thousand nested elements",
        "html",
        raw(html_table("<tr><td>a") + b"<div>" * 100_000),
        ODD,
        "short-rows",
    ),
    (
        "a million cells",
        "html",
        late(lambda: raw(html_table("<tr>" + "<td>a" * 1_000_001))),
        BAD,
        "more than 1,000,000",
    ),
    ("a page in punycode", "html", raw(b"<meta charset=punycode><table><tr><td>\xe9"), BAD, "no encoding of"),
    ("a page in idna", "html", raw(b"<meta charset=idna><table><tr><td>\xe9"), BAD, "no encoding of lists"),
    ("no table", "html", raw(b"<html><p>Service unavailable"), BAD, "has no table"),
    (
        "entities in a page",
        "html",
        raw(ENTITIES.encode() + html_table("<tr><td>&i;<td>x")),
        ODD,
        "short-rows",
    ),
    (
        "a lying charset",
        "html",
        raw(b"<meta charset=utf-8><table><tr><td>a<tr><td>\x93b\x94"),
        ODD,
        "encoding",
    ),
    # JSON
    ("deeply nested", "json", raw(b"[" * 500_000), BAD, "nested too deeply"),
    ("deeply nested objects", "json", late(lambda: raw(b'[{"a":' * 100_000)), BAD, "nested too deeply"),
    ("a number of 100,000 digits", "json", raw(b'[{"a": ' + b"9" * 100_000 + b"}]"), BAD, "not JSON"),
    ("numbers that are none", "json", raw(b'[{"a": NaN, "b": 1e999}]'), BAD, "not JSON"),
    (
        "millions of empty objects",
        "json",
        late(lambda: raw(b"[" + b"{}," * 4_000_000 + b"{}]")),
        BAD,
        "more than 1,000,000",
    ),
    ("no array", "json", raw(b'{"a": 1}'), BAD, "no array of rows"),
    ("an array of numbers", "json", raw(b"[1, 2]"), BAD, "Item 1 of the array is no object"),
    (
        "an object of 3,000 keys",
        "json",
        raw(json.dumps([{f"k{index}": 1 for index in range(3_000)}]).encode()),
        BAD,
        "more than 2,000 columns",
    ),
]
