"""Files that people bring: of known kinds only, under names the server makes, handed out to be saved, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from api import proofs
from api.problems import Problem
from tests.api.world import World

PDF = b"%PDF-1.7 a paper"


@pytest.mark.parametrize(
    "name",
    ["../../etc/cron.d/x.pdf", "..\\..\\windows\\x.pdf", "/etc/passwd.pdf", "C:\\x.pdf", "a\x00b.pdf", "con.pdf",
     "x.pdf\r\nSet-Cookie: a=b.pdf"],
)  # fmt: skip
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "proofs"
    kept = proofs.keep(folder, name, PDF)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [folder / kept.stored]
    assert set(kept.stored) <= set("0123456789abcdef.pd")
    assert not set("/\\\r\n\0") & set(kept.name)


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("page.html", b"<script>alert(1)</script>", 422),
        ("picture.svg", b"<svg onload='alert(1)'/>", 422),
        ("paper.pdf", b"<script>alert(1)</script>", 422),
        ("picture.png", b"GIF89a", 422),
        ("run.pdf.exe", PDF, 422),
        ("nothing.pdf", b"", 422),
        ("", PDF, 422),
        (".pdf", PDF, 422),
        ("名" * 200 + ".pdf", PDF, 422),  # cut to a length at which its ending is lost
        ("large.pdf", PDF + b"x" * proofs.MOST_BYTES, 413),
    ],
)
def test_what_is_not_what_its_name_says_or_too_large_is_refused(
    tmp_path: Path, name: str, content: bytes, status: int
) -> None:
    with pytest.raises(Problem) as refused:
        proofs.keep(tmp_path, name, content)
    assert refused.value.status == status
    assert list(tmp_path.iterdir()) == []


def test_a_paper_is_handed_out_to_be_saved_and_its_name_adds_no_header(world: World) -> None:
    key = {"scope": "institution", "id": world.province.houses[1].id, "year": 2033}
    key |= {"indicator": "electricity_per_area", "caliber": "physical"}
    path = f"/api/v1/targets/institution/{key['id']}/2033/electricity_per_area/physical/paper"
    with world.client("root-approver") as approver:
        issued = {**key, "value": 60.0, "document": "x", "date": "2033-01-20"}
        assert approver.post("/api/v1/targets/issue", json=issued).status_code == 201
        name = 'a"\r\nSet-Cookie: stolen=1; x="名.pdf'
        assert approver.put(path, params={"name": name}, content=PDF).status_code == 200
        answer = approver.get(path)
    assert answer.content == PDF
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "application/pdf"


def test_a_paper_may_be_as_large_as_a_paper_may(world: World) -> None:
    """The bound of the request and that of the file agree: what is too large is told so by the file's."""
    path = f"/api/v1/targets/institution/{world.province.houses[1].id}/2033/water_per_person/physical/paper"
    with world.client("root-approver") as approver:
        for n_bytes, status in ((proofs.MOST_BYTES, 404), (proofs.MOST_BYTES + 2_000_000, 413)):
            answer = approver.put(path, params={"name": "x.pdf"}, content=PDF.ljust(n_bytes, b"x"))
            assert answer.status_code == status, answer.text  # 404: nothing was issued
