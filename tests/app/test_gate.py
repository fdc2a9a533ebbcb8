"""Who is answered: by requests to a running server, as an attacker would send them."""

import http.client
from urllib.parse import urlsplit

import pytest

from classification.errors import FieldmarkError


@pytest.fixture
def ask(make_state, serve):
    """Send one request; status, headers and body."""

    def start(**options):
        state = make_state(n=3)
        url = urlsplit(serve(state, **options))

        def request(path, **headers):
            connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=30)
            connection.request(
                "GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()}
            )
            reply = connection.getresponse()
            found = reply.status, dict(reply.getheaders()), reply.read()
            connection.close()
            return found

        request.url, request.state = url, state
        return request

    return start


WEBSOCKET = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Key": "x3JJHMbDL1EzLkh9GBhXDw==",
    "Sec_WebSocket_Version": "13",
}


def images(ask):
    from classification.app.routes import IMAGES

    return f"/{IMAGES}"


def test_images_by_number_and_by_nothing_else(ask):
    request = ask()
    base = images(ask)
    status, headers, body = request(f"{base}crop/1")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert body == request.state.items.file(1).read_bytes()
    assert request(f"{base}frame/1")[1]["Content-Type"] == "image/png"
    for path in (
        f"{base}crop/3",
        f"{base}crop/-1",
        f"{base}crop/../labels.db",
        f"{base}crop/%2e%2e%2flabels.db",
        f"{base}crop//etc/passwd",
        f"{base}other/1",
        "/images/0123456789abcdef/crop/1",
        "/labels.db",
        "/static/../labels.db",
        "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    ):
        assert request(path)[0] in (400, 403, 404), path


def test_a_name_that_leads_out_of_the_folder_is_not_served(ask, tmp_path):
    request = ask()
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(request.state.items.file(0).read_bytes())
    request.state.items.file(0).unlink()
    (tmp_path / "crops" / request.state.items.names[0]).symlink_to(secret)
    assert request(f"{images(ask)}crop/0")[0] == 404


def test_what_is_no_image_is_not_served(ask):
    request = ask()
    request.state.items.file(0).write_text("<script>alert(1)</script>")
    status, headers, body = request(f"{images(ask)}crop/0")
    assert status == 404
    assert headers["Content-Type"].startswith("text/plain")
    assert b"<script>" not in body


@pytest.mark.parametrize("path", ["/", "/ws", "/alive", "/static/js/bokeh.min.js"])
def test_another_host_name_or_origin_is_refused(ask, path):
    request = ask()
    port = request.url.port
    assert request(path, Host=f"evil.example:{port}")[0] == 403
    assert request(path, Origin="http://evil.example", **WEBSOCKET)[0] == 403
    assert request(path, Origin=f"http://127.0.0.1:{port + 1}", **WEBSOCKET)[0] == 403
    assert request(path, Origin="null")[0] == 403
    if path != "/ws":
        assert request(path, Origin=f"http://127.0.0.1:{port}")[0] == 200


@pytest.mark.parametrize("path", ["/", "/ws", "/alive", "/static/js/bokeh.min.js", "image"])
def test_without_the_token_nothing_is_answered(ask, path):
    request = ask(address="0.0.0.0")
    path = f"{images(ask)}crop/0" if path == "image" else path
    assert request(path)[0] == 403
    assert request(path, Cookie=f"fieldmark_{request.url.port}=guess")[0] == 403
    assert request(f"{path}?token=guess")[0] == 403
    assert request(path, **WEBSOCKET)[0] == 403


def test_the_address_with_the_token_lets_in(ask):
    request = ask(address="0.0.0.0")
    status, headers, _ = request(f"/?{request.url.query}&theme=dark")
    assert (status, headers["Location"]) == (302, "/?theme=dark")
    assert "HttpOnly" in headers["Set-Cookie"]
    cookie = headers["Set-Cookie"].split(";")[0]
    assert request("/", Cookie=cookie)[0] == 200
    assert request(f"{images(ask)}crop/0", Cookie=cookie)[0] == 200
    assert request("/", Cookie=cookie, Origin="http://evil.example")[0] == 403


def test_a_browser_with_the_token_labels(make_state, serve, open_page):
    state = make_state(query=[1, 2])
    url = serve(state, address="0.0.0.0")
    query = urlsplit(url)
    page = open_page(f"http://127.0.0.1:{query.port}/?{query.query}")
    page.keyboard.press("1")
    page.wait_for_selector('.pane[data-state=ready][data-item="2"]')
    assert "token" not in page.url
    assert len(state.store.history()) == 1


def test_a_page_of_another_origin_cannot_open_the_websocket(make_state, serve, open_page):
    url = serve(make_state(query=[1]))
    port = urlsplit(url).port
    page = open_page(f"http://localhost:{port}/alive", wait="")
    outcome = page.evaluate(
        """url => new Promise(done => {
            const socket = new WebSocket(url, ["bokeh", "x"]);
            socket.onopen = () => done("open");
            socket.onerror = () => done("refused");
        })""",
        f"ws://127.0.0.1:{port}/ws",
    )
    assert outcome == "refused"


@pytest.mark.parametrize("token", ["short", "with a space in the middle", "a;b=cccccccccccccc"])
def test_a_token_that_is_guessed_or_no_cookie_is_refused(make_state, serve, token):
    with pytest.raises(FieldmarkError, match="16 or more"):
        serve(make_state(n=1), token=token)
