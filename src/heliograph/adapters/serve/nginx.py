"""A mirror's configuration for nginx (1.20 or later, also Debian's, which lacks the brotli module).

One file for the ``http`` block, such as ``/etc/nginx/conf.d/mirror.conf``. What nginx cannot do as ``serve`` does has a
name in ``EXCEPTIONS``; the tests that both must pass leave out what is named there and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from heliograph.adapters.serve import wire
from heliograph.adapters.serve.connection import DRAIN, LINGER, RECORD
from heliograph.adapters.serve.outfit import RUNG, Kind, Site, always, kinds
from heliograph.adapters.serve.server import PATIENCE

EXCEPTIONS: Final[Mapping[str, str]] = {
    "server": "it names itself in `Server`, and sends `Date` and `Accept-Ranges`; 74 bytes more",
    "refused identity": "a reader who accepts no encoding that is there gets the plain file instead of 406",
    "weights": "of the encodings a reader accepts it takes br before gzip, whatever their weights",
    "ranged head": "HEAD with a Range is answered with 206",
    "policy of parts": "a 206 carries the Content-Security-Policy, too",
    "leftovers": "an encoding whose file is gone is still served",
    "user timeout": "the kernel gives up frozen readers by net.ipv4.tcp_retries2, not after 25 s",
    "room": "Onion-Location comes with brotli only, since it cannot tell whether another answer has room for it",
}

_TOKEN = r"[ \t]*(?:;[ \t]*q=(?:1(?:\.0*)?|0\.[0-9]*[1-9][0-9]*)[ \t]*)?(?:,|$)"  # noqa: S105 - of a header field
_HEAD = """\
# A heliograph mirror for nginx, made by `heliograph mirror-config nginx`. Its place is the http block:
# /etc/nginx/conf.d/mirror.conf. It keeps no log of readers and answers each connection once.
#
# nginx cannot end the sockets of frozen readers after some seconds, but the kernel can do it early. As root:
#   echo net.ipv4.tcp_retries2=8 > /etc/sysctl.d/60-mirror.conf && sysctl --system
"""
_MAPS = """
# Which encoding to send: X.br or X.gz beside X, of those that the reader accepts.
map "$heliograph_vary|$http_accept_encoding" $heliograph_first {{
    volatile;
    default "";
    "~*^.+\\|(?:.*,)?[ \\t]*br{token}" ".br";
    "~*^.+\\|(?:.*,)?[ \\t]*(?:x-)?gzip{token}" ".gz";
}}
map "$heliograph_vary|$http_accept_encoding" $heliograph_second {{
    volatile;
    default "";
    "~*^.+\\|(?:.*,)?[ \\t]*(?:x-)?gzip{token}" ".gz";
}}
map "$heliograph_vary|$uri" $heliograph_coding {{
    volatile;
    default "";
    "~^.+\\|.*\\.br$" br;
    "~^.+\\|.*\\.gz$" gzip;
}}
map $request_method $heliograph_allow {{
    default "GET, HEAD";
    GET "";
    HEAD "";
}}
# An empty body; nginx takes "" for its own page.
map $request_method $heliograph_nothing {{
    default "";
}}
# No second spelling of a path: not encoded, no dots or empty segments between slashes.
map $request_uri $heliograph_odd {{
    default "";
    "~^[^?#]*(?:%|\\\\\\\\|//|/\\.\\.?(?:[/?#]|$))" 1;
}}
"""
_ONION = """
# Where Tor Browser finds the same page. Only with brotli: the other encodings may have no room for it in 6 KB.
map "$status|$http_range|$heliograph_kind|$heliograph_coding" $heliograph_onion {{
    volatile;
    default "";
    "~^200\\|\\|(?:{pages})\\|br$" "{base}$heliograph_file";
}}
map $heliograph_path $heliograph_file {{
    volatile;
    default "";
    "~^/(?<heliograph_name>.+)$" $heliograph_name;
}}
"""
_SERVER = """
server {{
{listen}
    server_name {names};
    root "{root}";

    access_log off;
    error_log /dev/null emerg;
    server_tokens off;

    # One answer for each connection, in as few packets as can be.
    keepalive_timeout 0;
    tcp_nopush on;
    sendfile on;
    etag on;
    if_modified_since off;
    max_ranges 1;
    merge_slashes off;
    autoindex off;
    disable_symlinks on from=$document_root;
    gzip off;
    client_header_timeout {patience}s;
    client_body_timeout {patience}s;
    client_header_buffer_size 1k;
    large_client_header_buffers 2 {head}k;
    client_max_body_size 1k;
    send_timeout {drain}s;
    lingering_close on;
    lingering_time {linger}s;
    lingering_timeout {linger}s;
    reset_timedout_connection on;
{tls}
    types {{ }}
    default_type "";
{always}
    add_header Allow $heliograph_allow always;
    add_header Content-Type $heliograph_type always;
    add_header Content-Encoding $heliograph_coding always;
    add_header Cache-Control $heliograph_lifetime always;
    add_header Vary $heliograph_vary always;
    add_header Content-Security-Policy $heliograph_policy always;
    add_header Last-Modified "";
{onion}
    rewrite ^(.*/)$ $1index.html;
    set $heliograph_path $uri;
    if ($heliograph_odd) {{
        set $heliograph_path "";
    }}
    error_page 403 404 @missing;
    error_page 416 @beyond;

    location / {{
        if ($heliograph_allow) {{
            return 405 $heliograph_nothing;
        }}
        if ($heliograph_kind = "") {{
            return 404;
        }}
        try_files $heliograph_path$heliograph_first $heliograph_path$heliograph_second $heliograph_path =404;
    }}
{ladder}
    location @missing {{
        set $heliograph_path /404.html;
        etag off;
        max_ranges 0;
        try_files /404.html$heliograph_first /404.html$heliograph_second /404.html @bare;
    }}
    location @bare {{
        set $heliograph_path "";
        return 404 $heliograph_nothing;
    }}
    location @beyond {{
        add_header Last-Modified "";  # instead of the fields above, which this answer has already
        return 416 $heliograph_nothing;
    }}
}}
"""
_TLS = """
    # One session ticket (a second costs 255 bytes), small records, no HTTP/2: it dies whole at the first curtain.
    ssl_certificate "{cert}";
    ssl_certificate_key "{key}";
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers off;
    ssl_session_cache off;
    ssl_session_tickets on;
    ssl_session_timeout 1d;
    ssl_conf_command NumTickets 1;
    ssl_buffer_size {record}k;
    ssl_stapling off;
    # With nginx 1.29.1 and OpenSSL 3.2 or later, this saves a third of the handshake:
    # ssl_certificate_compression on;
"""
_LADDER = """
    # Test bodies for probers: ladder/1 to ladder/64, of so many KiB.
    location ~ "{rung}" {{
        root "{above}";
        rewrite ^/ladder/(.*)$ /{name}/$1 break;
        etag off;
        types {{ }}
        default_type "application/octet-stream";
{always}
        add_header Cache-Control no-store;
        add_header Last-Modified "";
    }}
"""


def nginx(site: Site) -> str:
    """The configuration file that makes nginx serve ``site``."""
    found = kinds()
    ladder = ""
    if site.ladder is not None:
        fields = _indented(_always_lines(), 8)
        ladder = _LADDER.format(rung=RUNG, above=site.ladder.parent, name=site.ladder.name, always=fields)
    tls = ""
    if site.cert is not None:
        tls = _TLS.format(cert=site.cert, key=site.key or site.cert, record=RECORD // 1_024)
    server = _SERVER.format(
        listen=_indented(_listen(site), 4),
        names=" ".join(site.names) or "_",
        root=site.folder,
        patience=round(PATIENCE),
        head=wire.MAX_HEAD // 1_024,
        drain=round(DRAIN),
        linger=round(LINGER),
        tls=tls,
        always=_indented(_always_lines(), 4),
        ladder=ladder,
        onion="    add_header Onion-Location $heliograph_onion;\n" if site.onion else "",
    )
    maps = _MAPS.format(token=_TOKEN)
    if site.onion:
        maps += _ONION.format(pages="|".join(kind.name for kind in found if kind.is_pages), base=site.onion)
    return _HEAD + _kind_map(found) + _field_maps(found) + maps + server


def _listen(site: Site) -> Iterable[str]:
    tls = " ssl" if site.cert is not None else ""
    for host, port in site.listens:
        for place in ("", "[::]:") if not host else (f"[{host}]:" if ":" in host else f"{host}:",):
            yield f"listen {place}{port}{tls};"


def _always_lines() -> Iterable[str]:
    return (f'add_header {name} "{value}" always;' for name, value in always().items())


def _kind_map(found: Iterable[Kind]) -> str:
    rows = [f'"~{kind.pattern}" {kind.name};' for kind in found]
    about = "\n# What kind of file a path names; none: it is not of an edition, and there is no answer but 404.\n"
    return about + _map("heliograph_path", "heliograph_kind", rows)


def _field_maps(found: Iterable[Kind]) -> str:
    text = ""
    for field, variable in (
        ("Content-Type", "heliograph_type"),
        ("Cache-Control", "heliograph_lifetime"),
        ("Vary", "heliograph_vary"),
        ("Content-Security-Policy", "heliograph_policy"),
    ):
        rows = [f'{kind.name} "{kind.fields[field]}";' for kind in found if field in kind.fields]
        text += _map("heliograph_kind", variable, rows)
    return text


def _map(source: str, target: str, rows: Iterable[str]) -> str:
    return f"map ${source} ${target} {{\n" + _indented(["volatile;", 'default "";', *rows], 4) + "\n}\n"


def _indented(lines: Iterable[str], by: int) -> str:
    return "\n".join(" " * by + line for line in lines)
