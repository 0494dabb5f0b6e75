"""Asking the gate as `raglan-host gate` on a machine does."""

from pathlib import Path

import pytest

from raglan import host


class Asking:
    """Machines of a cluster that ask; each has a folder of its own for what it was told last."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def ask(self, name: str, *urls: str, gate: str = "") -> tuple[int, str]:
        """Return the exit code, and who it was that answered."""
        said = {"url": ", ".join(urls), "gate": gate, "state": str(self.folder / name), "name": name, "cluster": "fra1"}
        conf = self.folder / "host.conf"
        conf.write_text("".join(f"{option} = {value}\n" for option, value in said.items()))
        self._capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(host, "A_PLACE_S", 30.0)  # who answers late on a busy machine answers all the same
            patch.setattr(host, "ALL_PLACES_S", 60.0)
            code = host.main(["--config", str(conf), "gate"])
        return code, self._capsys.readouterr().out.splitlines()[-1]
