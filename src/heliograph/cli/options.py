"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

ConfigPath = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
PassphraseFile = Annotated[
    Path | None, typer.Option(help="A file with the passphrase of the offline keys; else one is made and shown.")
]
Secret = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="A file with the passphrase of the key, or the PIN of the token."),
]
SignerUri = Annotated[
    str, typer.Option("--signer", metavar="URI", help="A key that signs where it lies: hsm:2 is a PKCS#11 token.")
]
PublicKey = Annotated[
    Path | None, typer.Option("--public", help="Its public key, where the place of the key does not say it.")
]
Ring = Literal["root", "targets", "edition", "online"]
Offline = Annotated[
    Path | None, typer.Option(help="Where the offline keys lie now; else the part `offline` of the key folder.")
]
Unsigned = Annotated[
    bool, typer.Option("--unsigned", help="Sign with no offline key here: write the requests for the holders.")
]
Recovery = Annotated[bool, typer.Option("--recovery", help="Sign with the recovery key and its code.")]
Paced = Annotated[
    bool, typer.Option("--paced", help="Small answers with pauses, for networks where connections freeze.")
]
Pinned = Annotated[Path, typer.Option("--root", help="The newsroom's tuf/1.root.json, pinned.")]
Socks = Annotated[
    str, typer.Option(metavar="PLACE", help="Reach mirrors through a SOCKS5 proxy, such as Tor's at 127.0.0.1:9050.")
]
OnionLocation = Annotated[
    str,
    typer.Option(
        "--onion-location", metavar="URL", help="An onion mirror that pages offer to readers with Tor Browser."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object for scripts instead of text.")]
HERE = Path("heliograph.toml")
