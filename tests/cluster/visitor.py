"""A browser that runs in the GitLab's pod, where the cluster's names lead somewhere: opens a page as a person.

Called with the page's address and a username; signs in on the way, as that person. Prints the status and the page.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from urllib.parse import parse_qsl, urlencode, urlsplit

SECONDS = 30


def main(address: str, username: str) -> None:
    """Open *address* as *username*."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with browser.open(address, timeout=SECONDS) as asked:
        place = urlsplit(asked.url)
    if place.path != "/oauth/authorize":
        raise SystemExit(f"not sent to GitLab, but to {place.geturl()}")
    consent = urlencode({**dict(parse_qsl(place.query)), "person": username}).encode()
    try:
        with browser.open(f"{place.scheme}://{place.netloc}{place.path}", data=consent, timeout=SECONDS) as page:
            print(page.status, page.url, page.read().decode(), sep="\n")
    except urllib.error.HTTPError as error:
        print(error.code, error.url, error.read().decode(), sep="\n")


main(*sys.argv[1:])
