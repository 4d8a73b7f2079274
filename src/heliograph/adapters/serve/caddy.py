"""A mirror's configuration for Caddy (2.6 or later): a whole Caddyfile.

What Caddy cannot do as ``serve`` does has a name in ``EXCEPTIONS``; the tests that both must pass leave out what is
named there and nothing else. Its own ``precompressed`` is not used: it sends what it finds without Content-Length, and
a reader whose last packet the curtain took could not tell that the page was whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from heliograph.adapters.serve import wire
from heliograph.adapters.serve.connection import DRAIN
from heliograph.adapters.serve.outfit import RUNG, Kind, Site, always, kinds
from heliograph.adapters.serve.server import PATIENCE

EXCEPTIONS: Final[Mapping[str, str]] = {
    "date": "it sends `Date`; 37 bytes more",
    "refused identity": "a reader who accepts no encoding that is there gets the plain file instead of 406",
    "weights": "of the encodings a reader accepts it takes br before gzip, whatever their weights",
    "policy of parts": "a 206 carries the Content-Security-Policy, too",
    "no such range": "a 416 carries a line of text",
    "leftovers": "an encoding whose file is gone is still served",
    "links": "it follows symbolic links: let nobody else write into the folder (`heliograph sync` makes none)",
    "user timeout": "the kernel gives up frozen readers by net.ipv4.tcp_retries2, not after 25 s",
    "room": "Onion-Location comes with brotli only, since it cannot tell whether another answer has room for it",
}

_TOKEN = r"[ \t]*(?:;[ \t]*q=(?:1(?:\.0*)?|0\.[0-9]*[1-9][0-9]*)[ \t]*)?(?:,|$)"  # noqa: S105 - of a header field
_BR = rf"(?i)(?:^|,)[ \t]*br{_TOKEN}"
_GZIP = rf"(?i)(?:^|,)[ \t]*(?:x-)?gzip{_TOKEN}"
_ODD = r"^[^?#]*(?:%|\\|//|/\.\.?(?:[/?#]|$))"  # a second spelling of a path
_TOP = """\
# A heliograph mirror for Caddy, made by `heliograph mirror-config caddy`: a whole Caddyfile.
# It keeps no log of readers and answers each connection once.
#
# Caddy cannot end the sockets of frozen readers after some seconds, but the kernel can do it early. As root:
#   echo net.ipv4.tcp_retries2=8 > /etc/sysctl.d/60-mirror.conf && sysctl --system
{{
	admin off
	auto_https off
	ocsp_stapling off
	skip_install_trust
	grace_period 5s
{sni}	log {{
		output stderr
		level ERROR
		exclude http tls
	}}
	servers {{
		protocols h1
		max_header_size {head}KB
		timeouts {{
			read_header {patience}s
			read_body {patience}s
			write {drain}s
			idle 1s
		}}
	}}
}}
"""
_FILE = """\
handle @{name}_br {{
	header {{
		Content-Encoding br
		defer
	}}
{more}
	rewrite * {path}.br
	file_server {{
{serve}
	}}
}}
handle @{name}_gzip {{
	header {{
		Content-Encoding gzip
		defer
	}}
	rewrite * {path}.gz
	file_server {{
{serve}
	}}
}}
handle @{name} {{
	rewrite * {path}
	file_server {{
{serve}
	}}
}}"""
_MATCH = """\
@{name}_br {{
	header_regexp {name}_br Accept-Encoding `{br}`
	file {path}.br
{more}
}}
@{name}_gzip {{
	header_regexp {name}_gzip Accept-Encoding `{gzip}`
	file {path}.gz
{more}
}}
@{name} file {path}"""
_ONION = """\
	# Where Tor Browser finds the same page. Only with brotli: the other encodings may have no room for it in 6 KB.
	@page {{
		path_regexp page `{pages}`
		not header Range *
	}}
	header @page Onion-Location "{base}{{re.page.1}}"
"""
_SNIPPET = """
(heliograph) {{
	root * "{root}"
	header {{
{always}
		Connection close
		-Server
		-Last-Modified
		-Accept-Ranges
	}}
	route {{
		request_header -If-Modified-Since
		@head method HEAD
		request_header @head -Range
		@several header_regexp several Range ,
		request_header @several -Range

		@other not method GET HEAD
		header @other Allow "GET, HEAD"
		respond @other 405

		# No second spelling of a path: not encoded, no dots or empty segments between slashes.
		@odd vars_regexp odd {{http.request.orig_uri}} `{odd}`
		error @odd 404
{ladder}
		@folder path */
		rewrite @folder {{path}}index.html

		# What kind of file a path names, and the fields that such files get.
{kinds}

		# X.br or X.gz beside X, of those that the reader accepts; what is of no kind is not there.
		@unknown not path_regexp unknown `{known}`
		error @unknown 404
{match}
{file}
		error 404
	}}
	handle_errors {{
		header {{
{always}
{missing}
			Connection close
			-Server
			-Last-Modified
			-Accept-Ranges
			-Etag
			-Onion-Location
		}}
		request_header -Range
		request_header -If-None-Match
{error_match}
		route {{
{error_file}
			respond 404
		}}
	}}
}}
"""
_LADDER = """
		# Test bodies for probers: ladder/1 to ladder/64, of so many KiB.
		@ladder path_regexp ladder `{rung}`
		route @ladder {{
			root * "{folder}"
			header {{
				Content-Type application/octet-stream
				Cache-Control no-store
				-Etag
			}}
			uri strip_prefix /ladder
			file_server
		}}
"""


def caddy(site: Site) -> str:
    """The Caddyfile that makes Caddy serve ``site``."""
    found = kinds()
    sni = f"\tdefault_sni {site.names[0]}\n" if site.names else ""
    top = _TOP.format(sni=sni, head=wire.MAX_HEAD // 1_024, patience=round(PATIENCE), drain=round(DRAIN))
    plain = "not path *.br *.gz"
    missing = next(kind for kind in found if kind.name == "html").fields
    file = _FILE.format(name="file", path="{path}", serve="\t\tdisable_canonical_uris", more=_onion(site, found))
    error_file = _FILE.format(name="page", path="/404.html", serve="\t\tstatus 404", more="")
    snippet = _SNIPPET.format(
        root=site.folder,
        always=_indented(_lines(always()), 2),
        odd=_ODD,
        ladder=_LADDER.format(rung=RUNG, folder=site.ladder) if site.ladder is not None else "",
        kinds=_indented((line for kind in reversed(found) for line in _kind(kind)), 2),  # here the last one counts
        known="|".join(kind.pattern for kind in found),
        match=_indented(
            _MATCH.format(name="file", path="{path}", more=f"\t{plain}", br=_BR, gzip=_GZIP).split("\n"), 2
        ),
        file=_indented(file.split("\n"), 2),
        missing=_indented(_lines(missing), 3),
        error_match=_indented(_MATCH.format(name="page", path="/404.html", more="", br=_BR, gzip=_GZIP).split("\n"), 2),
        error_file=_indented(error_file.split("\n"), 3),
    )
    return top + snippet + "".join(_blocks(site))


def _blocks(site: Site) -> Iterator[str]:
    """A block for each place to listen at; the name a reader uses does not matter, as with ``serve``."""
    for host, port in site.listens:
        lines = [f"bind {host}"] if host else []
        if site.cert is not None:
            lines += [
                f'tls "{site.cert}" "{site.key or site.cert}" {{',
                "\tprotocols tls1.2 tls1.3",
                "\talpn http/1.1",
                "}",
            ]
        lines.append("import heliograph")
        yield f"\n{'http' if site.cert is None else 'https'}://:{port} {{\n" + _indented(lines, 1) + "\n}\n"


def _kind(kind: Kind) -> Iterator[str]:
    yield f"@{kind.name} path_regexp {kind.name} `{kind.pattern}`"
    yield f"header @{kind.name} {{"
    for line in _lines(kind.fields):
        yield f"\t{line}"
    yield "}"


def _onion(site: Site, found: Iterable[Kind]) -> str:
    """The offer of the onion mirror, where there is one."""
    if not site.onion:
        return ""
    pages = "|".join(kind.pattern.removeprefix("^/").removesuffix("$") for kind in found if kind.is_pages)
    return _ONION.format(pages=f"^/({pages})$", base=site.onion)


def _lines(fields: Mapping[str, str]) -> Iterable[str]:
    return (f'{name} "{value}"' for name, value in fields.items())


def _indented(lines: Iterable[str], by: int) -> str:
    return "\n".join("\t" * by + line for line in lines if line.strip())
