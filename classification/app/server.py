"""The app as a server of this machine, or, with a token, of the network."""

import asyncio
import re
import secrets
import socket
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

from classification.app.gate import LOCAL, Door, Gate, Refused
from classification.app.page import App, Theme, raw_css
from classification.app.routes import IMAGES, routes
from classification.errors import FieldmarkError

if TYPE_CHECKING:
    from panel.io.server import Server

_THEME = "fieldmark_theme"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}")  # goes into an address and a cookie
_UNUSED = 10_000  # ms after which the session of a closed page ends and its items are free


class AppServer:
    """One server.

    Args:
        app: what it shows.
        address: to listen on; anything but this machine's own demands a token.
        port: 0 for any that is free.
        token: "" for one made up here where one is needed.
        title: of the page.
    """

    def __init__(
        self, app: App, *, address: str, port: int, token: str = "", title: str = "Fieldmark"
    ) -> None:
        if token and not _TOKEN.fullmatch(token):
            raise FieldmarkError(
                "the token must be 16 or more letters, digits, - and _; leave it out to have one "
                "made up"
            )
        local = address in ("127.0.0.1", "localhost", "::1")
        self.address, self.token = address, token or ("" if local else secrets.token_urlsafe(24))
        self._server = self._make(app, port, title)
        self.port = cast(int, self._server.port)
        hosts = [f"{name}:{self.port}" for name in LOCAL]
        gate = Gate(hosts=[] if self.token else hosts, token=self.token, port=self.port)
        self._guard(gate)
        self._answer_at_once()

    @property
    def url(self) -> str:
        """What to open, token included."""
        name = socket.gethostname() if self.address in ("", "0.0.0.0", "::") else self.address
        query = f"?token={self.token}" if self.token else ""
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}/{query}"

    def run(self) -> None:
        """Serve until Ctrl-C."""
        self._server.start()
        self._server.io_loop.start()

    def stop(self) -> None:
        """End it; from any thread."""
        self._server.io_loop.add_callback(self._end)

    def _end(self) -> None:
        self._server.stop()
        self._server.io_loop.stop()

    def _make(self, app: App, port: int, title: str) -> "Server":
        import panel as pn
        from panel.io.server import get_server

        def view() -> Any:
            theme = _theme()
            settings: Any = pn.config  # of this session; its types do not say so
            settings.theme = "dark" if theme == "dark" else "default"
            settings.raw_css = [*settings.raw_css, raw_css(theme)]
            return app.page(images=IMAGES, theme=theme)

        try:
            return get_server(
                view,
                port=port,
                address=self.address,
                extra_patterns=routes(app.pictures),
                title=title,
                show=False,
                start=False,
                unused_session_lifetime_milliseconds=_UNUSED,
                check_unused_sessions_milliseconds=_UNUSED,
            )
        except OSError as error:
            raise FieldmarkError(
                f"cannot listen on {self.address}, port {port}: {error.strerror or error}. Choose "
                "another with --port; 0 takes any that is free"
            ) from error

    def _guard(self, gate: Gate) -> None:
        """Before every other rule, of pages, websockets, images and static files alike.

        Bokeh has no public way to either line.
        """
        from tornado.routing import Rule

        tornado = self._server._tornado
        tornado.default_router.rules.insert(0, Rule(Refused(gate), Door, {"gate": gate}))
        # the gate is stricter: a page's origin must be the very host it asks
        tornado._websocket_origins = {"*"}

    def _answer_at_once(self) -> None:
        """Without it a key waits for 40 ms.

        Bokeh sends a message in several small packets, and the kernel keeps the second back until
        the browser has acknowledged the first (Nagle's algorithm).
        """
        http: Any = self._server._http
        accept = http.handle_stream

        def handle(stream: Any, address: Any) -> None:
            stream.set_nodelay(True)
            stream.set_nodelay = lambda value: None  # Tornado turns it off after every answer
            accept(stream, address)

        http.handle_stream = handle


def run_in_background(make: Callable[[], AppServer]) -> AppServer:
    """A server that runs in a thread of its own, and ends with the program.

    Args:
        make: called in that thread, whose event loop the server belongs to.
    """
    made: SimpleQueue[AppServer | BaseException] = SimpleQueue()

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            server = make()
        except BaseException as error:
            made.put(error)
        else:
            made.put(server)
            server.run()
        loop.close()

    Thread(target=run, name="labelling app", daemon=True).start()
    server = made.get()
    if isinstance(server, BaseException):
        raise server
    return server


def _theme() -> Theme:
    """As the address says (``?theme=dark``), or else as the browser's cookie."""
    import panel as pn

    asked = (pn.state.session_args or {}).get("theme", [b""])[0].decode(errors="replace")
    return "dark" if (asked or pn.state.cookies.get(_THEME)) == "dark" else "light"
