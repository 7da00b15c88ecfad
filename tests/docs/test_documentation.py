"""Documentation that is tested: commands, links, parameters, deployment files."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from jieneng.reference import commands_page

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("analytics", "api", "collector", "dashboards", "energy", "jieneng", "simulators")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])


def modules() -> Iterator[ModuleType]:
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if ".migrations" not in found.name and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_resolves_to_this_checkout(name: str) -> None:
    package = importlib.import_module(name)
    assert Path(str(package.__file__)).parent == ROOT / name


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert page == commands_page(), "run scripts/write-docs"


def verbs() -> dict[str, str]:
    """What the page of commands says of each verb."""
    _, *parts = re.split(r"^## `jieneng ([^`]+)`", commands_page(), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("verb", verbs())
def test_the_help_of_a_verb_ends_with_an_example_of_it(verb: str) -> None:
    assert verbs()[verb].rstrip().splitlines()[-1].startswith(f"Example: `jieneng {verb}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_on_a_page_are_verbs_with_options_that_they_have(page: Path) -> None:
    known, text = verbs(), page.read_text(encoding="utf-8")
    for line in re.findall(r"(?:`|^)jieneng ([a-z][^`#\n]*)", text, re.MULTILINE):
        named = [verb for verb in known if f"{line} ".startswith(f"{verb} ")]
        groups = [verb for verb in known if verb.startswith(f"{line.split()[0]} ")]
        assert named or (groups and len(line.split()) == 1) or "|" in line, f"jieneng {line}: no such verb"
        options = set(re.findall(r"(?<!\S)--[a-z-]+", line)) - {"--help"}
        assert all(f"`{option}" in known[verb] for verb in named for option in options), f"jieneng {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [t for t in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in t]
    missing = [t for t in targets if not (page.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_is_one_sentence_one_picture_two_commands_three_links(name: str) -> None:
    head = (ROOT / name).read_text(encoding="utf-8").splitlines()[:40]
    text = "\n".join(head)
    assert len(re.findall(r"^!\[", text, re.MULTILINE)) == 1
    assert re.findall(r"^make (\w+)", text, re.MULTILINE) == ["demo", "test"]
    assert len(re.findall(r"(?<!!)\[[^\]]+\]\(", text)) == 3


def documented_parameters(doc: str) -> set[str]:
    """Names of the section `Parameters` of a numpy docstring."""
    section = re.search(r"\n\s*Parameters\n\s*-{5,}\n(.*?)(?:\n\s*\w+\n\s*-{5,}|\Z)", doc, re.DOTALL)
    if section is None:
        return set()
    lines = section.group(1).splitlines()
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    names = [line.split(" : ")[0].strip() for line in lines if line[margin : margin + 1].strip() and " : " in line]
    return {part.strip().lstrip("*") for name in names for part in name.split(",")}


def test_documented_parameters_exist_and_no_array_among_them_is_left_out() -> None:
    """Where a docstring has the section, a renamed parameter shows, and every array has its shape and unit."""
    wrong = []
    for module in modules():
        for name, thing in inspect.getmembers(module, inspect.isfunction):
            if thing.__module__ != module.__name__ or not thing.__doc__:
                continue
            named = documented_parameters(f"\n{inspect.cleandoc(thing.__doc__)}\n")
            known = inspect.signature(thing).parameters
            arrays = {key for key, parameter in known.items() if "Array" in str(parameter.annotation)}
            if named and not arrays <= named <= set(known):
                wrong.append(f"{module.__name__}.{name}: documented {sorted(named)}, arrays {sorted(arrays)}")
    assert wrong == []


def test_compose_pins_every_image_and_keeps_secrets_in_files() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    images = [service["image"] for service in compose["services"].values()]
    assert all(re.search(r":\d+\.\d+(\.\d+)?$", image) for image in images), images
    assert all(entry["file"].startswith("./secrets/") for entry in compose["secrets"].values())
    assert {name for service in compose["services"] for name in secrets_of(compose, service)} == set(compose["secrets"])


def test_only_influxdb_and_what_prepares_it_hold_the_managing_token() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    holders = {name for name in compose["services"] if "influx_admin_token" in secrets_of(compose, name)}
    assert holders == {"influxdb", "prepare"}
    for name in ("collect", "serve", "grafana"):
        assert compose["services"][name]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}


def secrets_of(compose: dict[str, Any], service: str) -> set[str]:
    """Names of the secrets that a service is given."""
    given = compose["services"][service].get("secrets", [])
    return {entry if isinstance(entry, str) else entry["source"] for entry in given}


def test_compose_names_only_settings_that_exist() -> None:
    from energy.settings import known_keys, variable

    known = {variable(key) for key in known_keys()}
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    used = {name for service in compose["services"].values() for name in service.get("environment", {})}
    assert {name for name in used if name.startswith("JIENENG_")} <= known


def test_units_of_systemd_start_verbs_that_exist() -> None:
    verbs = set(re.findall(r"^## `jieneng (\w[\w-]*)", commands_page(), re.MULTILINE))
    for unit in (ROOT / "deploy" / "systemd").glob("*.service"):
        verb = re.search(r"^ExecStart=\S+ (\S+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        assert verb is not None, unit
        assert verb.group(1) in verbs
