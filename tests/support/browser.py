"""A person at a browser without JavaScript: follows redirects, fills in forms, presses the button that was asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

PAGES = 25
USER_FIELDS = {"login", "loginfmt", "username", "upn", "email"}
ACCEPT = re.compile(r"accept|approve|allow|continue|sign.?in|next|yes|consent", re.IGNORECASE)
CANCEL = re.compile(r"cancel|decline|deny|abort|back", re.IGNORECASE)


@dataclass
class Form:
    action: str
    method: str
    fields: list[dict[str, str]] = field(default_factory=list)
    buttons: list[dict[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    """Collects the forms of a page; a button's label is kept under `text`."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._button: dict[str, str] | None = None

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "button" or (tag == "input" and attributes.get("type") in {"submit", "image"}):
            self._button = attributes | {"text": attributes.get("value", "") if tag == "input" else ""}
            self._form.buttons.append(self._button)
        elif tag == "input":
            self._form.fields.append(attributes)

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag == "button":
            self._button = None

    def handle_data(self, data):
        if self._button is not None:
            self._button["text"] += data


@dataclass
class Arrival:
    """Where the walk ended: the address, and the page's text if one was shown."""

    url: str
    status: int = 0
    text: str = ""


class Browser:
    """One browser profile: cookies stay from walk to walk."""

    #: What the person types where a page asks for a device's code.
    user_code = ""

    def __init__(self, ca_file: str, username: str = "", password: str = "", consent: bool = True) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.ca_file, self.username, self.password, self.consent = str(ca_file), username, password, consent

    def walk(self, url: str, stop_at: str | None = None) -> Arrival:
        """Walks from `url` through redirects and forms to a page without a form, or up to an address that begins
        with `stop_at`, which is not requested any more."""
        method, data = "get", None
        for _ in range(PAGES):
            if stop_at and url.startswith(stop_at):
                return Arrival(url)
            response = self.session.request(
                method, url, data=data if method == "post" else None, params=data if method == "get" else None,
                verify=self.ca_file, allow_redirects=False, timeout=30)
            if response.is_redirect:
                url, method, data = urljoin(url, response.headers["location"]), "get", None
                continue
            forms = _Forms()
            forms.feed(response.text)
            form = next((form for form in forms.forms if self._can_send(form)), None)
            if form is None:
                return Arrival(url, response.status_code, response.text)
            url, method, data = urljoin(url, form.action or url), form.method, self._filled(form)
        raise AssertionError(f"more than {PAGES} pages, the last one {url}")

    def _wanted(self, form: Form) -> dict[str, str] | None:
        """The button that says what this person wants, the only one there is, or None."""
        if len(form.buttons) == 1:
            return form.buttons[0]
        for button in form.buttons:
            label = " ".join((button["text"], button.get("value", ""), button.get("name", "")))
            cancels = bool(CANCEL.search(label))
            if cancels != self.consent or (self._asks_password(form) and not cancels):
                if cancels or ACCEPT.search(label):
                    return button
        return None

    @staticmethod
    def _asks_password(form: Form) -> bool:
        return any(each.get("type") == "password" for each in form.fields)

    def _can_send(self, form: Form) -> bool:
        only_hidden = bool(form.fields) and all(each.get("type") == "hidden" for each in form.fields)
        return self._wanted(form) is not None or (only_hidden and not form.buttons)

    def _filled(self, form: Form) -> list[tuple[str, str]]:
        data = []
        for each in form.fields:
            name, kind = each.get("name"), each.get("type", "text")
            if not name or (kind in {"checkbox", "radio"} and "checked" not in each):
                continue
            if kind == "password":
                data.append((name, self.password))
            elif name == "user_code" and kind != "hidden":
                data.append((name, self.user_code))
            elif name.lower() in USER_FIELDS and kind != "hidden":
                data.append((name, self.username))
            else:
                data.append((name, each.get("value", "")))
        button = self._wanted(form)
        if button and button.get("name"):
            data.append((button["name"], button.get("value", "")))
        return data
