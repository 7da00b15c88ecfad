"""How far a target is used, as the API tells it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from energy.intervals import LocalCalendar
from energy.series import Table
from energy.storage.schema import TARGET
from tests.api.world import ZONE, World


@pytest.mark.parametrize(("language", "name"), [("zh", "单位建筑面积能耗"), ("en", "energy per floor area")])
def test_progress_names_its_indicator_and_unit_and_unknown_is_null(world: World, language: str, name: str) -> None:
    house = world.province.houses[0].id
    start = LocalCalendar(ZONE).start_of(date(2024, 5, 1))
    tags = {"scope": "institution", "id": house, "indicator": "energy_per_area", "caliber": "sd_2019"}
    fields: dict[str, np.ndarray] = {field: np.array([np.nan]) for field in TARGET.fields}
    fields |= {"target": np.array([20.0]), "used": np.array([5.0]), "used_share": np.array([0.25])}
    table = Table("target", np.array([start]), {k: np.array([v], object) for k, v in tags.items()}, fields)
    world.store.replace(table, where={k: [v] for k, v in tags.items()}, start=start, end=start + 1)
    with world.client() as client:
        answer = client.get(
            f"/api/v1/institutions/{house}/progress",
            params={"first": "2024-05-01", "last": "2024-05-01"},
            headers={"Accept-Language": language},
        )
    (row,) = answer.json()["items"]
    assert (row["name"], row["unit"], row["caliber"]) == (name, "kgce/(m2·a)", "sd_2019")
    assert (row["target"], row["used"], row["used_share"]) == (20.0, 5.0, 0.25)
    assert (row["stage"], row["forecast"], row["coverage"]) == (None, None, None)
