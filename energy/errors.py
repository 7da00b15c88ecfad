"""Every error Jieneng raises on purpose, as one tree.

    EnergyError
    |-- SettingsError            a setting is missing, unknown or impossible: stop at start
    |-- ReferenceTableError      a reference table is broken or holds no row for the question
    |   `-- MissingReference     the question has no answer in the dated tables (never a default)
    |-- CaliberMismatch          two figures of different calibers were about to be compared
    |-- BreakdownRefused         parts of a target that do not add up, or cannot
    |-- UnitError                a unit is unknown, or cannot be turned into the one wanted
    |-- TopicError               an MQTT topic that is not ours
    |-- PayloadError             a message that cannot be read as readings
    |-- MqttError                a peer broke the MQTT specification (carries the reason code to answer with)
    |-- RegistryError            the registry refused
    |   |-- NotInRegistry        no such institution, meter, gateway ...
    |   |-- SignInRefused        user name or password is wrong (never says which)
    |   |-- SignInDelayed        too many failed sign-ins: try again after `retry_after_s`
    |   |-- ImportRefused        an import file has problems (all of them listed)
    |   |-- RegistryUnavailable  try again later: the database is down or held by another writer
    |   `-- SchemaOutdated       the database is older or newer than this program
    |-- StorageError             the time-series store
    |   |-- StorageUnavailable   try again later: the store is down, slow or full
    |   |-- StorageRejected      never try again: these rows are refused
    |   `-- StorageForbidden     the store refuses our credentials, bucket or size: stop and alarm
    |-- SpoolError               the disk queue
    |   |-- SpoolFull            quota or disk reached: stop acknowledging
    |   `-- SpoolCorrupt         the file was moved aside; a new one was begun
    |-- JobsIncomplete           a run of the jobs could not compute some institutions; the others are computed
    |-- GrafanaError             Grafana is away, or refused a dashboard, folder or data source
    |-- SendError                a message could not be handed over
    |   |-- SendUnavailable      try again later
    |   `-- SendRefused          never: the destination is not allowed, or refuses this message
    |-- Forbidden                the caller sees the thing and may not do this with it
    |-- RecordingError           a folder of recorded data cannot be read
    `-- ConnectionLost           a broker or gateway connection ended

Callers decide by type, never by reading text. Libraries' errors are translated at their door.
"""

from __future__ import annotations


class EnergyError(Exception):
    """Root of every error of this program."""


class SettingsError(EnergyError):
    """A setting is missing, unknown or impossible; names the key and the mend."""


class ReferenceTableError(EnergyError):
    """A reference table is broken; names file, row and column."""


class MissingReference(ReferenceTableError):
    """The dated reference tables hold no row for the question. Never answered by a default."""


class CaliberMismatch(EnergyError):
    """Two figures of different calibers (口径) were about to be compared or added."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"figures of caliber {left!r} and {right!r} cannot be compared")
        self.left = left
        self.right = right


class BreakdownRefused(EnergyError):
    """Parts and reserve do not add up to the target they break down, or an amount cannot be divided."""


class UnitError(EnergyError):
    """A unit is unknown, or cannot be turned into the one wanted."""


class TopicError(EnergyError):
    """An MQTT topic that does not follow the topic scheme."""


class PayloadError(EnergyError):
    """A message arrived that cannot be read as readings.

    `reason` is one of the codes of `energy.model.Reason`; `detail` says what was expected and what came.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class MqttError(EnergyError):
    """A peer broke the MQTT specification, or asked for what we do not support.

    `code` is the MQTT 5 reason code the peer is answered with (3.1.1 knows only closing).
    """

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(f"0x{code:02X}: {detail}")
        self.code = code
        self.detail = detail


class RegistryError(EnergyError):
    """The registry refused."""


class NotInRegistry(RegistryError):
    """No such institution, building, gateway, meter ... in the registry."""


class SignInRefused(RegistryError):
    """User name or password is wrong; never says which, nor whether the user exists."""


class SignInDelayed(RegistryError):
    """Too many failed sign-ins for this name or address: try again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many failed sign-ins: try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class ImportRefused(RegistryError):
    """An import file has problems; nothing of it was taken. `problems` lists them all."""

    def __init__(self, problems: list[str]) -> None:
        shown = "\n".join(problems[:20])
        more = f"\n... and {len(problems) - 20} more" if len(problems) > 20 else ""
        super().__init__(f"{len(problems)} problem(s), nothing was imported:\n{shown}{more}")
        self.problems = problems


class RegistryUnavailable(RegistryError):
    """The registry's database cannot be reached now, or another writer holds it: try again later."""


class SchemaOutdated(RegistryError):
    """A database on disk has another schema version than this program."""


class StorageError(EnergyError):
    """The time-series store."""


class StorageUnavailable(StorageError):
    """The store is down, slow or full: try again later."""


class StorageRejected(StorageError):
    """The store refuses these rows for what they are: never try the same rows again."""


class StorageForbidden(StorageError):
    """The store refuses credentials, bucket or request size: stop and alarm."""


class SpoolError(EnergyError):
    """The disk queue between acknowledgement and store."""


class SpoolFull(SpoolError):
    """Quota or disk is reached: stop acknowledging until there is room."""


class SpoolCorrupt(SpoolError):
    """The spool file is damaged; it was moved aside and kept."""


class JobsIncomplete(EnergyError):
    """A run of the jobs could not compute some institutions; the others are computed."""


class GrafanaError(EnergyError):
    """Grafana is away, or refused a dashboard, folder or data source; says where and what to do."""


class SendError(EnergyError):
    """A message could not be handed to the one who should get it."""


class SendUnavailable(SendError):
    """The receiver does not answer now: try again later."""


class SendRefused(SendError):
    """The destination is not allowed, or the receiver refuses this message for good."""


class Forbidden(EnergyError):
    """The caller sees the thing, and their role may not do this with it."""


class RecordingError(EnergyError):
    """A folder of recorded data cannot be read; names the file and what was expected."""


class ConnectionLost(EnergyError):
    """A broker or gateway connection ended."""
