"""The settings as pages: `docs/settings.md` and `.env.example`, both made from the settings themselves."""

from __future__ import annotations

from itertools import groupby

from energy.settings import known_keys, variable

_PAGE_HEAD = """# Settings

One file, `settings.toml` in the home folder (`--home`, else `JIENENG_HOME`, else `.jieneng`), and environment variables
on top of it. An unknown key stops the start and names the nearest known one. Secrets have no default, are never
printed, and can come from a file: give `token_file` instead of `token`.

```toml
zone = "Asia/Shanghai"

[mqtt]
host = "0.0.0.0"
port = 8883
tls_cert = "/etc/jieneng/cert.pem"
tls_key = "/etc/jieneng/key.pem"
```

What changes by decree (coefficients, quotas, emission factors, holidays) is not a setting but a dated row with its
source: see [Reference tables](reference.md). This page is made by `scripts/write-docs`.
"""

_ENV_HEAD = """# Every setting of Jieneng as an environment variable, with its default.
# Copy to .env (compose) or to an EnvironmentFile (systemd) and uncomment what differs; settings.toml may hold the same.
# This file is made by scripts/write-docs.
"""


def settings_page() -> str:
    """Markdown of every setting: key, variable, default, meaning."""
    return _PAGE_HEAD + "".join(_section(group, keys) for group, keys in _groups())


def env_example() -> str:
    """Every setting as a commented-out variable."""
    return _ENV_HEAD + "".join("".join(["\n", *(_assignment(key) for key in keys)]) for _, keys in _groups())


def _groups() -> list[tuple[str, list[str]]]:
    return [(group, list(keys)) for group, keys in groupby(known_keys(), lambda key: key.rpartition(".")[0])]


def _section(group: str, keys: list[str]) -> str:
    title = f"## `[{group}]`" if group else "## At the top of the file"
    head = ["", title, "", "| key | variable | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *map(_row, keys), ""])


def _row(key: str) -> str:
    default, text = known_keys()[key]
    shown = f"`{default}`" if default else "-"
    return f"| `{key.rpartition('.')[2]}` | `{variable(key)}` | {shown} | {text} |"


def _assignment(key: str) -> str:
    default, text = known_keys()[key]
    return f"# {text}\n#{variable(key)}={default}\n"
