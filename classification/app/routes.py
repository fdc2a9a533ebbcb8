"""What the server answers beside the page: images by number, and whether it is there."""

import asyncio
import secrets
from http import HTTPStatus
from typing import Any, cast

from tornado.web import RequestHandler

from classification.app.pictures import KINDS, Kind, Pictures
from classification.data.images import ImageError

_KEPT = "private, max-age=3600"
BOOT = secrets.token_hex(8)
"""Another one each time the server is started: a page that sees it change is loaded anew, and no
browser takes an image that it kept for one of another dataset."""
IMAGES = f"images/{BOOT}/"


class ImageRoute(RequestHandler):
    """``/images/BOOT/crop/17``: no names and no paths, so there is nothing to escape with."""

    def initialize(self, pictures: Pictures) -> None:
        """`pictures`: those of the dataset."""
        self._pictures = pictures

    async def get(self, kind: str, number: str) -> None:
        """The image, or 404 with the reason."""
        loop = asyncio.get_running_loop()
        try:
            picture = await loop.run_in_executor(
                None, self._pictures.get, cast(Kind, kind), int(number)
            )
        except ImageError as error:
            self.set_status(HTTPStatus.NOT_FOUND)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.set_header("X-Content-Type-Options", "nosniff")
            self.finish(str(error))
            return
        self.set_header("Content-Type", picture.mime)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", _KEPT)
        self.finish(picture.data)


class AliveRoute(RequestHandler):
    """``/alive``: a word that changes when the server is started anew."""

    def get(self) -> None:
        """The word."""
        self.set_header("Content-Type", "text/plain")
        self.finish(BOOT)


def routes(pictures: Pictures) -> list[tuple[str, Any, dict[str, Any]]]:
    """Patterns, handlers and their arguments."""
    kinds = "|".join(KINDS)
    images = (rf"/{IMAGES}({kinds})/(\d{{1,9}})", ImageRoute, {"pictures": pictures})
    return [images, (r"/alive", AliveRoute, {})]
