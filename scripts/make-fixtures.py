#!/usr/bin/env python3
"""Makes fixtures/files and fixtures/hostile anew. The same bytes at each run with the same Pillow.

    pip install pillow==13.0.0 && python3 scripts/make-fixtures.py

The results are committed; this is needed only to change them.
"""
import io
import struct
import zipfile
from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent / 'fixtures'
OFFICE = 'application/vnd.openxmlformats-officedocument'
RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def image(kind: str, **options) -> bytes:
    """A small chart: bars on a pale ground."""
    picture = Image.new('RGB', (160, 100), '#f4f1ea')
    draw = ImageDraw.Draw(picture)
    for index, height in enumerate((30, 52, 41, 70, 64)):
        left = 14 + index * 28
        draw.rectangle((left, 90 - height, left + 18, 90), fill=('#2f6f8f', '#c8553d')[index % 2])
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def pdf() -> bytes:
    text = b'BT /F1 18 Tf 60 770 Td (Crawl report, week 47) Tj 0 -30 Td /F1 11 Tf (214 pages, 3 broken links) Tj ET'
    objects = [
        b'<< /Type /Catalog /Pages 2 0 R >>',
        b'<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
        b'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R'
        b' /Resources << /Font << /F1 5 0 R >> >> >>',
        b'<< /Length %d >>\nstream\n%s\nendstream' % (len(text), text),
        b'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ]
    out = bytearray(b'%PDF-1.4\n%\xe2\xe3\xcf\xd3\n')
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b'%d 0 obj\n%s\nendobj\n' % (number, body)
    start = len(out)
    out += b'xref\n0 %d\n0000000000 65535 f \n' % (len(objects) + 1)
    out += b''.join(b'%010d 00000 n \n' % offset for offset in offsets)
    out += b'trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n' % (len(objects) + 1, start)
    return bytes(out)


def archive(entries: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as target:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content)
    return out.getvalue()


def content_types(parts: dict[str, str]) -> str:
    overrides = ''.join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in parts.items())
    return (
        f'{XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


def relations(*targets: tuple[str, str]) -> str:
    rows = ''.join(
        f'<Relationship Id="rId{number}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'{XML}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{rows}</Relationships>'


def docx(main: str = f'{OFFICE}.wordprocessingml.document.main+xml', extra: dict[str, bytes] | None = None) -> bytes:
    paragraphs = ('Content brief', 'Write 800 words about naïve caching for the café blog.')
    body = ''.join(f'<w:p><w:r><w:t>{text}</w:t></w:r></w:p>' for text in paragraphs)
    return archive({
        '[Content_Types].xml': content_types({'/word/document.xml': main}),
        '_rels/.rels': relations(('officeDocument', 'word/document.xml')),
        'word/document.xml': f'{XML}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f'<w:body>{body}</w:body></w:document>',
        **(extra or {}),
    })


def xlsx() -> bytes:
    rows = (('keyword', 'rank'), ('asset storage', 4), ('signed url', 11))

    def cell(value: str | int) -> str:
        if isinstance(value, int):
            return f'<c><v>{value}</v></c>'
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    data = ''.join('<row>' + ''.join(map(cell, row)) + '</row>' for row in rows)
    main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
    return archive({
        '[Content_Types].xml': content_types({
            '/xl/workbook.xml': f'{OFFICE}.spreadsheetml.sheet.main+xml',
            '/xl/worksheets/sheet1.xml': f'{OFFICE}.spreadsheetml.worksheet+xml',
        }),
        '_rels/.rels': relations(('officeDocument', 'xl/workbook.xml')),
        'xl/workbook.xml': f'{XML}<workbook xmlns="{main}" xmlns:r="{RELATIONS}">'
        '<sheets><sheet name="Ranking" sheetId="1" r:id="rId1"/></sheets></workbook>',
        'xl/_rels/workbook.xml.rels': relations(('worksheet', 'worksheets/sheet1.xml')),
        'xl/worksheets/sheet1.xml': f'{XML}<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>',
    })


def program() -> bytes:
    """The headers of a Windows program without a single instruction: harmless, and recognised as one."""
    dos = b'MZ' + bytes(58) + struct.pack('<I', 64)
    coff = struct.pack('<HHIIIHH', 0x8664, 0, 0, 0, 0, 240, 0x22)
    return dos + b'PE\0\0' + coff + struct.pack('<H', 0x20B) + bytes(238)


CSV = 'url,status,title\nhttps://example.com/,200,Home\nhttps://example.com/café,404,"Nothing, here"\n'
TEXT = 'Weekly report: naïve users, 東京 office, €12 spent, Привет.\nNo line of this file means anything.\n'

FILES = {
    'report.pdf': pdf(),
    'chart.png': image('PNG'),
    'chart.jpg': image('JPEG', quality=80),
    'chart.gif': image('GIF'),
    'chart.webp': image('WEBP', lossless=True),
    'pages.csv': CSV.encode(),
    'notes.txt': TEXT.encode(),
    'notes-utf16.txt': b'\xff\xfe' + TEXT.encode('utf-16-le'),
    'brief.docx': docx(),
    'ranking.xlsx': xlsx(),
}

MACROS = 'application/vnd.ms-word.document.macroEnabled.main+xml'
HOSTILE = {
    'empty.txt': b'',
    'program.pdf': program(),
    'document.txt': pdf(),
    'archive.docx': archive({'readme.txt': 'Only a ZIP.\n'}),
    'picture.jpg': image('PNG'),
    'words.png': TEXT.encode(),
    'page.csv': b'<!DOCTYPE html>\n<title>A page</title>\n<script>alert(1)</script>\n',
    'drawing.txt': b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>\n',
    'truncated.png': image('PNG')[:-20],
    'signature-only.png': image('PNG')[:8],
    'header-cut.jpg': image('JPEG')[:24],
    'cut.webp': image('WEBP', lossless=True)[:-9],
    'nul.txt': b'before\0after\n',
    'latin1.csv': CSV.encode('latin-1'),
    'macros.docm': docx(MACROS, {'word/vbaProject.bin': b'no project, only its name\n'}),
    'macros.docx': docx(extra={'word/vbaProject.bin': b'no project, only its name\n'}),
    'page.html': b'<!DOCTYPE html>\n<title>Not allowed by default</title>\n',
    'archive.zip': archive({'readme.txt': 'Not allowed by default.\n'}),
}


def write(folder: str, files: dict[str, bytes]) -> None:
    (ROOT / folder).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (ROOT / folder / name).write_bytes(content)


write('files', FILES)
write('hostile', HOSTILE)
