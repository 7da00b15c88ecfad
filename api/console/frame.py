"""The frame of every page: who asks, in which language, with which words; errors as pages; answers after a form."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeVar
from urllib.parse import quote, urlencode

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, ValidationError

from api.callers import Caller, Known, may
from api.console.show import Show
from api.console.words import WORDS
from api.context import Context, Ctx
from api.problems import Problem, wrong
from api.scope import Action, Scope
from energy.errors import (
    EnergyError,
    Forbidden,
    ImportRefused,
    NotInRegistry,
    RegistryUnavailable,
    StorageUnavailable,
)
from energy.reference import CaliberRow, Code, Indicator, table

M = TypeVar("M", bound=BaseModel)
LANGUAGE_COOKIE: Final = "jieneng_language"
_YEAR_S: Final = 365 * 86_400
_MENU: Final = (
    ("menu_today", (("/", "home"), ("/alarms", "alarms"), ("/findings", "findings"), ("/tasks", "tasks"))),
    ("menu_see", (("/places", "places"), ("/targets", "targets"), ("/costs", "costs"), ("/reports", "reports"))),
    (
        "menu_data",
        (
            ("/quality", "quality"),
            ("/corrections", "corrections"),
            ("/entry", "entry"),
            ("/audits", "audits"),
            ("/ledger", "ledger"),
        ),
    ),
)

_INDICATORS: Final = {row.key: row for row in table("indicators", Indicator)}
_CALIBERS: Final = {row.key: row for row in table("calibers", CaliberRow)}
_CODES: Final = {(row.level, row.code): row for row in table("energy_categories", Code)}

templates = Jinja2Templates(Path(__file__).parent / "templates")
templates.env.trim_blocks = templates.env.lstrip_blocks = True
templates.env.globals["menu"] = _MENU


def language_of(request: Request) -> str:
    """Chosen by the switch (`?lang=`), remembered in a cookie; Chinese until then."""
    wanted = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    return wanted if wanted in WORDS else "zh"


def render(
    request: Request, template: str, shown: dict[str, object], *, language: str, status: int = 200
) -> HTMLResponse:
    """A page in a language; a language that was switched to is remembered."""
    other = "en" if language == "zh" else "zh"
    kept = [(k, v) for k, v in request.query_params.multi_items() if k != "lang"]
    frame = {
        "w": WORDS[language],
        "lang": language,
        "switch": f"{request.url.path}?{urlencode([*kept, ('lang', other)])}",
        "path": request.url.path,
    }
    answer = templates.TemplateResponse(request, template, {**frame, **shown}, status)
    if request.query_params.get("lang") in WORDS:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="lax", httponly=True)
    return answer


@dataclass(frozen=True, slots=True)
class Page:
    """One page being answered to a known caller."""

    request: Request
    ctx: Context
    caller: Caller
    scope: Scope
    language: str
    zone: str

    def at(self, institution: str) -> Self:
        """The same page, its times in the zone of an institution."""
        return replace(self, zone=self.ctx.zone_of(institution))

    @property
    def words(self) -> dict[str, str]:
        """The words of its language."""
        return WORDS[self.language]

    @property
    def put(self) -> Show:
        """How figures and names look in its language."""
        return Show(self.language, self.zone)

    @property
    def user(self) -> str:
        """Who does what this page asks for."""
        return self.caller.user.name

    def indicator(self, key: str) -> str:
        """Name of an indicator."""
        return self.put.name(_INDICATORS.get(key), key)

    def indicator_unit(self, key: str) -> str:
        """Unit of an indicator."""
        return self.put.unit(_INDICATORS[key].unit) if key in _INDICATORS else ""

    def standard(self, key: str) -> str:
        """Standard that an indicator comes from."""
        return _INDICATORS[key].standard if key in _INDICATORS else ""

    def caliber(self, key: str) -> str:
        """Name of a caliber (口径)."""
        return self.put.name(_CALIBERS.get(key), key)

    def kind(self, code: str) -> str:
        """What kind of institution a type code means."""
        return self.put.name(_CODES.get(("institution", code)), code)

    def item(self, code: str) -> str:
        """Name of an end use (分项)."""
        found = next((c for level in ("item", "sub1", "sub2") if (c := _CODES.get((level, code)))), None)
        return self.put.name(found, self.words.get(f"item_{code}", code))

    def meter(self, identity: str) -> str:
        """Name of a meter."""
        return self.put.either(*self.scope.snapshot.meter_names.get(identity, ("", ""))) or identity

    def building(self, identity: str) -> str:
        """Name of a building."""
        return self.put.name(self.scope.snapshot.buildings.get(identity), identity)

    def gateway(self, identity: str) -> str:
        """Name of a gateway."""
        return self.put.name(self.scope.snapshot.gateways.get(identity), identity)

    def place_of(self, meter: str) -> str:
        """Name of a meter, after that of its building where it is in one."""
        found = self.scope.snapshot.meters.get(meter)
        name = self.meter(meter)
        where = self.building(found.building) if found and found.building else ""
        return name if not where or name.startswith(where) else f"{where} · {name}"

    def show(self, template: str, **shown: object) -> HTMLResponse:
        """The page; templates find words in `w`, formats in `f`, rights in `scope`."""
        session = self.caller.session
        frame = {
            "f": self.put,
            "page": self,
            "scope": self.scope,
            "user": self.caller.user,
            "csrf": session.csrf if session else "",
            "Action": Action,
            "done": self.request.query_params.get("done", ""),
        }
        return render(self.request, template, {**frame, **shown}, language=self.language)

    def number(self, field: str, text: str) -> float:
        """The number that a field of a form holds; 422 for any other text."""
        try:
            return float(text)
        except ValueError as exc:
            raise wrong(field, "a number", text) from exc

    def link(self, **changes: object) -> str:
        """This page with some of its parameters changed; one that is None or empty is left out, and so is its part."""
        kept = {k: v for k, v in self.request.query_params.items() if k not in ("lang", "done", "part")}
        wanted = {k: str(v) for k, v in (kept | changes).items() if v not in (None, "")}
        return f"?{urlencode(wanted)}"

    def go(self, path: str, done: str) -> RedirectResponse:
        """After a form: a page that can be loaded again, saying what was done."""
        page, mark, part = path.partition("#")
        return RedirectResponse(f"{page}{'&' if '?' in page else '?'}done={quote(done)}{mark}{part}", 303)


def page(action: Action) -> Callable[..., Page]:
    """A dependency: the page of a caller who may do this."""

    allowed = Depends(may(action))

    def made(request: Request, ctx: Ctx, caller: Known, scope: Scope = allowed) -> Page:
        return Page(request, ctx, caller, scope, language_of(request), ctx.zone)

    return made


Reads = Annotated[Page, Depends(page(Action.READ))]
Judges = Annotated[Page, Depends(page(Action.JUDGE))]
Corrects = Annotated[Page, Depends(page(Action.CORRECT))]
Approves = Annotated[Page, Depends(page(Action.APPROVE))]
Bills = Annotated[Page, Depends(page(Action.BILL))]
Administers = Annotated[Page, Depends(page(Action.ADMINISTER))]
Imports = Annotated[Page, Depends(page(Action.IMPORT))]
Operates = Annotated[Page, Depends(page(Action.OPERATE))]


def checked(model: type[M], given: Mapping[str, object]) -> M:
    """What a form says, held against what the API takes."""
    try:
        return model.model_validate(given)
    except ValidationError as exc:
        first = exc.errors()[0]
        raise wrong(".".join(map(str, first["loc"])), first["msg"], first["input"]) from exc


class ConsoleRoute(APIRoute):
    """A route whose errors are pages, for those who ask for pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with errors told in words."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except (Problem, EnergyError, RequestValidationError) as exc:
                leads_elsewhere = isinstance(exc, Problem) and exc.page is not None
                if leads_elsewhere or "text/html" not in request.headers.get("accept", ""):
                    raise
                return _error(request, exc)

        return handler


def _error(request: Request, exc: Problem | EnergyError | RequestValidationError) -> Response:
    status = _status(exc)
    problems = exc.problems if isinstance(exc, ImportRefused) else [_text(exc)]
    shown = {"status": status, "problems": problems, "done": ""}
    return render(request, "error.html", shown, language=language_of(request), status=status)


def _status(exc: Problem | EnergyError | RequestValidationError) -> int:
    match exc:
        case Problem():
            return exc.status
        case Forbidden():
            return 403
        case NotInRegistry():
            return 404
        case RegistryUnavailable() | StorageUnavailable():
            return 503
        case _:
            return 422


def _text(exc: Problem | EnergyError | RequestValidationError) -> str:
    if isinstance(exc, RequestValidationError):
        return "; ".join(f"{'.'.join(str(p) for p in e['loc'][1:])}: {e['msg']}" for e in exc.errors())
    return exc.detail if isinstance(exc, Problem) else str(exc)
