"""Who may ask this server for anything: right host, right origin and, off this machine, a token."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher
from tornado.web import RequestHandler

LOCAL = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The rule.

    Attributes:
        hosts: values of the Host header that are answered, ``name:port``; a page of another name
            that resolves to this machine is not (DNS rebinding). Empty: any, where a token is
            demanded, which a browser sends to the host only that it was given to.
        token: what every request must bear, as the cookie that the address with ``?token=`` sets;
            "" where this machine alone can ask.
        port: part of the cookie's name: a browser keeps one jar for all ports of a host.
    """

    hosts: Sequence[str]
    token: str
    port: int

    @property
    def cookie(self) -> str:
        """Its name."""
        return f"fieldmark_{self.port}"

    def refusal(self, request: HTTPServerRequest) -> str | None:
        """Why a request is not answered; None when it is."""
        if self.hosts and request.host.lower() not in self.hosts:
            return f"this server does not go by the name {request.host!r}"
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
            return f"pages of {origin!r} may not use this server"
        if self.token and not self._has_token(request):
            return "open the address that the server printed: it holds the token"
        return None

    def right(self, token: str) -> bool:
        """Whether a token is the one; takes as long for any."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def _has_token(self, request: HTTPServerRequest) -> bool:
        morsel = request.cookies.get(self.cookie)
        return morsel is not None and self.right(morsel.value)


class Refused(Matcher):
    """Matches every request that is not to be answered."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def match(self, request: HTTPServerRequest) -> dict | None:
        """Arguments of `Door`, or None to let the request pass."""
        reason = self.gate.refusal(request)
        return None if reason is None else {}


class Door(RequestHandler):
    """Answers refused requests; lets in who comes with the token in the address."""

    def initialize(self, gate: Gate) -> None:
        """`gate`: the rule."""
        self._gate = gate

    def prepare(self) -> None:
        """Set the cookie and go on without the token in the address, or refuse."""
        gate, token = self._gate, self.get_query_argument("token", "")
        let_in = self.request.method == "GET" and gate.token and token and gate.right(token)
        if let_in and "Origin" not in self.request.headers:
            self.set_cookie(gate.cookie, gate.token, httponly=True, samesite="Lax", path="/")
            rest = {
                key: self.get_query_argument(key)
                for key in self.request.query_arguments
                if key != "token"
            }
            query = f"?{urlencode(rest)}" if rest else ""
            self.redirect(f"/{query}")
            return
        self.set_status(HTTPStatus.FORBIDDEN)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"refused: {gate.refusal(self.request)}\n")
