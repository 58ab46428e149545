"""Hostile documents in PDF."""

from __future__ import annotations

import zlib

from tests.hostile.documents import BAD, Build, Case, late, raw


def pdf(content: bytes, extra: tuple[bytes, ...] = (), resources: bytes = b"", pages: int = 1) -> Build:
    """A PDF whose pages share one packed content stream; `extra` are further objects, numbered from 6."""
    packed = zlib.compress(content, 9)
    kids = b" ".join(b"3 0 R" for _ in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [" + kids + b"] /Count " + str(pages).encode() + b" >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> " + resources + b" >> >>",
        b"<< /Length "
        + str(len(packed)).encode()
        + b" /Filter /FlateDecode >>\nstream\n"
        + packed
        + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *extra,
    ]
    return raw(pdf_file(objects))


def pdf_file(objects: list[bytes]) -> bytes:
    body, offsets = b"%PDF-1.4\n", []
    for number, item in enumerate(objects, 1):
        offsets.append(len(body))
        body += str(number).encode() + b" 0 obj\n" + item + b"\nendobj\n"
    table = b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    count = str(len(objects) + 1).encode()
    return (
        body
        + (b"xref\n0 " + count + b"\n0000000000 65535 f \n" + table)
        + (
            b"trailer << /Size "
            + count
            + b" /Root 1 0 R >>\nstartxref\n"
            + str(len(body)).encode()
            + b"\n%%EOF\n"
        )
    )


def form(inside: bytes, resources: bytes = b"") -> bytes:
    head = (
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 600 800] /Resources << " + resources + b" >> /Length "
    )
    return head + str(len(inside)).encode() + b" >>\nstream\n" + inside + b"\nendstream"


def laughing_forms(levels: int) -> Build:
    """Each form draws the next one ten times."""
    forms = [
        form(b"/X Do " * 10, b"/XObject << /X " + str(7 + level).encode() + b" 0 R >>")
        for level in range(levels)
    ]
    last = form(b"0 0 5 5 re f ")
    return pdf(b"/X Do", (*forms, last), b"/XObject << /X 6 0 R >>")


CASES: list[Case] = [
    (
        "a packed page of 200 MB",
        "pdf",
        late(lambda: pdf(b"0 0 1 1 re f\n" * 16_000_000)),
        BAD,
        "cannot be read|longer than|more memory",
    ),
    ("forms that draw forms", "pdf", laughing_forms(9), BAD, "cannot be read|longer than|more memory"),
    (
        "a page a hundred thousand times",
        "pdf",
        late(lambda: pdf(b"0 0 5 5 re f", pages=100_000)),
        BAD,
        "no table|longer|cannot|more memory",
    ),
    (
        "a form that draws itself",
        "pdf",
        pdf(b"/X Do", (form(b"/X Do", b"/XObject << /X 6 0 R >>"),), b"/XObject << /X 6 0 R >>"),
        BAD,
        "no table",
    ),
    ("a PDF cut short", "pdf", raw(b"%PDF-1.7\n1 0 obj"), BAD, "PDF document"),
    ("a PDF without a table", "pdf", pdf(b"BT /F1 12 Tf 50 700 Td (Hello) Tj ET"), BAD, "no table"),
]
