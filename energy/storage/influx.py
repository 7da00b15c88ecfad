"""The door to InfluxDB 2: requests, their errors, buckets and tokens. The only importer of its client library.

Of the library this uses the raw Flux query with bound parameters, deletion and management. Not its batching writer,
which forgets what it could not send, and not its data frames, which are fifty times slower than reading the CSV.
Lines and InfluxQL, all that the ingest process needs, are one POST each by urllib3, on which the library stands too:
the library is imported at its first use, since it would be a tenth of that process's memory.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from energy.errors import StorageForbidden, StorageRejected, StorageUnavailable
from energy.intervals import DAY
from energy.settings import StoreSettings, secret

if TYPE_CHECKING:
    from influxdb_client import InfluxDBClient

_CONNECTIONS: Final = 4
_LOCAL: Final = {"127.0.0.1", "::1", "localhost"}
Action = Literal["read", "write"]
"""What a token may do with a bucket."""
NANOSECONDS: Final = 1_000_000_000
_SHARD_S: Final = 91 * DAY
"""What one shard of the bucket holds. With the week that is usual every series of daily and monthly results enters
hundreds of shards: writing three years of 25 institutions takes the server 10.6 CPU-s and 501 MB, so 3.2 and 241."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an InfluxDB is, and with which token it is asked."""

    url: str
    org: str
    bucket: str
    token: str
    timeout_s: float = 30.0

    @classmethod
    def to_write(cls, settings: StoreSettings) -> Address:
        """With the token that may write."""
        token = secret(settings.token, settings.token_file, "store.token")
        return cls(settings.url, settings.org, settings.bucket, token, settings.timeout_s)

    @classmethod
    def to_manage(cls, settings: StoreSettings) -> Address:
        """With the token that may make buckets and tokens; where none is set, with the one that may write."""
        if settings.admin_token_file is None:
            return cls.to_write(settings)
        token = secret(None, settings.admin_token_file, "store.admin_token")
        return cls(settings.url, settings.org, settings.bucket, token, settings.timeout_s)

    @classmethod
    def to_read(cls, settings: StoreSettings) -> Address:
        """With the reading token; only where none is set, with the other."""
        if settings.read_token is None and settings.read_token_file is None:
            return cls.to_write(settings)
        token = secret(settings.read_token, settings.read_token_file, "store.read_token")
        return cls(settings.url, settings.org, settings.bucket, token, settings.timeout_s)


class Influx:
    """One InfluxDB bucket."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._headers = {"Authorization": f"Token {address.token}"}
        self._packs = urlsplit(address.url).hostname not in _LOCAL  # on one machine it only costs
        if self._packs:
            self._headers["Accept-Encoding"] = "gzip"
        self._pool = urllib3.PoolManager(maxsize=_CONNECTIONS, retries=False, timeout=address.timeout_s)

    @cached_property
    def _library(self) -> InfluxDBClient:
        from influxdb_client import InfluxDBClient

        at = self.address
        return InfluxDBClient(at.url, token=at.token, org=at.org, timeout=int(at.timeout_s * 1000))

    def write(self, lines: bytes) -> None:
        """Write lines with times in seconds. After StorageRejected by a field's type the other lines are stored."""
        where = urlencode({"org": self.address.org, "bucket": self.address.bucket, "precision": "s"})
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if self._packs:
            lines, headers["Content-Encoding"] = gzip.compress(lines, 1), "gzip"
        self._post(f"/api/v2/write?{where}", lines, headers)

    def influxql(self, query: str, params: Mapping[str, object], *, accept: str = "application/json") -> bytes:
        """JSON or CSV answer of an InfluxQL query, times in seconds; parameters are bound by the server."""
        form = {"db": self.address.bucket, "q": query, "params": json.dumps(params), "epoch": "s"}
        headers = {"Accept": accept, "Content-Type": "application/x-www-form-urlencoded"}
        return self._post("/query", urlencode(form).encode(), headers)

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        with self._errors():
            answer = self._pool.request(
                "POST", self.address.url + path, body=body, headers={**self._headers, **headers}
            )
            content = answer.data
        if answer.status >= 300:
            raise _refusal(self._where, answer.status, content, answer.reason)
        return content

    def flux(self, query: str, params: Mapping[str, object]) -> bytes:
        """CSV answer of a Flux query; parameters are bound as options of the query's syntax tree."""
        from influxdb_client.domain.dialect import Dialect

        plain = Dialect(header=True, annotations=[], delimiter=",", comment_prefix="#", date_time_format="RFC3339")
        bound = {"bucket": self.address.bucket, **params}
        with self._library_errors():
            return bytes(self._library.query_api().query_raw(query, dialect=plain, params=bound).read())

    def delete(self, measurement: str, tags: Mapping[str, str], first: int, last: int) -> None:
        """Delete one series' points from the instant `first` to `last`, both included."""
        conditions = {"_measurement": measurement, **tags}
        predicate = " AND ".join(f"{_quoted(name)}={_quoted(value)}" for name, value in conditions.items())
        begin, end = datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)
        with self._library_errors():
            self._library.delete_api().delete(begin, end + timedelta(microseconds=1), predicate, self.address.bucket)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (HTTPError, OSError) as exc:
            raise StorageUnavailable(f"{self._where}: no answer: {exc}") from exc

    @contextmanager
    def _library_errors(self) -> Iterator[None]:
        from influxdb_client.rest import ApiException

        try:
            with self._errors():
                yield
        except ApiException as exc:
            raise _refusal(self._where, exc.status or 0, exc.body, exc.reason) from exc

    @property
    def _where(self) -> str:
        return f"InfluxDB {self.address.url}, bucket {self.address.bucket}"

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()
        if "_library" in self.__dict__:
            self._library.close()

    def set_up(self, username: str, password: str, token: str) -> bool:
        """First user, organisation, bucket and managing token of a new InfluxDB; False if it has them already."""
        from influxdb_client import OnboardingRequest, SetupService

        wanted = OnboardingRequest(
            username=username, password=password, org=self.address.org, bucket=self.address.bucket, token=token
        )
        with self._library_errors():
            service = SetupService(self._library.api_client)
            if not service.get_setup().allowed:
                return False
            service.post_setup(wanted)
            return True

    def ensure_bucket(self, retention_days: int) -> bool:
        """Make the bucket, or give it the retention wanted (0 = for ever) and long shards; False if all was well."""
        from influxdb_client import BucketRetentionRules

        kept_s = retention_days * DAY
        shard_s = min(_SHARD_S, kept_s or _SHARD_S)
        rules = [BucketRetentionRules(type="expire", every_seconds=kept_s, shard_group_duration_seconds=shard_s)]
        with self._library_errors():
            buckets = self._library.buckets_api()
            found = buckets.find_bucket_by_name(self.address.bucket)
            if found is None:
                buckets.create_bucket(bucket_name=self.address.bucket, org=self.address.org, retention_rules=rules)
                return True
            has = [(rule.every_seconds or 0, rule.shard_group_duration_seconds) for rule in found.retention_rules]
            if has == [(kept_s, shard_s)]:
                return False
            found.retention_rules = rules
            buckets.update_bucket(found)
            return True

    def make_token(self, *actions: Action) -> str:
        """A new token that may do this with this bucket, and nothing else; it cannot be seen again."""
        from influxdb_client import Authorization, Permission, PermissionResource

        with self._library_errors():
            bucket = self._library.buckets_api().find_bucket_by_name(self.address.bucket)
            if bucket is None:
                raise StorageForbidden(f"there is no bucket {self.address.bucket}: run `jieneng doctor --fix`")
            resource = PermissionResource(type="buckets", id=bucket.id, org_id=bucket.org_id)
            made = self._library.authorizations_api().create_authorization(
                authorization=Authorization(
                    org_id=bucket.org_id,
                    permissions=[Permission(action=action, resource=resource) for action in actions],
                    description=f"jieneng: {' and '.join(actions)}",
                )
            )
            return str(made.token)


def set_up(settings: StoreSettings, *, username: str, password: str, token: str) -> bool:
    """Give a new InfluxDB its first user, organisation, bucket and managing token; False if it has them already."""
    with opened(Address(settings.url, settings.org, settings.bucket, "", settings.timeout_s)) as influx:
        return influx.set_up(username, password, token)


def ensure_bucket(settings: StoreSettings) -> bool:
    """Make the bucket of the settings with its retention and shards; True if something changed."""
    with opened(Address.to_manage(settings)) as influx:
        return influx.ensure_bucket(settings.retention_days)


def make_token(settings: StoreSettings, *actions: Action) -> str:
    """A new token that may do this with the bucket of the settings, and nothing else."""
    with opened(Address.to_manage(settings)) as influx:
        return influx.make_token(*actions)


def may_write(settings: StoreSettings) -> bool:
    """True if the reading token is allowed more than it should be."""
    try:
        with opened(replace(Address.to_read(settings), timeout_s=5.0)) as influx:
            influx.write(b"")
    except StorageForbidden:
        return False
    except StorageRejected:
        pass
    return True


@contextmanager
def opened(address: Address) -> Iterator[Influx]:
    """A connection for a few requests."""
    influx = Influx(address)
    try:
        yield influx
    finally:
        influx.close()


def _refusal(
    where: str, status: int, body: bytes | str | None, reason: str | None
) -> StorageUnavailable | StorageRejected | StorageForbidden:
    text = f"{where}: answer {status}: {_message(body) or reason}"
    if status in (401, 403, 404, 413):
        return StorageForbidden(text)
    if status in (400, 422):
        return StorageRejected(text)
    return StorageUnavailable(text)


def _message(body: bytes | str | None) -> str:
    try:
        answer = json.loads(body or "")
        return str(answer.get("message") or answer.get("error") or answer)
    except (ValueError, AttributeError):
        return ""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
