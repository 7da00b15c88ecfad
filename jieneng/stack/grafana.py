"""Grafana: its process, with data source and dashboards from files and a token that may only read."""

from __future__ import annotations

import shutil
from pathlib import Path

from dashboards.build import write
from energy.settings import Settings
from jieneng.commands.dashboards import place_of
from jieneng.probes import answers
from jieneng.stack.installation import port_of, secret_file
from jieneng.stack.servers import deployed
from jieneng.supervisor import Part

_TOKEN_IN_CONTAINERS = "/run/secrets/influx_read_token"  # noqa: S105  # a path


def part(folder: Path, settings: Settings) -> Part:
    """Grafana on loopback, its data in the home folder; accounts are made by its administrator."""
    own, url = settings.home / "grafana", settings.grafana.url or ""
    _provision(own, settings)
    environment = {
        "GF_PATHS_DATA": own / "data",
        "GF_PATHS_LOGS": own / "logs",
        "GF_PATHS_PLUGINS": own / "plugins",
        "GF_PATHS_PROVISIONING": own / "provisioning",
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": port_of(url),
        "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{secret_file(settings.home, 'grafana_password')}}}",
        "GF_SECURITY_SECRET_KEY": f"$__file{{{secret_file(settings.home, 'grafana_secret_key')}}}",
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_USERS_DEFAULT_LANGUAGE": "detect",
        "GF_USERS_DEFAULT_THEME": "light",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": own / "dashboards" / "zh" / "jieneng-overview.json",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
        "GF_LOG_LEVEL": "warn",
        "STORE_URL": settings.store.url,
        "STORE_BUCKET": settings.store.bucket,
        "DASHBOARDS_FOLDER": own / "dashboards",
    }
    return Part.of_server(
        [folder / "bin" / "grafana", "server", "--homepath", folder],
        settings.home,
        answers(f"{url}/api/health"),
        {name: str(value) for name, value in environment.items()},
    )


def _provision(own: Path, settings: Settings) -> None:
    """The files of `deploy/grafana`, naming this home's token, and dashboards with this installation's console."""
    own.mkdir(exist_ok=True, mode=0o700)
    shutil.copytree(deployed("grafana/provisioning"), own / "provisioning", dirs_exist_ok=True)
    source = own / "provisioning" / "datasources" / "jieneng.yaml"
    token = str(settings.store.read_token_file)
    source.write_text(source.read_text(encoding="utf-8").replace(_TOKEN_IN_CONTAINERS, token), encoding="utf-8")
    write(own / "dashboards", place_of(settings))
