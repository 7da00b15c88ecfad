"""LibreOffice as a reader of our files, and what stands in the PDF it makes of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from tests.servers import tool


def convert(files: list[Path], folder: Path) -> None:
    """All files as PDF in a folder, by one run of LibreOffice; skipped (failed where it is required) without it."""
    program = tool("soffice", where="Debian's libreoffice-writer-nogui and libreoffice-calc-nogui have it")
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [program, profile, "--headless", "--convert-to", "pdf", "--outdir", folder]
    done = subprocess.run([*command, *files], capture_output=True, timeout=240, text=True, check=False)
    lacking = [file.name for file in files if not (folder / file.with_suffix(".pdf").name).exists()]
    assert not lacking, f"LibreOffice made nothing of {lacking}: {done.stdout} {done.stderr}"


def text_of(paper: PdfReader) -> str:
    """All text without white space: where lines break is not the question."""
    return "".join("".join(page.extract_text().split()) for page in paper.pages)


def fonts_of(paper: PdfReader) -> dict[str, bool]:
    """Each font by its name without the mark of a subset, and whether the file holds it."""
    found: dict[str, bool] = {}
    for page in paper.pages:
        for reference in page["/Resources"].get_object().get("/Font", DictionaryObject()).values():
            font = reference.get_object()
            for part in font.get("/DescendantFonts", [font]):
                drawn = part.get_object()
                described = drawn.get("/FontDescriptor", DictionaryObject()).get_object()
                name = str(drawn["/BaseFont"]).lstrip("/").rpartition("+")[2]
                held = any(key in described for key in ("/FontFile", "/FontFile2", "/FontFile3"))
                found[name] = found.get(name, True) and held
    return found
