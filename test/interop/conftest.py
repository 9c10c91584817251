import os
import shutil
from pathlib import Path

import pytest

from story import Story


@pytest.fixture(scope="session")
def story(tmp_path_factory):
    """The one story. What is left of it after a failure is in INTEROP_KEEP, if that is set."""
    folder = tmp_path_factory.mktemp("interop")
    s = Story(os.environ["INTEROP_LAKELINK"], os.environ["INTEROP_WIDENED"], folder)
    try:
        yield s
    finally:
        s.system.close()
        if keep := os.environ.get("INTEROP_KEEP"):
            shutil.copytree(folder, Path(keep), dirs_exist_ok=True)
