"""Pages opened as somebody would: with a size, a language, a theme. What a browser complains of is kept."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

DESK, WALL, PHONE = (1440, 900), (1920, 1080), (360, 740)


class Look:
    """Opens pages. `faults` are errors of scripts, everything the console was told (the content policy complains
    there, too), and requests to anywhere but the page's own server.
    """

    def __init__(self, browser: Browser) -> None:
        self.faults: list[str] = []
        #: what a browser says of answers that a test means to be missing
        self.expected: tuple[str, ...] = ()
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    async def at(
        self,
        url: str,
        *,
        size: tuple[int, int] = DESK,
        lang: str = "en",
        theme: Any = "dark",
        motion: Any = "no-preference",
        ready: str = "main .panel",
        turned: bool = False,
    ) -> Page:
        """A page on `url` once something that fits `ready` is on it. `turned`: a test can turn its clock on."""
        context = await self._browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale=lang, color_scheme=theme, reduced_motion=motion
        )
        self._contexts.append(context)
        page = await context.new_page()
        self._watch(page, urlsplit(url).netloc)
        if turned:
            await page.clock.install()
        await page.goto(url)
        await page.wait_for_selector(ready, timeout=10_000)
        return page

    def _watch(self, page: Page, home: str) -> None:
        def console(message: ConsoleMessage) -> None:
            if not any(each in message.text for each in self.expected):
                self.faults.append(f"console: {message.text}")

        def request(request: Request) -> None:
            if urlsplit(request.url).netloc != home:
                self.faults.append(f"asked elsewhere: {request.url}")

        page.on("console", console)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", request)

    async def close(self) -> None:
        """Close everything that was opened."""
        for context in self._contexts:
            await context.close()


async def text_of(page: Page, selector: str) -> str:
    """The visible text of the first element that fits, on one line."""
    return " ".join((await page.locator(selector).first.inner_text()).split())
