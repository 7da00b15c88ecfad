"""Users, tokens and the scope they give."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.scope import Action, actions_of, everything, scope_of
from energy.errors import Forbidden, NotInRegistry, RegistryError
from energy.registry import Institution, Node, Region, Role, Snapshot, User
from energy.registry.rows import Department
from tests.api.world import World

DAY = date(2026, 1, 1)


def _snapshot() -> Snapshot:
    regions = {
        "1": Region("1", "省"),
        "11": Region("11", "甲市", parent="1"),
        "111": Region("111", "甲县", parent="11"),
        "12": Region("12", "乙市", parent="1"),
    }
    institutions = {
        "school": Institution("school", "学校", "111", "021", department="教育局"),
        "branch": Institution("branch", "分校", "12", "021", parent="school", department="教育局"),
        "court": Institution("court", "法院", "11", "01"),
        "clinic": Institution("clinic", "医院", "12", "022", department="卫健委"),
    }
    return Snapshot(1, regions=regions, institutions=institutions)


@pytest.mark.parametrize(
    ("node", "department", "institutions", "regions"),
    [
        (Node(), None, {"school", "branch", "court", "clinic"}, {"1", "11", "111", "12"}),
        (Node("region", "11"), None, {"school", "court"}, {"11", "111"}),
        (Node("region", "12"), None, {"branch", "clinic"}, {"12"}),
        (Node("institution", "school"), None, {"school", "branch"}, set()),
        (Node("institution", "branch"), None, {"branch"}, set()),
        (Node(), "教育局", {"school", "branch"}, set()),
        (Node("region", "12"), "教育局", {"branch"}, set()),
        (Node("region", "gone"), None, set(), set()),
        (Node("institution", "gone"), None, set(), set()),
    ],
)
def test_a_scope_is_the_node_and_what_is_below(
    node: Node, department: str | None, institutions: set[str], regions: set[str]
) -> None:
    scope = scope_of(User("u", Role.VIEWER, node, department), _snapshot(), today=DAY)
    assert scope.institutions == institutions
    assert scope.regions == regions


def test_a_department_holds_from_its_first_to_its_last_day() -> None:
    moved = {"court": (Department("court", "教育局", date(2026, 1, 1), date(2026, 7, 1)),)}
    snapshot = Snapshot(1, _snapshot().regions, _snapshot().institutions, moved)
    user = User("u", Role.VIEWER, Node(), "教育局")
    seen = [("court" in scope_of(user, snapshot, today=day).institutions) for day in
            (date(2025, 12, 31), date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1))]  # fmt: skip
    assert seen == [False, True, True, False]


def test_what_a_scope_does_not_hold_is_not_found_and_what_a_role_lacks_is_forbidden() -> None:
    scope = scope_of(User("u", Role.VIEWER, Node("region", "11")), _snapshot(), today=DAY)
    for ask in (lambda: scope.institution("clinic"), lambda: scope.region("1"), lambda: scope.meter("m")):
        with pytest.raises(NotInRegistry, match="is not known here"):
            ask()
    with pytest.raises(Forbidden, match="may not approve"):
        scope.require(Action.APPROVE)
    assert everything(_snapshot()).is_whole


def test_nobody_holds_a_node_of_which_they_do_not_see_all() -> None:
    def holder(node: Node, department: str | None = None) -> list[str]:
        scope = scope_of(User("u", Role.ADMINISTRATOR, node, department), _snapshot(), today=DAY)
        nodes = [Node(), Node("region", "11"), Node("region", "12"), Node("institution", "school"),
                 Node("institution", "branch"), Node("institution", "gone")]  # fmt: skip
        return [f"{n.scope}{n.id}" for n in nodes if scope.holds(n)]

    assert holder(Node()) == ["root", "region11", "region12", "institutionschool", "institutionbranch"]
    assert holder(Node("region", "11")) == ["region11"]  # the school has a branch elsewhere
    assert holder(Node("institution", "school")) == ["institutionschool", "institutionbranch"]
    assert holder(Node(), "教育局") == ["institutionschool", "institutionbranch"]


@given(st.sets(st.sampled_from(sorted(Action))), st.sampled_from(list(Role)))
def test_a_token_never_exceeds_its_owner(actions: set[Action], role: Role) -> None:
    owner = scope_of(User("u", role, Node("region", "11")), _snapshot(), today=DAY)
    for node in (Node(), Node("region", "12"), Node("region", "111"), Node("institution", "school")):
        inner = owner.narrowed(actions, node)
        assert inner.actions <= owner.actions & set(actions)
        assert inner.institutions <= owner.institutions
        assert inner.regions <= owner.regions


def test_only_an_administrator_may_do_everything() -> None:
    assert [role for role in Role if actions_of(role) == set(Action)] == [Role.ADMINISTRATOR]
    assert all(Action.READ in actions_of(role) for role in Role)


def test_a_users_life_over_http(world: World) -> None:
    house = world.province.houses[0].id
    node = {"scope": "institution", "id": house}
    with world.client() as admin:
        made = admin.post("/api/v1/users", json={"name": "life", "role": "viewer", "node": node})
        assert made.status_code == 201
        assert made.json()["path"] == f"/enter/{made.json()['secret']}"
        assert admin.post("/api/v1/users", json={"name": "life", "role": "viewer", "node": node}).status_code == 422
        changed = admin.patch("/api/v1/users/life", json={"role": "approver", "display": "生命"}).json()
        assert (changed["role"], changed["display"], changed["node"]) == ("approver", "生命", node)
        assert admin.get("/api/v1/users/life").json() == changed
        assert admin.delete("/api/v1/users/life").status_code == 204
        assert admin.get("/api/v1/users/life").status_code == 404
        refused = admin.post("/api/v1/users", json={"name": "life", "role": "viewer", "node": node})
        assert "not given again" in refused.json()["detail"]
        assert admin.delete("/api/v1/users/root-administrator").status_code == 409
        assert admin.post("/api/v1/users", json={"name": "x", "role": "king", "node": node}).status_code == 422


def test_nobody_hands_out_more_than_they_have(world: World) -> None:
    house = world.province.houses[0].id
    world.add_user("local-admin", Role.ADMINISTRATOR, Node("institution", house))
    with world.client("local-admin") as client:
        for node in ({"scope": "root", "id": ""}, {"scope": "region", "id": "990000"}):
            body = {"name": "more", "role": "viewer", "node": node}
            assert client.post("/api/v1/users", json=body).status_code == 404
            assert client.post("/api/v1/tokens", json={"label": "x", "node": node}).status_code == 404
        assert client.get("/api/v1/users/root-administrator").status_code == 404
        seen = client.get("/api/v1/users").json()["items"]
        assert "local-admin" in [user["name"] for user in seen]
        assert {user["node"]["id"] for user in seen} == {house}


def test_a_token_is_shown_once_narrowed_and_revoked_at_once(world: World) -> None:
    house = world.province.houses[0].id
    body = {"label": "report", "actions": ["read"], "node": {"scope": "institution", "id": house}, "valid_days": 30}
    with world.client() as admin:
        made = admin.post("/api/v1/tokens", json=body).json()
        assert len(made["secret"].split("_", 2)[2]) == 43  # 256 bits as base64
        world.tokens["narrow"] = made["secret"]
        with world.client("narrow") as narrow:
            assert [i["id"] for i in narrow.get("/api/v1/institutions").json()["items"]] == [house]
            assert narrow.post("/api/v1/imports", json={"sheets": {}}).status_code == 200
            assert narrow.post("/api/v1/imports", json={"sheets": {"meters": []}}).status_code == 403
            assert narrow.post("/api/v1/tokens", json=body).status_code == 403
            listed = {t["id"]: t for t in admin.get("/api/v1/tokens", params={"limit": 1000}).json()["items"]}
            assert "secret" not in listed[made["id"]]
            assert listed[made["id"]]["last_used"] is not None
            assert admin.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
            assert narrow.get("/api/v1/institutions").status_code == 401
        assert admin.delete("/api/v1/tokens/never").status_code == 404


def test_an_expired_token_and_one_of_a_removed_user_are_void(world: World) -> None:
    now = int(time.time())
    tokens = world.registry.tokens
    _, text = tokens.issue("root-viewer", "t", actions=("read",), node=Node(), now=now - 100, valid_s=50)
    assert tokens.find(text, now=now) is None
    text = world.add_user("short-lived", Role.VIEWER, Node())
    assert tokens.find(text, now=now) is not None
    world.registry.accounts.remove("short-lived")
    assert tokens.find(text, now=now) is None


@pytest.mark.parametrize(
    "text",
    ["", "jn", "jn_", "jn__", "jn_0_0", "JN_a_b", "x" * 100_000, "jn_'; DROP TABLE users;--_x",
     "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.", "eyJhbGciOiJIUzI1NiIsImtpZCI6Ii4uLy4uL2Rldi9udWxsIn0.e30.x"],
)  # fmt: skip
def test_what_is_no_token_opens_nothing(world: World, text: str) -> None:
    assert world.registry.tokens.find(text, now=int(time.time())) is None


def test_names_and_nodes_must_make_sense(world: World) -> None:
    accounts = world.registry.accounts
    with pytest.raises(RegistryError, match="user name: expected"):
        User("no spaces", Role.VIEWER, Node())
    with pytest.raises(RegistryError, match="node: expected"):
        Node("region", "")
    with pytest.raises(NotInRegistry, match="import it first"):
        accounts.add(User("nowhere", Role.VIEWER, Node("region", "123456")), now=0)
