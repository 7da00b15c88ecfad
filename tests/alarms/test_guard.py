"""No address of ours is reached by a webhook, in whatever spelling (corpus 166-175 and more)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from api.alarms.guard import destination
from api.alarms.post import MOST_BYTES, post
from energy.errors import SendError, SendRefused, SendUnavailable
from tests.alarms.receivers import Drip, HttpReceiver

PORT = "{port}"
CORPUS = [
    f"http://127.0.0.1:{PORT}/",
    f"http://[::ffff:127.0.0.1]:{PORT}/",
    f"http://0x7f.1:{PORT}/",
    f"http://2130706433:{PORT}/",
    "http://169.254.169.254/",
    f"http://a@127.0.0.1:{PORT}/",
    f"http://localhost.:{PORT}/",
    "file:///etc/passwd",
    f"gopher://127.0.0.1:{PORT}/_x",
    f"http://localhost:{PORT}/",
    f"http://LOCALHOST:{PORT}/",
    f"http://127.1:{PORT}/",
    f"http://127.0.1:{PORT}/",
    f"http://127.000.000.001:{PORT}/",
    f"http://0177.0.0.1:{PORT}/",
    f"http://0x7f000001:{PORT}/",
    f"http://0x7f.0x0.0x0.0x1:{PORT}/",
    f"http://017700000001:{PORT}/",
    f"http://0:{PORT}/",
    f"http://0.0.0.0:{PORT}/",
    f"http://127.255.255.254:{PORT}/",
    f"http://[::1]:{PORT}/",
    f"http://[::]:{PORT}/",
    f"http://[0:0:0:0:0:0:0:1]:{PORT}/",
    f"http://[::ffff:7f00:1]:{PORT}/",
    f"http://[::127.0.0.1]:{PORT}/",
    f"http://[64:ff9b::7f00:1]:{PORT}/",
    f"http://[2002:7f00:1::]:{PORT}/",
    f"http://[::1%25lo]:{PORT}/",
    f"http://[fe80::1]:{PORT}/",
    f"http://[fc00::1]:{PORT}/",
    f"http://[fd00:ec2::254]:{PORT}/",
    f"http://[ff02::1]:{PORT}/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://169.254.170.2/v2/credentials",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://192.88.99.1/",
    f"http://example.org@127.0.0.1:{PORT}/",
    f"http://127.0.0.1:{PORT}#@example.org/",
    f"http://127.0.0.1:{PORT}\\@example.org/",
    f"http://127。0。0。1:{PORT}/",
    f"http://①②⑦.⓪.⓪.①:{PORT}/",
    f"http://127.0.0.1%2f@example.org:{PORT}/",
    f"http://127.0.0.1:{PORT}/\r\nHost: example.org",
    f" http://127.0.0.1:{PORT}/",
    f"//127.0.0.1:{PORT}/",
    f"ftp://127.0.0.1:{PORT}/",
    f"dict://127.0.0.1:{PORT}/stat",
    f"jar:http://127.0.0.1:{PORT}!/",
    "http:///nowhere",
    "http://[::1/",
    "http://8.8.8.8:22/",
    "http://8.8.8.8:25/",
    "http://8.8.8.8:99999/",
    f"http://-a.example:{PORT}/",
    "http://" + "a" * 3000 + ".example/",
    "",
]


@pytest.mark.parametrize("url", CORPUS)
def test_no_url_of_the_corpus_reaches_this_machine(url: str, http: HttpReceiver) -> None:
    with pytest.raises(SendError):
        post(destination(url.replace(PORT, str(http.port))), b"{}", {}, timeout_s=1)
    assert http.taken == []


def test_the_corpus_is_as_long_as_promised() -> None:
    assert len(set(CORPUS)) >= 40


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["93.184.216.34", "127.0.0.1"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["169.254.169.254"],
        ["fe80::1%eth0"],
    ],
)
def test_a_name_that_leads_inside_is_refused(addresses: Sequence[str]) -> None:
    with pytest.raises(SendRefused, match="not public"):
        destination("https://hook.example/x", resolve=lambda host, port: addresses)


def test_a_name_is_looked_up_once_and_its_address_is_used(http: HttpReceiver) -> None:
    answers = [["127.0.0.1"], ["127.0.0.2"]]  # rebinding: another address for who asks twice
    to = destination(
        f"http://hook.example:{http.port}/x?y=1",
        allowed_hosts=["hook.example"],
        resolve=lambda host, port: answers.pop(0),
    )
    post(to, b"{}", {}, timeout_s=2)
    assert answers == [["127.0.0.2"]]
    assert (http.taken[0].path, http.taken[0].headers["Host"]) == ("/x?y=1", f"hook.example:{http.port}")


def test_a_public_name_is_allowed_and_pinned() -> None:
    to = destination("https://hook.example/x", resolve=lambda host, port: ["93.184.216.34", "2606:2800:220:1::1"])
    assert (to.host, to.ip, to.port) == ("hook.example", "93.184.216.34", 443)


def test_redirects_are_not_followed(http: HttpReceiver) -> None:
    with HttpReceiver(status=307, location=http.url("/canary")) as first:
        to = destination(first.url(), allowed_hosts=["127.0.0.1"])
        with pytest.raises(SendRefused, match="redirects are not followed"):
            post(to, b"{}", {}, timeout_s=2)
    assert http.taken == []


def test_an_answer_without_end_is_cut(http: HttpReceiver) -> None:
    http.answer = b"x" * (3 * MOST_BYTES)
    to = destination(http.url(), allowed_hosts=["127.0.0.1"])
    assert len(post(to, b"{}", {}, timeout_s=2)) == MOST_BYTES


def test_an_answer_that_begins_without_end_is_cut() -> None:
    """Each byte comes in time, and the first line takes ten seconds: nobody holds up what others are to be told."""
    with Drip(10) as slow, pytest.raises(SendUnavailable, match="too slowly"):
        post(destination(f"http://127.0.0.1:{slow.port}/", allowed_hosts=["127.0.0.1"]), b"{}", {}, timeout_s=0.5)


@pytest.mark.parametrize(("status", "kind"), [(500, SendUnavailable), (429, SendUnavailable), (404, SendRefused)])
def test_the_status_says_whether_to_try_again(status: int, kind: type[SendError], http: HttpReceiver) -> None:
    http.status = status
    with pytest.raises(kind, match=str(status)):
        post(destination(http.url(), allowed_hosts=["127.0.0.1"]), b"{}", {}, timeout_s=2)


def test_a_receiver_that_is_not_there_is_tried_again() -> None:
    with HttpReceiver() as gone:
        url = gone.url()
    with pytest.raises(SendUnavailable):
        post(destination(url, allowed_hosts=["127.0.0.1"]), b"{}", {}, timeout_s=1)
