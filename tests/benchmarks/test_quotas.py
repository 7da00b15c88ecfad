"""Groups of peers as strangers' files have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.quotas import read_groups, worst_figures
from energy.errors import RecordingError


def offices(n: int) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    hours = generator.uniform(30, 120, n)
    return pd.DataFrame(
        {"sqft": generator.uniform(1e4, 1e5, n), "wkhrs": hours, "nwker": generator.uniform(10, 200, n), "hdd65": 3000,
         "source_eui": 100 * (hours / 60) ** 0.5 * generator.lognormal(0, 0.3, n)}
    )  # fmt: skip


def written(folder: Path, name: str, table: pd.DataFrame) -> Path:
    table.to_csv(folder / name, index=False)
    return folder


def test_drivers_that_are_missing_or_alike_for_all_are_none(tmp_path: Path) -> None:
    (group,) = read_groups(written(tmp_path, "cbecs_office.csv.gz", offices(80)))
    assert group.names == ("hours", "density")
    (group,) = read_groups(written(tmp_path, "cbecs_office.csv.gz", offices(80)[["hdd65", "source_eui"]]))
    assert group.names == ()
    assert np.isfinite(list(worst_figures(tmp_path, 3).values())[:4]).all()


def test_a_group_too_small_to_be_halved_is_left_out(tmp_path: Path) -> None:
    assert read_groups(written(tmp_path, "cbecs_office.csv", offices(59))) == []
    assert worst_figures(tmp_path, 3) == {}


def test_uses_are_groups_of_their_own(tmp_path: Path) -> None:
    table = pd.DataFrame({"use_type": ["School"] * 60 + ["Hall"] * 20, "source_eui_kbtu_ft2": np.arange(1, 81)})
    (group,) = read_groups(written(tmp_path, "seattle.csv.gz", table))
    assert (group.name, len(group.intensity)) == ("seattle School", 60)


def test_a_file_without_intensities_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="expected the column source_eui; came sqft"):
        read_groups(written(tmp_path, "cbecs_office.csv.gz", offices(80).drop(columns="source_eui")))
