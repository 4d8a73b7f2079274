"""Build hook: the package's dependencies are those of ``requirements/base.in``, so that they stand in one place."""

from __future__ import annotations

from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface


class DependenciesFromRequirements(MetadataHookInterface):
    """Fills ``project.dependencies``."""

    def update(self, metadata: dict[str, object]) -> None:
        """Read the names; the pins with their hashes are in ``requirements/*.txt``."""
        lines = (Path(self.root) / "requirements" / "base.in").read_text(encoding="utf-8").splitlines()
        metadata["dependencies"] = [line for line in lines if line and not line.startswith("#")]
