"""The commands under ``heliograph keys``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heliograph.cli.options import (
    HERE,
    ConfigPath,
    Json,
    Offline,
    PassphraseFile,
    PublicKey,
    Recovery,
    Ring,
    Secret,
    SignerUri,
    Unsigned,
)

keys_app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The newsroom's keys: show them, change them, carry requests to whoever must sign.",
)


@keys_app.command("show")
def keys_show(config: ConfigPath = HERE, as_json: Json = False) -> None:
    """The keys of each role, how many must sign, and until when."""
    from heliograph.cli import keys

    raise typer.Exit(keys.show(config, as_json=as_json))


@keys_app.command("make")
def keys_make(config: ConfigPath = HERE, passphrase_file: PassphraseFile = None) -> None:
    """Make all keys of a newsroom that has none yet; ``init`` does this by itself."""
    from heliograph.cli import keys
    from heliograph.config import load

    keys.tell(keys.make(load(config), passphrase_file))


@keys_app.command("fingerprint")
def keys_fingerprint(config: ConfigPath = HERE, as_json: Json = False) -> None:
    """What readers compare: as text, as words for the telephone, and as a QR code for print."""
    from heliograph.cli import keys

    raise typer.Exit(keys.show_fingerprint(config, as_json=as_json))


@keys_app.command("rotate")
def keys_rotate(
    ring: Annotated[Ring, typer.Argument(help="Which keys.")],
    config: ConfigPath = HERE,
    offline: Offline = None,
    passphrase_file: PassphraseFile = None,
    recovery: Recovery = False,
    unsigned: Unsigned = False,
) -> None:
    """New keys in place of those on this machine (and, for root and targets, on the stick)."""
    from heliograph.cli import changes

    place = changes.at(config, offline, passphrase_file, recovery=recovery, unsigned=unsigned)
    raise typer.Exit(changes.rotate(place, [ring]))


@keys_app.command("revoke-online")
def keys_revoke_online(
    config: ConfigPath = HERE,
    offline: Offline = None,
    passphrase_file: PassphraseFile = None,
    recovery: Recovery = False,
    unsigned: Unsigned = False,
) -> None:
    """After a theft: new publishing keys, and nothing that the old ones sign counts any more."""
    from heliograph.cli import changes

    place = changes.at(config, offline, passphrase_file, recovery=recovery, unsigned=unsigned)
    raise typer.Exit(changes.rotate(place, ["online", "edition"]))


@keys_app.command("renew")
def keys_renew(
    config: ConfigPath = HERE,
    offline: Offline = None,
    passphrase_file: PassphraseFile = None,
    recovery: Recovery = False,
    unsigned: Unsigned = False,
) -> None:
    """Once a year: root and targets with new dates."""
    from heliograph.cli import changes

    place = changes.at(config, offline, passphrase_file, recovery=recovery, unsigned=unsigned)
    raise typer.Exit(changes.renew(place))


@keys_app.command("log")
def keys_log(
    config: ConfigPath = HERE,
    anew: Annotated[bool, typer.Option("--anew", help="Give up the log there is, and begin another one.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Name no release log any more.")] = False,
    offline: Offline = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """A public log of all releases: make its key, and sign the policy that names it."""
    from heliograph.cli import changes, logkey

    place = changes.at(config, offline, passphrase_file)
    raise typer.Exit(logkey.end(place) if off else logkey.begin(place, anew=anew))


@keys_app.command("recover")
def keys_recover(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Mirrors; else those of the configuration.")
    ] = None,
    config: ConfigPath = HERE,
    root: Annotated[Path | None, typer.Option(help="tuf/1.root.json, where the key folder has none.")] = None,
) -> None:
    """After the journal was lost or restored: go on above the newest release that the mirrors show."""
    from heliograph.cli import changes
    from heliograph.config import load

    raise typer.Exit(changes.recover(load(config), sources or [], root))


@keys_app.command("add")
def keys_add(
    ring: Annotated[Ring, typer.Argument(help="Which keys.")],
    public_key: Annotated[Path, typer.Argument(help="The file that `heliograph keys public` printed.")],
    config: ConfigPath = HERE,
    offline: Offline = None,
    passphrase_file: PassphraseFile = None,
    unsigned: Unsigned = False,
) -> None:
    """One key more: another editor's, another machine's."""
    from heliograph.cli import changes
    from heliograph.trust import ceremony

    key = changes.public_key(public_key)
    place = changes.at(config, offline, passphrase_file, unsigned=unsigned)
    raise typer.Exit(changes.change(place, ring, lambda who: ceremony.with_key(who, key)))


@keys_app.command("remove")
def keys_remove(
    ring: Annotated[Ring, typer.Argument(help="Which keys.")],
    keyid: Annotated[str, typer.Argument(help="The beginning of its id.")],
    config: ConfigPath = HERE,
    offline: Offline = None,
    passphrase_file: PassphraseFile = None,
    unsigned: Unsigned = False,
) -> None:
    """One key less."""
    from heliograph.cli import changes
    from heliograph.trust import ceremony

    place = changes.at(config, offline, passphrase_file, unsigned=unsigned)
    raise typer.Exit(changes.change(place, ring, lambda who: ceremony.without_key(who, keyid)))


@keys_app.command("threshold")
def keys_threshold(
    ring: Annotated[Ring, typer.Argument(help="Which keys.")],
    signatures: Annotated[int, typer.Argument(min=1, max=20, help="How many must sign.")],
    config: ConfigPath = HERE,
    offline: Offline = None,
    passphrase_file: PassphraseFile = None,
    unsigned: Unsigned = False,
) -> None:
    """How many of the keys must sign."""
    from heliograph.cli import changes
    from heliograph.trust import ceremony

    place = changes.at(config, offline, passphrase_file, unsigned=unsigned)
    raise typer.Exit(changes.change(place, ring, lambda who: ceremony.with_threshold(who, signatures)))


@keys_app.command("sign")
def keys_sign(
    request: Annotated[Path, typer.Argument(help="A request that was carried here.")],
    key: Annotated[Path | None, typer.Option(help="The key file that signs.")] = None,
    signer: SignerUri = "",
    public: PublicKey = None,
    passphrase_file: Secret = None,
) -> None:
    """Add a signature to a request, on any machine; shows first whose keys it names."""
    from heliograph.cli import holders

    raise typer.Exit(holders.sign(request, holders.Hand(file=key, uri=signer, public=public, secret=passphrase_file)))


@keys_app.command("import")
def keys_import(
    request: Annotated[Path, typer.Argument(help="A request that came back signed.")], config: ConfigPath = HERE
) -> None:
    """Put a request into effect once all signatures are there."""
    from heliograph.cli import changes
    from heliograph.config import load

    raise typer.Exit(changes.take(load(config), request))


@keys_app.command("public")
def keys_public(
    key: Annotated[Path | None, typer.Argument(help="A key file.")] = None,
    signer: SignerUri = "",
    passphrase_file: Secret = None,
) -> None:
    """The public half of a key file or of a token's key, for `keys add`."""
    from heliograph.cli import holders

    raise typer.Exit(holders.public(holders.Hand(file=key, uri=signer, secret=passphrase_file)))


@keys_app.command("backup")
def keys_backup(
    target: Annotated[Path, typer.Argument(help="An empty folder, on a disk that is encrypted.")],
    config: ConfigPath = HERE,
) -> None:
    """Copy the key folder."""
    from heliograph.cli import changes
    from heliograph.config import load

    raise typer.Exit(changes.backup(load(config), target))
