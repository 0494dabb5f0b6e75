"""Puts the browser libraries into the wheel: from npm by a lock file with hashes; nothing third-party is committed."""

import importlib.util
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BrowserLibraries(BuildHookInterface):
    """Runs `src/raglan/ui/build.py` before a wheel is packed; an editable install does without."""

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Copy the libraries into the static folder of the package."""
        if version == "editable" or self.target_name != "wheel":
            return
        path = Path(self.root) / "src" / "raglan" / "ui" / "build.py"
        spec = importlib.util.spec_from_file_location("raglan_ui_build", path)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{path} can not be loaded")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.build()
