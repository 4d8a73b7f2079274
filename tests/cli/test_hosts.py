"""From a table of the configuration to the store that it names."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from tests.adapters.hosts.peers import ACCOUNT_KEY, service_account, written

from heliograph.cli.hosts import opened
from heliograph.config import parse
from heliograph.model import ConfigError
from heliograph.ports import MirrorStore

TABLES = {
    "s3": 'bucket = "news"\nregion = "eu-north-1"\nprefix = "a/b/"\n',
    "azure": 'account = "news"\n',
    "gcs": 'bucket = "news"\nparallel = 3\n',
}
SECRETS = {
    "s3": "aws_access_key_id = k\naws_secret_access_key = s\n",
    "azure": ACCOUNT_KEY,
    "gcs": service_account("me"),
}


def stores(text: str, folder: Path) -> list[MirrorStore]:
    """Every mirror of a configuration."""
    config = parse(f'[newsroom]\ntitle = "Example"\n{text}', folder / "heliograph.toml")

    async def all_of_them() -> list[MirrorStore]:
        found = []
        for table in config.mirror:
            async with opened(config, table) as store:
                assert (store.name, store.place) == (table.name, config.mirror_place(table))
                found.append(store)
        return found

    return anyio.run(all_of_them)


@pytest.mark.parametrize("kind", TABLES)
def test_a_bucket_is_opened_with_its_file_of_credentials_beside_the_configuration(tmp_path: Path, kind: str) -> None:
    written(tmp_path / "secret", SECRETS[kind])
    (store,) = stores(f'[[mirror]]\nname = "m"\nkind = "{kind}"\ncredentials = "secret"\n{TABLES[kind]}', tmp_path)
    assert (store.coded, store.parallel) == (True, 3 if kind == "gcs" else 8)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", TABLES)
def test_without_credentials_it_is_told_what_to_set(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AZURE_STORAGE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=r"AWS_|AZURE_|GOOGLE_"):
        stores(f'[[mirror]]\nname = "m"\nkind = "{kind}"\n{TABLES[kind]}', tmp_path)


def test_a_folder_is_a_folder_and_a_kind_that_is_not_built_is_told(tmp_path: Path) -> None:
    assert [store.place for store in stores('[[mirror]]\nname = "m"\npath = "m"\n', tmp_path)] == [str(tmp_path / "m")]
    with pytest.raises(ConfigError, match="not built yet"):
        stores('[[mirror]]\nname = "m"\nkind = "webdav"\naddress = "https://dav.example/"\n', tmp_path)
