"""The rules for names, labels and annotations, which hold for every object. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from simulators.kubernetes.problems import too_long, wrong
from simulators.kubernetes.refusals import Cause

Object = dict[str, Any]

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_DNS_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_KEY = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

_ENDS = "and must start and end with an alphanumeric character"
_USED = "regex used for validation is"
LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    f"{_ENDS} (e.g. 'my-name',  or '123-abc', {_USED} '{_LABEL}')"
)
SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    f"{_ENDS} (e.g. 'example.com', {_USED} '{_SUBDOMAIN}')"
)
_DNS_1035_WORDS = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    f"and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', {_USED} '{_DNS_1035}')"
)
_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    f"{_ENDS} (e.g. 'MyValue',  or 'my_value',  or '12345', {_USED} '{_VALUE}')"
)
_KEY_WORDS = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', "
    f"{_ENDS} (e.g. 'MyName',  or 'my.name',  or '123-abc', {_USED} '{_KEY}')"
)

_LABEL_NAMED = ("namespaces",)
_DNS_1035_NAMED = ("services",)
_PATH_NAMED = ("roles", "rolebindings")
LONGEST_ANNOTATIONS = 262144


def check_metadata(resource: str, meta: Object) -> Iterator[Cause]:
    """Yield what is wrong with an object's name, labels and annotations."""
    yield from _check_name(resource, meta["name"])
    yield from check_labels("metadata.labels", meta.get("labels"))
    yield from check_annotations("metadata.annotations", meta.get("annotations"))


def check_label_name(field: str, name: str) -> Iterator[Cause]:
    """Yield what keeps *name* from being a DNS label, as containers and volumes have."""
    if len(name) > 63:
        yield wrong(field, name, "must be no more than 63 bytes")
    if not re.fullmatch(_LABEL, name):
        yield wrong(field, name, LABEL_WORDS)


def check_subdomain(field: str, name: str) -> Iterator[Cause]:
    """Yield what keeps *name* from being a DNS subdomain, as most objects are named."""
    if len(name) > 253:
        yield wrong(field, name, "must be no more than 253 bytes")
    if not re.fullmatch(_SUBDOMAIN, name):
        yield wrong(field, name, SUBDOMAIN_WORDS)


def check_labels(field: str, labels: Mapping[str, str] | None) -> Iterator[Cause]:
    """Yield what is wrong with the keys and values of labels."""
    for key, value in (labels or {}).items():
        yield from _check_key(field, key)
        if len(value) > 63:
            yield wrong(field, value, "must be no more than 63 bytes")
        if not re.fullmatch(_VALUE, value):
            yield wrong(field, value, _VALUE_WORDS)


def check_annotations(field: str, annotations: Mapping[str, str] | None) -> Iterator[Cause]:
    """Yield what is wrong with the keys of annotations, and with their size in all."""
    found = annotations or {}
    for key in found:
        yield from _check_key(field, key.lower())
    if sum(len(key.encode()) + len(value.encode()) for key, value in found.items()) > LONGEST_ANNOTATIONS:
        yield too_long(field, LONGEST_ANNOTATIONS)


def _check_name(resource: str, name: str) -> Iterator[Cause]:
    if resource in _LABEL_NAMED:
        yield from check_label_name("metadata.name", name)
    elif resource in _DNS_1035_NAMED:
        if len(name) > 63:
            yield wrong("metadata.name", name, "must be no more than 63 bytes")
        if not re.fullmatch(_DNS_1035, name):
            yield wrong("metadata.name", name, _DNS_1035_WORDS)
    elif resource in _PATH_NAMED:
        if name in (".", "..") or "/" in name or "%" in name:
            yield wrong("metadata.name", name, "may not contain '/'")
    else:
        yield from check_subdomain("metadata.name", name)


def _check_key(field: str, key: str) -> Iterator[Cause]:
    prefix, slash, name = key.rpartition("/")
    if slash and not re.fullmatch(_SUBDOMAIN, prefix):
        yield wrong(field, key, f"prefix part {SUBDOMAIN_WORDS}")
    if len(name) > 63:
        yield wrong(field, key, "name part must be no more than 63 bytes")
    if not re.fullmatch(_KEY, name):
        yield wrong(field, key, _KEY_WORDS)
